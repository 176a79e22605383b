"""Credentials of another account than environment_account change nothing, whichever playbook runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from ansible.plugins import loader
from ansible_collections.pear.fargate.plugins.module_utils.common import account

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.pear.fargate.plugins"
# It calls nothing: it prints what the controller kept.
WITHOUT_AWS = {"drift_report"}
MODULES = sorted({path.stem for path in (ROOT / "plugins/modules").glob("*.py")} - WITHOUT_AWS)
PLAYBOOKS = sorted(
    path.relative_to(ROOT) for path in [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("extensions/eda/*.yml")]
)
CALLER = {"account": "111111111111", "arn": "arn:aws:iam::111111111111:user/ada"}


class RanError(Exception):
    """The module was run."""


def action(module: str, monkeypatch: pytest.MonkeyPatch, become: bool = False) -> Any:
    """The action plugin of a module, with credentials of CALLER's account; the module itself ends in RanError."""

    def ran(*_: Any, **__: Any) -> dict[str, Any]:
        raise RanError

    # Ansible's own loader would change how this process imports collections.
    monkeypatch.setattr(loader.filter_loader, "get", MagicMock())
    monkeypatch.setattr(loader.test_loader, "get", MagicMock())
    in_process = importlib.import_module(f"{PLUGINS}.plugin_utils.in_process")
    taken = SimpleNamespace(error_messages=[], validated_parameters={"region": "eu-central-1"})
    monkeypatch.setattr(in_process, "ArgumentSpecValidator", lambda *_, **__: SimpleNamespace(validate=lambda _: taken))
    monkeypatch.setattr(account.sts, "caller", lambda _: CALLER)
    plugin = importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule
    monkeypatch.setattr(plugin, "module_run", staticmethod(ran))
    task = MagicMock(args={}, async_val=0, environment=[], check_mode=False, action=f"pear.fargate.{module}")
    made = plugin(task, MagicMock(transport="local"), MagicMock(become=become), None, MagicMock(), None)
    made._templar.template = lambda value: value
    return made


def outcome(plugin: Any, wanted: Any) -> dict[str, Any]:
    answer: dict[str, Any] = plugin.run(task_vars={"environment_account": wanted, "groups": {}, "hostvars": {}})
    return answer


@pytest.mark.parametrize("module", MODULES)
def test_every_module_refuses_another_account_before_it_runs(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = outcome(action(module, monkeypatch), "222222222222")
    assert answer["failed"]
    assert f"of account 111111111111 ({CALLER['arn']}), and environment_account is 222222222222" in answer["msg"]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("111111111111", id="its own account"),
        pytest.param(111111111111, id="a number in YAML"),
        pytest.param("", id="emptied by an extra variable"),
        pytest.param(None, id="not set"),
    ],
)
def test_the_right_account_and_none_are_not_refused(wanted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RanError):
        outcome(action("environment_teardown", monkeypatch), wanted)


def test_without_the_variable_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = action("environment_teardown", monkeypatch)
    monkeypatch.setattr(account.sts, "caller", MagicMock(side_effect=AssertionError))
    with pytest.raises(RanError):
        outcome(plugin, None)


def test_an_account_that_yaml_has_read_as_another_number_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """012345670123 without quotes is octal."""
    answer = outcome(action("vpc_network", monkeypatch), yaml.safe_load("012345670123"))
    assert "an account id has 12 digits: write it in quotes" in answer["msg"]


@pytest.mark.parametrize(("wanted", "refused"), [("222222222222", True), ("111111111111", False)])
def test_a_module_that_runs_elsewhere_is_refused_by_the_credentials_it_has_there(
    wanted: str, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = action("environment_teardown", monkeypatch, become=True)
    ran: list[Any] = []
    plugin._task.args = {"profile": "there", "environment": "production", "confirm": "production"}

    def execute(module_name: str = "", module_args: Any = None, **_: Any) -> dict[str, Any]:
        ran.append((module_name, module_args))
        return {"environment": {"account": CALLER["account"], "caller": CALLER["arn"]}} if module_name else {"done": 1}

    plugin._execute_module = execute
    answer = outcome(plugin, wanted)
    asked = {"profile": "there", "environment": "any", "parts": ["identity"]}
    assert ran[0] == ("pear.fargate.environment_info", asked)
    assert (len(ran), answer.get("failed", False), "done" in answer) == (
        (1, True, False) if refused else (2, False, True)
    )


# --- playbooks ---

OPENS_A_BROWSER = {"argv": ["{{ ansible_playbook_python }}", "-m", "webbrowser", "-t", "{{ item }}"]}


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=str)
def test_a_playbook_reaches_aws_through_guarded_modules_only(playbook: Path) -> None:
    """Modules of other collections do not know environment_account: one of ours stands before them, under no other condition."""
    for file in files_of(playbook):
        guards: list[set[str]] = []
        for task in tasks_of(yaml.safe_load((ROOT / file).read_text()) or []):
            module = module_of(task)
            if module.startswith("pear.fargate.") and not task.get("loop"):
                guards.append(conditions(task))
            elif module.startswith(("amazon.aws.", "community.aws.")):
                own = conditions(task)
                assert any(guard <= own for guard in guards), (
                    f"{file}: nothing checks the account before {task['name']}"
                )
            elif task.get("ansible.builtin.command") != OPENS_A_BROWSER:
                assert module not in ("ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw"), (
                    f"{file}: {task['name']} could call AWS"
                )


def test_the_walk_finds_the_roles_and_the_included_files() -> None:
    found = {str(file) for file in files_of(Path("playbooks/deploy.yml"))}
    assert {"playbooks/provision.yml", "roles/dns/tasks/main.yml", "roles/load_balancer/tasks/access_logs.yml"} <= found
    assert "playbooks/tasks/rollback.yml" in {str(file) for file in files_of(Path("playbooks/rollback_on_alarm.yml"))}


def module_of(task: Mapping[str, Any]) -> str:
    return next((key for key in task if key.count(".") == 2), "")


def conditions(task: Mapping[str, Any]) -> set[str]:
    """The conditions that all have to hold; those of a text are joined by `and`."""
    when = task.get("when", [])
    texts = when if isinstance(when, list) else str(when).split(" and ")
    return {str(text).strip() for text in texts}


def tasks_of(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All tasks of a playbook or a file of tasks, in their order, those of blocks with the block's conditions."""
    for node in nodes:
        inner = [
            part
            for name in ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always")
            for part in node.get(name, [])
        ]
        if not inner and "hosts" not in node:
            yield node
        for task in tasks_of(inner):
            yield {**task, "when": [*conditions(task), *conditions(node)]}


def files_of(file: Path) -> set[Path]:
    """The file and all that it imports, includes or takes of roles. A file named by a variable stands for all of its folder."""
    found: set[Path] = set()
    left = [file]
    while left:
        file = left.pop()
        if file in found:
            continue
        found.add(file)
        nodes = yaml.safe_load((ROOT / file).read_text()) or []
        for node in nodes:
            if "ansible.builtin.import_playbook" in node:
                left.append(file.parent / node["ansible.builtin.import_playbook"])
            left += [role_file(role["role"], "main") for role in node.get("roles", [])]
        for task in tasks_of(nodes):
            left += included(file, task)
    return found


def included(file: Path, task: Mapping[str, Any]) -> Iterator[Path]:
    for kind in ("import_role", "include_role"):
        role = task.get(f"ansible.builtin.{kind}")
        if role:
            yield role_file(role["name"], role.get("tasks_from", "main"))
    for kind in ("import_tasks", "include_tasks"):
        given = task.get(f"ansible.builtin.{kind}")
        if not given:
            continue
        name = given["file"] if isinstance(given, Mapping) else given
        if "{{" in name:
            yield from (path.relative_to(ROOT) for path in (ROOT / file.parent).glob("*.yml"))
        else:
            yield file.parent / name


def role_file(role: str, name: str) -> Path:
    return Path("roles") / role.rpartition(".")[2] / "tasks" / f"{name.removesuffix('.yml')}.yml"
