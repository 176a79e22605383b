"""The scenario of examples/molecule, copied into a repository of its own: molecule takes it, and its playbooks fit the collection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from tests.support.own_inventory import own_repository, typed
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


def _task(playbook: Path, name: str) -> dict[str, Any]:
    (play,) = yaml.safe_load(playbook.read_text())
    (found,) = [task for task in play["tasks"] if task["name"] == name]
    return dict(found)


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        pytest.param({"service_hosts": ["scores.example.com", "s.example.com"]}, "scores.example.com", id="its first"),
        pytest.param({"service_hosts": []}, "lb.example.com", id="any host"),
        pytest.param({}, "lb.example.com", id="the role's default"),
    ],
)
def test_a_service_is_asked_for_by_a_name_that_it_answers_for(variables: dict[str, Any], host: str) -> None:
    asked = _task(SCENARIO / "verify.yml", "Ask the service through its load balancer")["ansible.builtin.uri"]
    found = {"verify_environment": {"environment": {"load_balancer": {"dns_name": "lb.example.com"}}}}
    assert (
        Environment(undefined=StrictUndefined).from_string(asked["headers"]["Host"]).render({**variables, **found})
        == host
    )


def test_a_service_is_read_as_the_playbooks_read_it() -> None:
    """In a cluster of others too."""
    (play,) = yaml.safe_load((ROOT / "playbooks/history.yml").read_text())
    (own,) = [task["pear.fargate.bluegreen_info"] for task in play["tasks"] if "pear.fargate.bluegreen_info" in task]
    asked = _task(SCENARIO / "verify.yml", "Read the service")["pear.fargate.bluegreen_info"]
    assert asked == {option: value for option, value in own.items() if option != "limit"}


@pytest.mark.plays
def test_molecule_takes_the_scenario_outside_of_this_checkout(tmp_path: Path) -> None:
    project = own_repository(tmp_path)
    done = typed(project, ["molecule", "syntax"], {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 300)
    assert done.returncode == 0, done.stdout
    # Molecule colours what it says, and wraps it in a frame.
    said = re.sub(r"\x1b\[[0-9;]*m|[│\s]", "", done.stdout)
    assert f"playbook:{project}/molecule/default/converge.yml" in said, done.stdout
    (project / "molecule/default/vars/sandbox.yml").unlink()
    without = typed(project, ["molecule", "syntax"], {}, 300)
    assert without.returncode != 0 and "sandbox.yml" in without.stdout, without.stdout
