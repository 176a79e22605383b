"""docs/molecule.md as a user follows it, with the collection as Galaxy installs it: an inventory in a repository of its own, deployed to a
sandbox and verified by molecule."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from tests.support.artifact import built_artifact, installed_artifact
from tests.support.own_inventory import own_repository, typed
from tests.support.plays import COLLECTIONS, parse_recap

from .conftest import Stage


@pytest.mark.long
def test_the_installed_collection_deploys_an_inventory_of_ones_own_and_molecule_verifies_it(
    stage: Stage, tmp_path: Path
) -> None:
    installed = installed_artifact(built_artifact(tmp_path / "source"), tmp_path / "collections")
    # First ours, which is found there; amazon.aws and the others are those of the tests.
    environment = {**stage.environment, "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, (installed, COLLECTIONS)))}
    # cp -r examples/molecule, then: molecule test
    project = own_repository(tmp_path)
    tested = typed(project, ["molecule", "test"], environment, 1500)
    assert tested.returncode == 0, tested.stdout
    assert "Ask the service through its load balancer" in tested.stdout
    (service,) = stage.client("ecs").describe_services(cluster="own", services=["scores-blue"])["services"]
    assert service["runningCount"] == service["desiredCount"] == 2

    # What runs is the artifact, and no task of this checkout.
    variables = ["-e", "@molecule/default/vars/sandbox.yml"]
    command = ["ansible-playbook", "pear.fargate.deploy", "-i", "inventories/staging", *variables, "-vv"]
    again = typed(project, command, environment, 900)
    assert again.returncode == 0, again.stdout
    assert all(host["changed"] == 0 for host in parse_recap(again.stdout).values()), again.stdout
    folders = set(re.findall(r"^task path: (.*)/(?:roles|playbooks)/", again.stdout, re.MULTILINE))
    assert folders == {str(installed / "ansible_collections/pear/fargate")}

    path = project / "inventories/staging/host_vars/scores.yml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(path.read_text()) | {"service_health_check": {"path": "/no-such-page"}})
    )
    verified = typed(project, ["molecule", "verify"], environment, 600)
    assert verified.returncode != 0 and "404" in verified.stdout, verified.stdout
