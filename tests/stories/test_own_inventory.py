"""docs/molecule.md as a user follows it: an inventory in a repository of its own, deployed to a sandbox and verified by molecule."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.own_inventory import molecule, own_repository

from .conftest import Stage


@pytest.mark.long
def test_molecule_deploys_an_inventory_of_ones_own_and_fails_where_it_is_not_as_verified(
    stage: Stage, tmp_path: Path
) -> None:
    # cp -r examples/molecule, then: molecule test
    project = own_repository(tmp_path)
    tested = molecule(project, "test", stage.environment, 1500)
    assert tested.returncode == 0, tested.stdout
    assert "Ask the service through its load balancer" in tested.stdout
    (service,) = stage.client("ecs").describe_services(cluster="own", services=["scores-blue"])["services"]
    assert service["runningCount"] == service["desiredCount"] == 2

    path = project / "inventories/staging/host_vars/scores.yml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text()) | {"service_health_check": {"path": "/no-such-page"}})
    )
    verified = molecule(project, "verify", stage.environment, 600)
    assert verified.returncode != 0 and "404" in verified.stdout, verified.stdout
