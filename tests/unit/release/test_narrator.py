"""Following a deployment: what is said once, what is kept, and whose evidence it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, Event, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.release.evidence import Evidence, TaskFailure
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.colour_state import Reading
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.narrator import Narrator
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from botocore.exceptions import ReadTimeoutError

from ..clocks import RecordedProgress

BLUE = Colour.BLUE
OURS, OLD = "ecs-svc/2", "ecs-svc/1"
BEFORE = Deployment(OLD, "PRIMARY", "app:1", 2, 2, 0, 0, "COMPLETED")
IN_PROGRESS = Deployment(OURS, "PRIMARY", "app:2", 2, 0, 2, 0, "IN_PROGRESS")
BACK = Deployment("ecs-svc/3", "PRIMARY", "app:1", 2, 2, 0, 0, "COMPLETED", "circuit breaker: rolling back to x")
HEALTHY = (TargetState("10.0.0.1", 8080, "healthy"), TargetState("10.0.0.2", 8080, "healthy"))
UNHEALTHY = TargetState(
    "10.0.0.9", 8080, "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"
)
CRASHED = TaskState(
    "0123456789abcdef",
    "app:2",
    OURS,
    "STOPPED",
    stop_code="EssentialContainerExited",
    stopped_reason="Essential container in task exited",
    containers=(ContainerState("app", "STOPPED", exit_code=3),),
)


def reading(
    *deployments: Deployment,
    targets: tuple[TargetState, ...] = HEALTHY,
    events: tuple[Event, ...] = (),
    stopped: tuple[TaskState, ...] = (),
) -> Reading:
    state = ServiceState("app-blue", "arn", "ACTIVE", "app:2", 2, 2, 0, deployments, events)
    return Reading(BLUE, state, targets, stopped)


def narrator(*looks: Reading, logs: tuple[str, ...] = ("boom",)) -> tuple[Narrator, RecordedProgress]:
    progress = RecordedProgress()
    made = Narrator(progress, lambda task, container: logs, {BLUE: Evidence("GET /readyz expecting 200")})
    for look in looks:
        made.look(look)
    return made, progress


def ended(*containers: ContainerState, code: str = "EssentialContainerExited") -> TaskState:
    return replace(CRASHED, stop_code=code, containers=containers)


@pytest.mark.parametrize(
    ("task", "culprits", "cause"),
    [
        pytest.param(
            ended(ContainerState("app", exit_code=143), ContainerState("proxy", exit_code=1)),
            ["proxy"],
            "container proxy: exit code 1",
            id="a sidecar failed, and ECS ended the app",
        ),
        pytest.param(
            ended(
                ContainerState("app", exit_code=3),
                ContainerState("proxy", exit_code=1),
                ContainerState("collector", exit_code=137),
            ),
            ["app", "proxy"],
            "container app: exit code 3; container proxy: exit code 1",
            id="two failed, and ECS killed the third",
        ),
        pytest.param(
            ended(ContainerState("app", exit_code=143), ContainerState("proxy", exit_code=137)),
            ["proxy"],
            "container proxy: exit code 137 (SIGKILL: ECS gives no reason; it may have been out of memory)",
            id="one was killed",
        ),
        pytest.param(
            ended(
                ContainerState("app", exit_code=143),
                ContainerState("proxy", exit_code=143, health="UNHEALTHY"),
                code="ServiceSchedulerInitiated",
            ),
            ["proxy"],
            "container proxy: exit code 143 (SIGTERM), its health check failed",
            id="the health check of one failed",
        ),
        pytest.param(
            ended(ContainerState("collector", exit_code=0), ContainerState("app", exit_code=0)),
            ["app"],
            "",
            id="none failed",
        ),
    ],
)
def test_evidence_names_all_containers_that_failed_by_themselves(
    task: TaskState, culprits: list[str], cause: str
) -> None:
    assert [container.name for container in task.culprits] == culprits
    assert task.cause == "; ".join(["Essential container in task exited", *([cause] if cause else [])])
    failure = TaskFailure.of(task, lambda container: [f"lines of {container}"])
    kept = failure.as_dict()["containers"]
    assert kept == [{"container": name, "log_lines": [f"lines of {name}"]} for name in culprits]


def test_the_log_of_each_failed_container_is_shown() -> None:
    task = ended(ContainerState("app", exit_code=3), ContainerState("proxy", exit_code=1))
    made, progress = narrator(reading(IN_PROGRESS), reading(IN_PROGRESS, stopped=(task,)))
    assert progress.lines[-2:] == ["    app: boom", "    proxy: boom"]
    logs = made.evidence[BLUE].logs()
    assert [line.split(",")[0] for line in logs[::2]] == ["last log lines of app", "last log lines of proxy"]


def test_each_event_is_said_once_and_what_was_there_before_is_not_news() -> None:
    old, new = (
        Event("old", 1.0, "(service app-blue) long ago"),
        Event("new", 2.0, "(service app-blue) has started 2 tasks"),
    )
    again = reading(IN_PROGRESS, events=(new, old))
    _, progress = narrator(reading(BEFORE, events=(old,)), again, again)
    assert progress.lines == ["app-blue: has started 2 tasks"]


def test_a_crash_is_said_once_with_exit_code_and_last_log_line() -> None:
    failing = reading(IN_PROGRESS, stopped=(CRASHED,))
    made, progress = narrator(reading(BEFORE), failing, failing)
    assert progress.lines == [
        "app-blue: task 0123456789ab stopped: Essential container in task exited; container app: exit code 3",
        "    boom",
    ]
    assert made.evidence[BLUE].causes() == [
        "1 task stopped: Essential container in task exited; container app: exit code 3"
    ]


def test_tasks_of_other_deployments_are_no_evidence() -> None:
    others = (replace(CRASHED, deployment_id=OLD), replace(CRASHED, stop_code="ServiceSchedulerInitiated"))
    made, _ = narrator(reading(BEFORE), reading(IN_PROGRESS, stopped=others))
    assert made.evidence[BLUE].failures == {}


def test_what_a_health_check_got_is_kept_even_when_the_target_is_gone_later() -> None:
    made, progress = narrator(
        reading(BEFORE), reading(IN_PROGRESS, targets=(*HEALTHY, UNHEALTHY)), reading(IN_PROGRESS)
    )
    assert any("10.0.0.9:8080 unhealthy" in line for line in progress.lines)
    assert "[404] (GET /readyz expecting 200)" in made.evidence[BLUE].causes()[0]


def test_targets_that_were_unhealthy_before_are_no_evidence() -> None:
    both = (*HEALTHY, UNHEALTHY)
    made, progress = narrator(reading(BEFORE, targets=both), reading(IN_PROGRESS, targets=both))
    assert made.evidence[BLUE].unhealthy_targets == {}
    assert progress.lines == []


def test_logs_that_cannot_be_read_do_not_hide_why_a_task_stopped() -> None:
    progress = RecordedProgress()

    def unreadable(task: TaskState, container: str) -> tuple[str, ...]:
        raise AwsError("read the log", ReadTimeoutError(endpoint_url="https://logs"))

    made = Narrator(progress, unreadable, {BLUE: Evidence()})
    made.look(reading(BEFORE))
    made.look(reading(IN_PROGRESS, stopped=(CRASHED,)))
    assert "exit code 3" in progress.lines[0]
    assert "no log lines" in progress.lines[1]


def test_why_ecs_rolled_back_is_remembered_after_it_dropped_the_failed_deployment() -> None:
    failed = replace(IN_PROGRESS, status="ACTIVE", rollout_state="FAILED", reason="tasks failed to start.")
    made, _ = narrator(reading(BEFORE), reading(IN_PROGRESS), reading(BACK, failed), reading(BACK))
    assert made.rollback_cause(reading(BACK)) == "tasks failed to start"
    assert made.rollback_cause(reading(BEFORE)) == ""


def test_a_controller_that_resumes_says_why_ecs_rolled_back_in_the_words_of_the_return() -> None:
    made, _ = narrator(reading(BACK))
    assert made.rollback_cause(reading(BACK)) == "circuit breaker: rolling back to x"


def test_an_event_names_target_groups_without_their_arns() -> None:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/local-app-blue/73e2d6bc24d8a067"
    event = Event("1", 0.0, f"(service app-blue) registered 1 targets in (target-group {arn})")
    assert event.short == "registered 1 targets in (target-group local-app-blue)"
