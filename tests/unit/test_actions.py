"""Every module has its action plugin, which runs it in the controller under the module's own name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.aws import session
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import failed_result
from ansible_collections.pear.fargate.plugins.plugin_utils.module_services import SERVICES

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
# They need a host's variables, or what the controller kept: more than a module gets.
OWN_FILES = {"drift_report", "service_preflight"}
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
# Without options of AWS.
WITHOUT_AWS = {"drift_report"}


def test_every_module_has_an_action_plugin() -> None:
    assert sorted(path.stem for path in (PLUGINS / "action").glob("*.py")) == MODULES


def test_every_module_is_used_by_a_role_or_a_playbook() -> None:
    """But the one of those who use no role of ours (docs/api.md)."""
    root = PLUGINS.parent
    tasks = "\n".join(path.read_text() for part in ("roles", "playbooks") for path in (root / part).rglob("*.yml"))
    assert [module for module in MODULES if not re.search(rf"\bpear\.fargate\.{module}:", tasks)] == [
        "bluegreen_cutover"
    ]


def test_action_plugins_are_links_to_one_file() -> None:
    targets = {path.stem: path.resolve().name for path in (PLUGINS / "action").glob("*.py") if path.is_symlink()}
    assert set(targets) == set(MODULES) - OWN_FILES
    assert set(targets.values()) == {"module_action.py"}


@pytest.fixture(scope="module")
def loaded() -> dict[str, dict[str, Any]]:
    """What Ansible's loader makes of each name, in a process of its own: the loader changes how collections are imported."""
    done = subprocess.run([sys.executable, "-c", LOADER, *MODULES], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


LOADER = """
import importlib, json, sys
from ansible.plugins.loader import action_loader, init_plugin_loader

init_plugin_loader()
in_process = importlib.import_module("ansible_collections.pear.fargate.plugins.plugin_utils.in_process")
prepared = []
in_process.warm = prepared.extend
found = {}
for name in sys.argv[1:]:
    prepared.clear()
    context = action_loader.get_with_context(f"pear.fargate.{name}", class_only=True)
    module = importlib.import_module(f"ansible_collections.pear.fargate.plugins.modules.{name}")
    found[name] = {
        "resolved_name": context.plugin_load_context.resolved_fqcn,
        "prepared": list(prepared),
        "runs_its_module": getattr(context.object, "module_run", None) is getattr(module, "run", None),
        "takes_its_options": getattr(context.object, "argument_spec", None) is getattr(module, "ARGUMENT_SPEC", None),
    }
print(json.dumps(found))
"""


@pytest.mark.long
@pytest.mark.parametrize("name", MODULES)
def test_an_action_plugin_resolves_to_the_modules_own_name(name: str, loaded: dict[str, dict[str, Any]]) -> None:
    """Ansible applies module_defaults by this name: those of one module must not reach the others."""
    assert loaded[name]["resolved_name"] == f"pear.fargate.{name}"


@pytest.mark.parametrize("name", sorted(set(MODULES) - WITHOUT_AWS))
def test_an_action_plugin_runs_its_module_and_prepares_its_clients(
    name: str, loaded: dict[str, dict[str, Any]]
) -> None:
    assert loaded[name]["runs_its_module"]
    assert loaded[name]["takes_its_options"]
    assert loaded[name]["prepared"] == list(SERVICES[name])


@pytest.mark.parametrize(("verbosity", "repeated"), [(0, False), (1, True)])
def test_a_failed_task_prints_its_findings_once(verbosity: int, repeated: bool) -> None:
    """Ansible prints the message and every key of the result."""
    failure = Failure("1 finding, and nothing was changed:\n  - port", findings=["port"], outcome="refused")
    told = failed_result(failure, verbosity)
    assert told.pop("findings", None) == (["port"] if repeated else None)
    assert told == {"failed": True, "msg": str(failure), "outcome": "refused"}


def test_services_to_prepare_are_named_for_every_module_and_known_to_botocore() -> None:
    assert set(SERVICES) == set(MODULES) - WITHOUT_AWS
    known = set(botocore.session.get_session().get_available_services())
    assert {service for services in SERVICES.values() for service in services} <= known


def test_preparing_keeps_one_session_for_the_first_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_prepared", [])
    session.warm(("sts",))
    (prepared,) = session._prepared
    assert session.Aws({"region": "eu-central-1"})._session is prepared
    assert not session._prepared


def test_the_action_group_holds_every_module_that_takes_aws_options() -> None:
    runtime = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text())
    ours = [name for name in runtime["action_groups"]["aws"] if "." not in name]
    assert sorted(ours) == sorted(set(MODULES) - WITHOUT_AWS)
