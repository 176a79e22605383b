"""The command for a shell: for which task, and what is said to be missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import ecs
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import service_exec_info
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_exec_info import choose, findings
from ansible_collections.pear.fargate.plugins.module_utils.service.location import NO_RULE, ServiceLocation
from ansible_collections.pear.fargate.plugins.modules import service_exec_info as module

from tests.unit.service.given import checked

from .scenes import service, task

APP = ContainerState("app", "RUNNING", exec_agent="RUNNING")
READY = task(1, exec_enabled=True, containers=(APP,), health="HEALTHY")


def enabled() -> ServiceState:
    return replace(service(2, 2), settings={"enable_execute_command": True})


@pytest.mark.parametrize(
    ("state", "found", "container", "said"),
    [
        pytest.param(enabled(), READY, APP, (), id="ready"),
        pytest.param(service(2, 2), READY, APP, ("service_enable_execute_command",), id="off"),
        pytest.param(enabled(), replace(READY, exec_enabled=False), APP, ("service_restart",), id="an older task"),
        pytest.param(enabled(), READY, replace(APP, exec_agent="STOPPED"), ("is stopped", "writable"), id="no agent"),
        pytest.param(
            enabled(),
            READY,
            replace(APP, exec_agent="PENDING", exec_agent_reason="waiting"),
            ("is pending (waiting)",),
            id="an agent that starts",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    state: ServiceState, found: TaskState, container: ContainerState, said: tuple[str, ...]
) -> None:
    missing = list(findings(state, found, container))
    assert len(missing) == (1 if said else 0)
    assert all(words in missing[0] for words in said)


def test_the_newest_healthy_task_is_taken_and_one_that_has_the_agent_before_one_that_has_not() -> None:
    old = replace(READY, id="a" * 32, started_at=1.0)
    new = replace(READY, id="b" * 32, started_at=2.0)
    sick = replace(READY, id="c" * 32, started_at=3.0, health="UNHEALTHY")
    without = replace(READY, id="d" * 32, started_at=4.0, exec_enabled=False)
    assert choose([old, new, sick, without], "", enabled()).id == new.id
    assert choose([old, new, sick], "cc", enabled()).id == sick.id


@pytest.mark.parametrize(
    ("tasks", "named", "said"),
    [
        ((), "", "no running task"),
        ((replace(READY, status="PENDING"),), "", "no running task"),
        ((READY,), "ffff", "0 running tasks"),
        ((READY, replace(READY, id=READY.id[:-1] + "f")), "000", "2 running tasks"),
    ],
)
def test_a_task_that_is_not_there_or_not_the_only_one_is_said(
    tasks: tuple[TaskState, ...], named: str, said: str
) -> None:
    with pytest.raises(Failure, match=said):
        choose(tasks, named, enabled())


def run(monkeypatch: pytest.MonkeyPatch, path: str, **options: Any) -> dict[str, Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("PATH", path)
    location = ServiceLocation("staging", "scores", "", "", {}, NO_RULE, None)
    monkeypatch.setattr(service_exec_info, "locate_by", lambda aws, params: location)
    monkeypatch.setattr(ecs, "services", lambda aws, cluster, names: {names[0]: replace(enabled(), name=names[0])})
    monkeypatch.setattr(ecs, "tasks", lambda aws, cluster, name: [READY])
    given = checked(module.ARGUMENT_SPEC, {"environment": "staging", "service": "scores", **options})
    return service_exec_info.run(Invocation(given, Aws({"region": "eu-central-1"})))


def test_the_command_is_one_that_a_shell_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    found = run(monkeypatch, str(tmp_path), command="python3 -c 'print(1)'", kind="worker")
    assert found["command"] == (
        f"aws ecs execute-command --region eu-central-1 --cluster staging --task {READY.id} --container app "
        "--interactive --command 'python3 -c '\"'\"'print(1)'\"'\"''"
    )
    assert found["colour"] == "blue"
    assert not found["plugin"] and found["note"].startswith("session-manager-plugin is not installed here.")


def test_where_the_plugin_is_installed_nothing_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    found = run(monkeypatch, str(tmp_path))
    assert found["plugin"] and not found["note"]


def test_a_container_that_the_task_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with pytest.raises(Failure, match="no container sidecar; it has app"):
        run(monkeypatch, str(tmp_path), container="sidecar")


def test_the_agent_is_read_from_what_ecs_describes() -> None:
    raw = {
        "taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/staging/abc",
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/staging-scores:1",
        "lastStatus": "RUNNING",
        "enableExecuteCommand": True,
        "containers": [
            {
                "name": "app",
                "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": "STOPPED", "reason": "no"}],
            },
            {"name": "collector"},
        ],
    }
    read = ecs._task(raw)
    assert read.exec_enabled
    assert [(one.exec_agent, one.exec_agent_reason) for one in read.containers] == [("STOPPED", "no"), ("", "")]
