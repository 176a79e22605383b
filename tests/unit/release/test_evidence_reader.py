"""The evidence of a failed release: all that can be read is kept, what cannot be is said, and no value of a variable gets into it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, NotSentError
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.release import evidence_reader
from ansible_collections.pear.fargate.plugins.module_utils.release.evidence_reader import (
    EvidenceReader,
    definition_changes,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout import lease as leases
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Plan,
    Release,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from botocore.exceptions import ClientError

FLEET = Fleet(Weights(90, 10), ColourState(Colour.BLUE, "app:1", 2, 2, 2), ColourState(Colour.GREEN, "app:2", 2, 1, 1))
RELEASE = Release(
    "r", "app", Kind.DEPLOY, "d", Colour.BLUE, Colour.GREEN, Plan("canary", (Step(100),)), 0.0, "me", "app:2"
)
GROUPS = {one: SimpleNamespace(arn=f"arn:{one}", health_check="GET /readyz expecting 200") for one in Colour}
PLACE = cast(
    ServiceLocation,
    SimpleNamespace(
        cluster="local",
        ecs_services={one: f"app-{one}" for one in Colour},
        target_groups=GROUPS,
        names=SimpleNamespace(log_group="/pear/local/app"),
    ),
)
CRASHED = TaskState(
    "t1", "app:2", "ecs-svc/2", "STOPPED", stop_code="EssentialContainerExited", stopped_reason="exited",
    containers=(ContainerState("app", exit_code=3),),
)  # fmt: skip
OF_ANOTHER = TaskState("t0", "app:1", "ecs-svc/1", "STOPPED", stop_code="EssentialContainerExited")


def denied(*_: Any) -> Any:
    error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    raise AwsError("read the logs", ClientError(error, "GetLogEvents"))


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    primary = Deployment("ecs-svc/2", "PRIMARY", "app:2", 2, 1, 1, 1, "IN_PROGRESS")
    state = ServiceState("app-green", "arn", "ACTIVE", "app:2", 2, 1, 1, (primary,))
    monkeypatch.setattr(evidence_reader.ecs, "services", lambda *_: {"app-green": state})
    monkeypatch.setattr(evidence_reader.ecs, "tasks", lambda *a: [OF_ANOTHER, CRASHED] if a[-1] == "STOPPED" else [])
    sick = TargetState("10.0.0.9", 8080, "unhealthy", "Target.ResponseCodeMismatch", "codes: [503]")
    monkeypatch.setattr(evidence_reader.elbv2, "target_health", lambda *_: (sick,))
    monkeypatch.setattr(evidence_reader.task_logs, "last_lines", lambda *_: ["no licence, giving up"])
    monkeypatch.setattr(evidence_reader.ecs, "task_definition", lambda *_: None)


def kept() -> dict[str, Any]:
    return EvidenceReader(cast(Aws, None), PLACE).collect(RELEASE, FLEET, ["5xx share 30 %"])


def test_tasks_of_this_deployment_are_kept_with_their_last_lines_beside_sick_targets_and_readings() -> None:
    evidence = kept()
    assert [(one["task"], one["log_lines"]) for one in evidence["tasks"]] == [("t1", ["no licence, giving up"])]
    assert any("codes: [503]" in cause for cause in evidence["causes"])
    assert (evidence["readings"], evidence["unread"]) == (["5xx share 30 %"], [])


def test_logs_that_may_not_be_read_hide_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_reader.task_logs, "last_lines", denied)
    evidence = kept()
    assert [one["task"] for one in evidence["tasks"]] == ["t1"]
    assert evidence["readings"] == ["5xx share 30 %"]
    assert len(evidence["unread"]) == 1
    assert "AccessDenied" in evidence["unread"][0]


def test_answers_that_do_not_come_end_before_the_lease_does(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = [0.0], [0]

    def hang(*_: Any) -> Any:
        # As long as a call of a release takes at most.
        clock[0], asked[0] = clock[0] + 36.0, asked[0] + 1
        denied()

    for module, name in (
        (evidence_reader.elbv2, "target_health"),
        (evidence_reader.ecs, "services"),
        (evidence_reader.ecs, "tasks"),
    ):
        monkeypatch.setattr(module, name, hang)
    monkeypatch.setattr(evidence_reader.ecs, "task_definition", hang)
    evidence = EvidenceReader(cast(Aws, None), PLACE, now=lambda: clock[0]).collect(RELEASE, FLEET, ["5xx share 30 %"])
    assert clock[0] < leases.SECONDS
    assert len(evidence["unread"]) == asked[0] + 1
    assert evidence["unread"][-1].startswith("AWS answered slowly")
    assert evidence["readings"] == ["5xx share 30 %"]


def test_where_the_lease_ends_first_the_rest_of_the_evidence_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def held_back(*_: Any) -> Any:
        asked.append(1)
        raise NotSentError("ListTasks was not sent: its time was over.")

    monkeypatch.setattr(evidence_reader.ecs, "tasks", held_back)
    evidence = kept()
    assert len(asked) == 1
    assert evidence["unread"] == [
        "AWS answered slowly: the time for reading evidence was over, so the rest of it was not read"
    ]
    assert any("codes: [503]" in cause for cause in evidence["causes"])


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        pytest.param(["collector", "app", "proxy"], "app", id="the service's own, wherever ECS lists it"),
        pytest.param(["web", "sidecar"], "web", id="of a service of others, the first"),
    ],
)
def test_of_a_candidate_that_runs_the_log_of_the_services_own_container_is_kept(
    monkeypatch: pytest.MonkeyPatch, names: list[str], shown: str
) -> None:
    running = TaskState("t2", "app:2", "ecs-svc/2", "RUNNING", containers=tuple(map(ContainerState, names)))
    monkeypatch.setattr(evidence_reader.ecs, "tasks", lambda *a: [] if a[-1] == "STOPPED" else [running])
    monkeypatch.setattr(evidence_reader.task_logs, "last_lines", lambda *a: [f"lines of {a[-1]}"])
    assert kept()["logs"] == [f"lines of {shown}"]


def test_what_differs_is_named_and_values_are_not() -> None:
    def definition(image: str, **environment: str) -> dict[str, Any]:
        variables = [{"name": name, "value": value} for name, value in environment.items()]
        return {"containerDefinitions": [{"name": "app", "image": image, "environment": variables}]}

    changes = definition_changes(definition("a@1", MODE="x", OLD="1"), definition("a@2", MODE="hidden", NEW="2"))
    assert changes == {
        "app": {
            "image": ["a@1", "a@2"],
            "variables_added": ["NEW"],
            "variables_removed": ["OLD"],
            "variables_changed": ["MODE"],
        }
    }
    assert "hidden" not in str(changes)
