"""Following a deployment with a clock that does not sleep: what is said, what is kept, when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, Event, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.release.evidence import Evidence, sentence
from ansible_collections.pear.fargate.plugins.module_utils.release.rolling import Followed, Observation, Outcome
from ansible_collections.pear.fargate.plugins.module_utils.release.watching import Watcher
from botocore.exceptions import ClientError, ReadTimeoutError

OURS, OLD = "ecs-svc/2", "ecs-svc/1"
IN_PROGRESS = Deployment(OURS, "PRIMARY", "app:2", 2, 0, 2, 0, "IN_PROGRESS")
DONE = replace(IN_PROGRESS, running=2, pending=0, rollout_state="COMPLETED")
BACK = Deployment("ecs-svc/3", "PRIMARY", "app:1", 2, 2, 0, 0, "COMPLETED", "circuit breaker: rolling back to x")
HEALTHY = (TargetState("10.0.0.1", 8080, "healthy"), TargetState("10.0.0.2", 8080, "healthy"))
SICK = TargetState(
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


def seen(
    *deployments: Deployment, targets: tuple[TargetState, ...] = HEALTHY, events: tuple[Event, ...] = ()
) -> Observation:
    return Observation(ServiceState("app-blue", "arn", "ACTIVE", "app:2", 2, 2, 0, deployments, events), targets)


@dataclass
class FakeClock:
    time: float = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Said:
    lines: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        self.lines.append(text)

    def heartbeat(self, text: str) -> None:
        return


@dataclass
class FakeSight:
    """Shows one observation after the other, the last one for ever."""

    observations: list[Observation | AwsError]
    stopped: Sequence[TaskState] = ()
    logs: Sequence[str] = ("boom",)

    def observe(self) -> Observation:
        now = self.observations.pop(0) if len(self.observations) > 1 else self.observations[0]
        if isinstance(now, AwsError):
            raise now
        return now

    def stopped_tasks(self) -> Sequence[TaskState]:
        return self.stopped

    def log_lines(self, task: TaskState) -> Sequence[str]:
        return self.logs


def watch(sight: FakeSight) -> tuple[Watcher, Said]:
    said = Said()
    evidence = Evidence("GET /readyz expecting 200")
    return Watcher(sight, FakeClock(), said, evidence, Followed(OURS, "app:2", "app:1"), {"old"}), said


def timed_out() -> AwsError:
    return AwsError("read it", ReadTimeoutError(endpoint_url="https://ecs"))


def test_it_ends_when_the_deployment_is_done_and_says_each_event_once() -> None:
    events = (Event("new", 2.0, "(service app-blue) has started 2 tasks"), Event("old", 1.0, "long ago"))
    watcher, said = watch(FakeSight([seen(IN_PROGRESS, events=events), seen(IN_PROGRESS, events=events), seen(DONE)]))
    assert watcher.follow(600).outcome is Outcome.SUCCEEDED
    assert said.lines.count("has started 2 tasks") == 1
    assert not any("long ago" in line for line in said.lines)


def test_a_crash_is_told_with_exit_code_and_last_log_line() -> None:
    failed = replace(IN_PROGRESS, status="ACTIVE", rollout_state="FAILED", reason="tasks failed to start.")
    watcher, said = watch(FakeSight([seen(IN_PROGRESS), seen(BACK, failed), seen(BACK)], [CRASHED]))
    verdict = watcher.follow(600)
    assert verdict.outcome is Outcome.ROLLED_BACK
    message = sentence(verdict.reason, watcher.evidence)
    assert "1 task stopped: Essential container in task exited; container app: exit code 3." in message
    assert message.endswith("last log lines of app, task 0123456789ab:\n  boom")
    assert "    boom" in said.lines


def test_other_deployments_tasks_are_not_our_evidence() -> None:
    others = [replace(CRASHED, deployment_id=OLD), replace(CRASHED, stop_code="ServiceSchedulerInitiated")]
    watcher, _ = watch(FakeSight([seen(IN_PROGRESS), seen(DONE)], others))
    watcher.follow(600)
    assert watcher.evidence.failures == {}


def test_what_a_health_check_got_is_kept_even_when_the_target_is_gone_later() -> None:
    watcher, said = watch(FakeSight([seen(IN_PROGRESS), seen(IN_PROGRESS, targets=(*HEALTHY, SICK)), seen(BACK)]))
    verdict = watcher.follow(600)
    assert "[404] (GET /readyz expecting 200)" in sentence(verdict.reason, watcher.evidence)
    assert any("10.0.0.9:8080 unhealthy" in line for line in said.lines)


def test_targets_that_were_sick_before_are_not_our_evidence() -> None:
    watcher, _ = watch(FakeSight([seen(IN_PROGRESS, targets=(*HEALTHY, SICK)), seen(DONE)]))
    watcher.follow(600)
    assert watcher.evidence.sick_targets == {}


def test_a_timeout_says_what_was_seen_last_and_what_would_have_ended_the_wait() -> None:
    watcher, _ = watch(FakeSight([seen(IN_PROGRESS)]))
    verdict = watcher.follow(60)
    assert verdict.outcome is Outcome.TIMED_OUT
    assert "not done after 60 s: 0 of 2 tasks run, 2 pending" in verdict.reason
    assert "wanted were all tasks running" in verdict.reason


def test_a_read_that_is_behind_the_write_is_not_taken_for_another_deployment() -> None:
    stale = replace(DONE, id=OLD, task_definition="app:1")
    watcher, _ = watch(FakeSight([seen(stale), seen(DONE)]))
    assert watcher.follow(600).outcome is Outcome.SUCCEEDED


def test_reads_that_fail_in_passing_do_not_end_the_watch() -> None:
    watcher, said = watch(FakeSight([seen(IN_PROGRESS), timed_out(), timed_out(), seen(DONE)]))
    assert watcher.follow(600).outcome is Outcome.SUCCEEDED
    assert any("Reading again (2 of 5 tries)" in line for line in said.lines)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(timed_out(), id="for too long"),
        pytest.param(AwsError("read it", ClientError({"Error": {"Code": "AccessDenied"}}, "x")), id="for good"),
    ],
)
def test_reads_that_keep_failing_end_it(failure: AwsError) -> None:
    watcher, _ = watch(FakeSight([seen(IN_PROGRESS), failure]))
    with pytest.raises(AwsError):
        watcher.follow(600)
