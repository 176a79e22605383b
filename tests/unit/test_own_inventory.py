"""The scenario of examples/molecule, copied into a repository of its own: molecule takes it, and its playbooks fit the collection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.own_inventory import molecule, own_repository
from tests.support.plays import ROOT

SCENARIO = ROOT / "examples/molecule/default"


def test_the_scenario_repeats_what_it_does_and_overrides_what_the_sandbox_lacks() -> None:
    steps = yaml.safe_load((SCENARIO / "molecule.yml").read_text())["scenario"]["test_sequence"]
    assert steps == ["syntax", "converge", "idempotence", "verify"]
    assert set(yaml.safe_load((SCENARIO / "vars/sandbox.yml").read_text())) == {
        "load_balancer_certificate",
        "dns_zone",
        "environment_account",
    }


@pytest.mark.plays
def test_molecule_takes_the_scenario_outside_of_this_checkout(tmp_path: Path) -> None:
    project = own_repository(tmp_path)
    done = molecule(project, "syntax", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 300)
    assert done.returncode == 0, done.stdout
    # Molecule colours what it says, and wraps it in a frame.
    said = re.sub(r"\x1b\[[0-9;]*m|[│\s]", "", done.stdout)
    assert f"playbook:{project}/molecule/default/converge.yml" in said, done.stdout
    (project / "molecule/default/vars/sandbox.yml").unlink()
    without = molecule(project, "syntax", {}, 300)
    assert without.returncode != 0 and "sandbox.yml" in without.stdout, without.stdout
