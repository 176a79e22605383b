"""From facts to verdicts, causes and the next command: each failure that a game day makes, and a healthy service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jinja2
import pytest
import yaml
from ansible.plugins.filter.core import to_bool
from ansible_collections.pear.fargate.plugins.module_utils.aws.logs import LogEvent
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.aws.xray import Calls
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import NOTICE, SEVERITIES
from ansible_collections.pear.fargate.plugins.module_utils.operations.causes import CommandValues
from ansible_collections.pear.fargate.plugins.module_utils.operations.facts import (
    Alarm,
    Answers,
    Certificate,
    Facts,
    Tasks,
    Unread,
)
from ansible_collections.pear.fargate.plugins.module_utils.operations.findings import State, at
from ansible_collections.pear.fargate.plugins.module_utils.operations.screen import as_data, note, screen
from ansible_collections.pear.fargate.plugins.module_utils.operations.triage import CHECKS, Report, triage
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Phase, Plan, Step

from tests.support.plays import ROOT

from .scenes import (
    BLUE,
    GREEN,
    NOW,
    OLD,
    error_log,
    green,
    healthy,
    is_way_back,
    just_released,
    log,
    minute,
    release,
    released,
    saturation,
    service,
    slower,
    stopped,
    target,
    task,
    tasks,
    traced,
    traffic,
    unstarted,
    usage,
)

TYPED = CommandValues("scoreboard", "inventories/production", "/pear/production/scoreboard")
ROLLBACK = "ansible-playbook playbooks/rollback.yml -i inventories/production -l scoreboard"
CHECK_NAMES = [check.NAME for check in CHECKS]
DENIED = (
    "Failed to read metrics: AccessDenied. The identity in use lacks this permission: grant it, or use another profile."
)
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: mount.nfs4: Connection timed out"


def judged(facts: Facts) -> Report:
    return triage(facts, TYPED)


def state_of(report: Report, check: str) -> State:
    return next(verdict.state for verdict in report.verdicts if verdict.check == check)


# --- nothing is wrong ---


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(healthy(), id="nothing happens"),
        pytest.param(just_released(), id="released minutes ago"),
        pytest.param(healthy(traces=traced()), id="with traces"),
        pytest.param(healthy(answers=traffic(lambda back: 0.003)), id="a few errors, as every day"),
        pytest.param(
            healthy(answers=traffic(lambda back: 0.5, lambda back: 2)), id="one of two requests a minute fails"
        ),
        pytest.param(
            healthy(logs=log('{"level": "info", "message": "0 errors: ok"}')), id="a line that speaks of errors"
        ),
        pytest.param(
            healthy(
                releases=released(
                    release(2, minute(3000)), release(1, minute(9), outcome=Outcome.ROLLED_BACK, reason="it crashed")
                )
            ),
            id="after a release that was rolled back",
        ),
    ],
)
def test_a_healthy_service_has_nothing_wrong(facts: Facts) -> None:
    report = judged(facts)
    assert (report.headline, report.state) == ("nothing wrong", State.OK)
    assert (report.causes, report.next) == ((), "")


def test_the_checks_are_told_in_the_order_in_which_they_are_asked() -> None:
    report = judged(healthy())
    assert [verdict.check for verdict in report.verdicts] == [
        "5xx",
        "tasks",
        "releases",
        "saturation",
        "logs",
        "traces",
    ]


def test_a_release_under_way_is_no_problem() -> None:
    """Its candidate has no healthy task yet, and its controller works."""
    plan = Plan("canary", (Step(10, 600), Step(100)))
    candidate = replace(green(3, 0, running=(task(1, started_at=minute(0)),)), weight=0)
    live = replace(green(), colour=BLUE)
    facts = healthy(
        tasks=replace(tasks(candidate), colours=(live, candidate)),
        releases=released(
            release(1, minute(3000)),
            release(2, minute(1), outcome=None, closed=False, ended_at=None, phase=Phase.STAGING, plan=plan),
            lease=Lease("scoreboard", "ada@workstation", "r2", 7, minute(1), NOW + 60),
        ),
    )
    report = judged(facts)
    assert report.state is State.OK, report.verdicts


# --- each failure: the first cause, and what to type ---

CRASHES = tuple(stopped(number) for number in range(4))
OUT_OF_MEMORY = tuple(
    stopped(number, 137, "OutOfMemoryError: Container killed due to memory usage") for number in range(2)
)
SILENT = tuple(target(n, "unhealthy", "Target.FailedHealthChecks", "Health checks failed") for n in range(3))
NOT_READY = tuple(
    target(n, "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
    for n in range(3)
)
REPLACED = tuple(
    stopped(
        number,
        0,
        stop_code="ServiceSchedulerInitiated",
        stopped_reason="Task failed ELB health checks in (target-group production-scoreboard-green)",
        started_at=minute(5),
        stopped_at=minute(3),
    )
    for number in range(3)
)
LIVE = green(3, 0, running=tuple(task(n) for n in range(3)))
IN_ONE_ZONE = tuple(stopped(3 * number, 137, stopped_at=minute(4) + number) for number in range(2))


NO_ANSWER = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr "
    "registry auth: RequestError: send request failed caused by: dial tcp: i/o timeout"
)
# One task failed its health checks, and each that replaced it got no answer.
CUT_OFF = (
    stopped(
        3,
        143,
        stop_code="ServiceSchedulerInitiated",
        stopped_reason="Task failed ELB health checks in (target-group x)",
    ),
    unstarted(6, NO_ANSWER),
    unstarted(9, NO_ANSWER),
)


def starting(**more: Any) -> Any:
    return green(3, 0, REPLACED, running=tuple(task(n, started_at=minute(0) - 20) for n in range(3)), **more)


FAILURES = [
    pytest.param(
        just_released(tasks=tasks(green(3, 0, CRASHES)), answers=traffic(lambda back: 1.0 if back < 7 else 0.0)),
        "the newest release ends by itself, again and again",
        ROLLBACK,
        id="crash loop",
    ),
    pytest.param(
        healthy(tasks=tasks(green(3, 1, CRASHES))),
        "the program ends by itself, again and again",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="crash loop without a release",
    ),
    pytest.param(
        just_released(tasks=tasks(starting(targets=SILENT, log_lines=('{"message": "listening", "port": 9999}',)))),
        "the program does not listen on the port that the load balancer asks",
        ROLLBACK,
        id="wrong port",
    ),
    pytest.param(
        just_released(tasks=tasks(starting(targets=SILENT, log_lines=("warming up",)))),
        "the tasks need longer to start than they are given",
        ROLLBACK,
        id="slow start",
    ),
    pytest.param(
        just_released(tasks=tasks(replace(LIVE, targets=SILENT))),
        "the tasks run and do not answer their health check: a wrong port, a security group, or a program that hangs",
        ROLLBACK,
        id="no answer, and nothing says which port",
    ),
    pytest.param(
        healthy(tasks=tasks(replace(LIVE, targets=NOT_READY))),
        "the tasks answer their health check with an error: what they depend on is missing",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="not ready",
    ),
    pytest.param(
        just_released(saturation=saturation(memory=lambda back: 95.0 - 4 * back)),
        "the program leaks memory: it will be killed",
        ROLLBACK,
        id="memory leak",
    ),
    pytest.param(
        just_released(
            tasks=tasks(green(3, 2, OUT_OF_MEMORY)), saturation=saturation(memory=lambda back: 95.0 - 4 * back)
        ),
        "the program needs more memory than the task has: it is killed",
        ROLLBACK,
        id="out of memory",
    ),
    pytest.param(
        healthy(tasks=tasks(green(3, 2, OUT_OF_MEMORY))),
        "the program needs more memory than the task has: it is killed",
        "ansible-playbook playbooks/deploy.yml -i inventories/production -l scoreboard",
        id="out of memory without a release",
    ),
    pytest.param(
        just_released(answers=traffic(lambda back: 0.3 if back < 7 else 0.0), logs=error_log(["/leaderboard"])),
        "the newest release fails on one route",
        ROLLBACK,
        id="errors on one route",
    ),
    pytest.param(
        healthy(answers=traffic(lambda back: 0.3 if back < 7 else 0.0), logs=error_log(["/leaderboard"])),
        "one route of the service fails, and no release began it",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="errors on one route without a release",
    ),
    pytest.param(
        just_released(
            12,
            answers=traffic(lambda back: 0.4 if back < 7 else 0.0, lambda back: 600 if back < 7 else 150),
            logs=error_log(["/score", "/leaderboard"]),
        ),
        "the newest release fails once it gets full traffic: it has a limit that the version before did not reach",
        ROLLBACK,
        id="errors only at full traffic",
    ),
    pytest.param(
        healthy(answers=traffic(lambda back: 0.4 if back < 7 else 0.0, lambda back: 600 if back < 7 else 150)),
        "the service has more traffic than it can answer",
        "ansible-playbook playbooks/deploy.yml -i inventories/production -l scoreboard",
        id="errors with more traffic, without a release",
    ),
    pytest.param(
        just_released(answers=traffic(lambda back: 0.5 if back < 7 else 0.0), logs=error_log(["/", "/score"])),
        "the newest release answers with errors",
        ROLLBACK,
        id="errors since a release",
    ),
    pytest.param(
        healthy(answers=traffic(lambda back: 0.5 if back < 7 else 0.0)),
        "the service answers with errors, and no release began it",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="errors that no release began",
    ),
    pytest.param(
        healthy(tasks=tasks(green(3, 2, [stopped(7, 137)]))),
        "a task was killed; ECS replaces it",
        "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard",
        id="task kill",
    ),
    pytest.param(
        healthy(tasks=tasks(green(4, 2, IN_ONE_ZONE, running=(task(1), task(2))))),
        "a zone was lost: its tasks ended or are not reached, those of other zones go on",
        "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard",
        id="zone loss",
    ),
    pytest.param(
        healthy(tasks=tasks(green(4, 3, CUT_OFF, running=(task(1), task(2), task(4))))),
        "a zone was lost: its tasks ended or are not reached, those of other zones go on",
        "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard",
        id="zone that nothing reaches",
    ),
    pytest.param(
        healthy(tasks=tasks(green(4, 3, [unstarted(3, EFS)], running=(task(1), task(2), task(4))))),
        "the file system cannot be mounted, so no task starts",
        "ansible-playbook playbooks/drift.yml -i inventories/production",
        id="EFS unavailable for tasks of one zone",
    ),
    pytest.param(
        just_released(tasks=tasks(green(3, 0, [unstarted(number, EFS) for number in range(5)]))),
        "the file system cannot be mounted, so no task starts",
        "ansible-playbook playbooks/drift.yml -i inventories/production",
        id="EFS unavailable",
    ),
    pytest.param(
        healthy(saturation=saturation(cpu=lambda back: 96.0)),
        "the tasks have too little CPU for their traffic",
        "ansible-playbook playbooks/deploy.yml -i inventories/production -l scoreboard",
        id="CPU pressure",
    ),
    pytest.param(
        healthy(saturation=saturation(memory=lambda back: 92.0)),
        "the tasks have too little memory",
        "ansible-playbook playbooks/deploy.yml -i inventories/production -l scoreboard",
        id="memory pressure",
    ),
    pytest.param(
        healthy(answers=slower(6), traces=traced(900, 0, 1350.0, Calls("scores-db", "remote", 900, 0, 0, 1250.0))),
        "a dependency of the service is slow",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="slow dependency",
    ),
    pytest.param(
        healthy(answers=slower(6)),
        "the service is slower than before, and no release began it",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="slower, without traces",
    ),
    pytest.param(
        just_released(answers=slower(6)), "the newest release is slower", ROLLBACK, id="slower since a release"
    ),
    pytest.param(
        healthy(answers=replace(traffic(), certificate=Certificate("scores.example.com", minute(90)))),
        "the certificate has expired: users cannot connect, whatever the service does",
        "ansible-playbook playbooks/provision.yml -i inventories/production",
        id="expired certificate",
    ),
    pytest.param(
        healthy(answers=Unread("Failed to read metrics: Rate exceeded.", throttled=True)),
        "AWS throttles calls of this account: what could not be read may be wrong too",
        "ansible-playbook playbooks/triage.yml -i inventories/production -l scoreboard",
        id="throttled AWS API",
    ),
    pytest.param(
        just_released(tasks=tasks(green(3, 0, [unstarted(1, "CannotPullContainerError: manifest unknown")]))),
        "the image cannot be pulled",
        ROLLBACK,
        id="image gone",
    ),
    pytest.param(
        healthy(
            releases=released(
                release(1, minute(3000)),
                release(2, minute(9), outcome=None, closed=False, ended_at=None, phase=Phase.SHIFTING),
            )
        ),
        "a release was left by its controller",
        ROLLBACK,
        id="release without a controller",
    ),
    pytest.param(
        healthy(saturation=saturation(io_limit={"fs-1": usage(lambda back: 100.0)})),
        "the file system is at its limit of operations",
        "aws logs tail /pear/production/scoreboard --since 15m",
        id="file system at its limit",
    ),
    pytest.param(
        healthy(saturation=saturation(database_storage=usage(lambda back: 1e9))),
        "the database has no storage left",
        "ansible-playbook playbooks/provision.yml -i inventories/production",
        id="database full",
    ),
]


@pytest.mark.parametrize(("facts", "cause", "command"), FAILURES)
def test_a_failure_has_its_cause_first_and_its_command(facts: Facts, cause: str, command: str) -> None:
    report = judged(facts)
    assert [found.cause for found in report.causes][:1] == [cause], report
    assert report.next == command
    assert report.headline.startswith(f"likely cause: {cause}")
    assert report.causes[0].why
    assert report.state is not State.OK


@pytest.mark.parametrize(("facts", "cause", "command"), FAILURES)
def test_one_screen_holds_it_and_no_line_breaks_it(facts: Facts, cause: str, command: str) -> None:
    lines = screen(judged(facts))
    assert len(lines) <= 45
    assert any(command in line for line in lines)
    assert not any("\n" in line or "\x1b" in line for line in lines)


# --- what decides between causes ---


def test_without_a_way_back_the_advice_is_to_release_again() -> None:
    alone = released(release(2, minute(8)))
    assert not is_way_back(alone)
    report = judged(healthy(releases=alone, answers=traffic(lambda back: 0.5 if back < 7 else 0.0)))
    assert report.next == "ansible-playbook playbooks/release.yml -i inventories/production -l scoreboard"
    assert "image_tag" in report.advice


def test_errors_that_were_there_before_the_release_are_not_its_own() -> None:
    report = judged(just_released(4, answers=traffic(lambda back: 0.5 if back < 10 else 0.0)))
    assert report.causes[0].cause == "the service answers with errors, and no release began it"


def test_errors_of_a_version_that_the_colour_had_before_are_not_those_of_the_release() -> None:
    """It was rolled back, and for some minutes the colour had no traffic, until the next bad version came."""
    requests = lambda back: 600 if back > 12 or back < 4 else 0  # noqa: E731
    report = judged(just_released(4, answers=traffic(lambda back: 0.5, requests)))
    assert report.causes[0].cause == "the newest release answers with errors"


def test_errors_of_the_candidate_alone_speak_for_the_release() -> None:
    good = traffic()
    bad = traffic(lambda back: 0.5, lambda back: 100 if back < 7 else 0)
    both = replace(good, colours={BLUE: good.colours[GREEN], GREEN: bad.colours[GREEN]})
    under_way = release(2, minute(8), outcome=None, closed=False, ended_at=None, phase=Phase.SHIFTING)
    lease = Lease("scoreboard", "ada@workstation", "r2", 7, minute(8), NOW + 60)
    report = judged(healthy(answers=both, releases=released(release(1, minute(3000)), under_way, lease=lease)))
    assert report.causes[0].cause == "the newest release answers with errors"
    assert any("only green" in sentence for sentence in report.causes[0].why)
    assert report.next == ROLLBACK


def test_errors_that_are_over_are_told_and_no_problem() -> None:
    report = judged(healthy(answers=traffic(lambda back: 0.5 if 9 < back < 12 else 0.0)))
    (verdict,) = [verdict for verdict in report.verdicts if verdict.check == "5xx"]
    assert verdict.state is State.OK
    assert "600 requests failed between" in verdict.why


def test_a_service_that_suddenly_gets_no_request_is_a_warning() -> None:
    report = judged(healthy(answers=traffic(requests=lambda back: 600 if back > 9 else 0)))
    assert state_of(report, "5xx") is State.WARNING
    assert report.causes[0].cause == "users send nothing, or do not reach the load balancer"


def test_no_requests_at_all_say_nothing_and_are_no_pass() -> None:
    report = judged(healthy(answers=traffic(requests=lambda back: 0)))
    assert state_of(report, "5xx") is State.UNKNOWN
    assert report.headline == "nothing wrong found (unknown: 5xx)"


def test_tasks_that_an_old_colour_lost_are_evidence_alone() -> None:
    old = replace(green(0, 0, CRASHES, running=()), colour=BLUE, weight=0, service=service(0, 0))
    report = judged(healthy(tasks=replace(tasks(green()), colours=(old, green()))))
    assert report.state is State.OK
    assert any("4 tasks stopped" in line for verdict in report.verdicts for line in verdict.evidence)


def test_a_few_tasks_that_others_stopped_are_no_crash_loop() -> None:
    report = judged(healthy(tasks=tasks(green(3, 3, [stopped(9, 143, stop_code="UserInitiated")]))))
    assert report.state is State.OK
    assert [found.cause for found in report.causes] == ["a task was killed; ECS replaces it"]


def test_tasks_that_a_deployment_replaced_are_no_crash_loop_even_if_they_had_to_be_killed() -> None:
    replaced = [
        stopped(
            number,
            137,
            stop_code="ServiceSchedulerInitiated",
            stopped_reason="Scaling activity initiated by (deployment ecs-svc/2)",
        )
        for number in range(4)
    ]
    report = judged(just_released(tasks=tasks(green(3, 3, replaced))))
    assert (report.state, report.causes) == (State.OK, ())


def test_a_killed_task_is_no_lost_zone() -> None:
    report = judged(healthy(tasks=tasks(green(2, 1, [stopped(0, 137)], running=(task(1),)))))
    assert report.causes[0].cause == "a task was killed; ECS replaces it"


# --- a worker ---


def worker(running: tuple[TaskState, ...], ended: Sequence[TaskState] = ()) -> Facts:
    colour = replace(green(2, 0, ended, running=running), colour=BLUE, routed=False)
    return healthy(
        answers=Answers(routed=False),
        tasks=Tasks((colour,)),
        saturation=replace(saturation(), cpu={BLUE: usage(lambda back: 30.0)}, memory={}),
    )


AGAIN_AND_AGAIN = [stopped(n, stopped_at=minute(14 - 3 * n)) for n in range(4)]
OTHERS_BEFORE = [stopped(20 + n, task_definition=OLD, stopped_at=minute(14) + n) for n in range(4)]


@pytest.mark.parametrize(
    ("began", "ended", "of_the_release"),
    [
        pytest.param(8, [*OTHERS_BEFORE, *CRASHES], True, id="beside what a release before it has left"),
        pytest.param(24, AGAIN_AND_AGAIN, True, id="for longer than triage looks back"),
        pytest.param(90, CRASHES, False, id="long after it"),
        pytest.param(8, [*CRASHES, stopped(30, task_definition=OLD)], False, id="as others do"),
    ],
)
def test_a_crash_loop_is_the_newest_releases_if_its_tasks_alone_end_and_began_to_soon_after_it(
    began: int, ended: list[TaskState], of_the_release: bool
) -> None:
    found = just_released(began, tasks=tasks(green(3, 0, ended)))
    expected = f"the {'newest release' if of_the_release else 'program'} ends by itself, again and again"
    assert judged(found).causes[0].cause == expected


def test_a_worker_that_runs_has_nothing_wrong() -> None:
    report = judged(worker((task(1), task(2))))
    assert report.state is State.OK, report.verdicts


def test_a_worker_whose_tasks_end_is_a_crash_loop() -> None:
    report = judged(worker((), CRASHES))
    assert report.causes[0].cause == "the program ends by itself, again and again"
    assert state_of(report, "tasks") is State.PROBLEM
    assert any("no task does its work" in line for line in screen(report))


# --- what cannot be read ---

PARTS = {
    "answers": "5xx",
    "tasks": "tasks",
    "releases": "releases",
    "saturation": "saturation",
    "logs": "logs",
    "traces": "traces",
}


@pytest.mark.parametrize(("part", "check"), PARTS.items())
def test_a_check_that_cannot_be_read_is_unknown_and_hides_no_other(part: str, check: str) -> None:
    report = judged(replace(healthy(), **{part: Unread(DENIED)}))
    assert state_of(report, check) is State.UNKNOWN
    assert [state_of(report, other) for other in CHECK_NAMES if other != check] == [State.OK] * 5
    assert report.headline == f"nothing wrong found (unknown: {check})"
    assert any(DENIED in line for line in screen(report))


def test_where_nothing_can_be_read_nothing_is_called_right() -> None:
    report = judged(replace(healthy(), **dict.fromkeys(PARTS, Unread(DENIED)), alarms=Unread(DENIED)))
    assert report.headline == f"nothing is known: {DENIED}"
    assert report.next == "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard"


def test_a_crash_loop_is_found_with_nothing_else_to_be_read() -> None:
    blind = replace(
        healthy(tasks=tasks(green(3, 0, CRASHES))),
        **{part: Unread(DENIED) for part in PARTS if part != "tasks"},
        alarms=Unread(DENIED),
    )
    report = judged(blind)
    assert report.causes[0].cause == "the program ends by itself, again and again"
    assert "alarms are unknown" in report.alarms[0]


def test_without_the_ledger_ecs_tells_when_a_version_was_deployed() -> None:
    report = judged(healthy(releases=Unread("Failed to read the ledger.")))
    (verdict,) = [verdict for verdict in report.verdicts if verdict.check == "releases"]
    assert any("production-scoreboard:42 began" in line for line in verdict.evidence)


def test_targets_that_cannot_be_read_leave_the_tasks_known() -> None:
    report = judged(healthy(tasks=tasks(green(targets=Unread(DENIED)))))
    (verdict,) = [verdict for verdict in report.verdicts if verdict.check == "tasks"]
    assert verdict.state is State.UNKNOWN
    assert "3 running of 3 desired" in verdict.why


def test_a_warm_colour_that_leaked_before_the_rollback_is_no_problem_and_is_shown() -> None:
    leaked, calm = usage(lambda back: 97.0), usage(lambda back: 40.0)
    found = replace(saturation(), cpu={BLUE: calm, GREEN: calm}, memory={BLUE: leaked, GREEN: calm})
    report = judged(healthy(saturation=found))
    assert report.state is State.OK and report.causes == ()
    (verdict,) = [verdict for verdict in report.verdicts if verdict.check == "saturation"]
    assert "blue, which gets no requests: CPU 40 %, memory 97 %" in verdict.evidence
    both = tasks(green(weight=90))
    canary = replace(both, colours=(replace(both.colours[0], weight=10), both.colours[1]))
    assert state_of(judged(healthy(saturation=found, tasks=canary)), "saturation") is State.PROBLEM


def test_missing_metrics_of_cpu_are_unknown() -> None:
    report = judged(healthy(saturation=replace(saturation(), cpu={}, memory={})))
    assert state_of(report, "saturation") is State.UNKNOWN


# --- alarms ---


def test_a_firing_alarm_keeps_its_check_from_being_ok() -> None:
    firing = Alarm("production/scoreboard/cpu", minute(4))
    report = judged(healthy(alarms=(firing,)))
    assert state_of(report, "saturation") is State.WARNING
    assert any("production/scoreboard/cpu" in line for line in screen(report))


HEALTH_ALARM = "production/*health-check-eu-central-1/scoreboard"
# `critical` speaks for alarms that have their own.
TOLD = [kind for kind, severity in SEVERITIES.items() if severity != NOTICE and kind != "critical"]


@pytest.mark.parametrize("kind", TOLD)
def test_each_kind_of_alarm_that_somebody_is_told_of_has_its_check(kind: str) -> None:
    name = HEALTH_ALARM if kind == "health-check" else f"production/*/{kind}"
    report = judged(healthy(alarms=(Alarm(name, minute(4)),)))
    (verdict,) = [verdict for verdict in report.verdicts if verdict.state is not State.OK]
    assert verdict.why == f"alarm {name} is firing since {at(minute(4))}"


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param("production/scoreboard/burn-fast-availability", "5xx", id="of an objective"),
        pytest.param("production/scoreboard/unhealthy-targets-blue", "tasks", id="of a colour"),
        pytest.param("production/jobs/queue-age-jobs", "saturation", id="of a queue"),
    ],
)
def test_an_alarm_of_which_there_are_several_has_the_check_of_its_kind(name: str, check: str) -> None:
    report = judged(healthy(alarms=(Alarm(name, minute(4)),)))
    assert state_of(report, check) is State.WARNING
    assert report.headline == f"warning in {check}, and no cause that is known"
    assert report.next == "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard"


def test_with_an_alarm_of_the_inventory_firing_nothing_wrong_is_not_said() -> None:
    """No check knows what it watches."""
    report = judged(healthy(alarms=(Alarm("production/scoreboard/orders-refused", minute(4)),)))
    assert (report.state, report.headline) == (
        State.WARNING,
        "warning: firing, and no check finds a reason: production/scoreboard/orders-refused",
    )
    assert report.next == "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard"


def test_a_health_check_that_fails_where_all_else_is_well_is_users_who_do_not_reach_the_service() -> None:
    report = judged(healthy(health_alarms=(Alarm(HEALTH_ALARM, minute(4)),)))
    assert state_of(report, "5xx") is State.WARNING
    assert report.causes[0].cause.startswith("users do not reach the service by its name")
    assert report.next == "ansible-playbook playbooks/drift.yml -i inventories/production"
    assert report.alarms == (f"{HEALTH_ALARM} since {at(minute(4))}",)


def test_a_health_check_that_fails_with_the_certificate_is_no_cause_of_its_own() -> None:
    expired = replace(traffic(), certificate=Certificate("scores.example.com", minute(90)))
    report = judged(healthy(answers=expired, health_alarms=(Alarm(HEALTH_ALARM, minute(4)),)))
    assert [cause.cause for cause in report.causes] == [
        "the certificate has expired: users cannot connect, whatever the service does"
    ]


def test_a_region_that_may_not_be_called_hides_no_alarm_of_the_environment() -> None:
    """Some accounts refuse calls to the region of Route 53's metrics."""
    cpu = Alarm("production/scoreboard/cpu", minute(4))
    report = judged(healthy(alarms=(cpu,), health_alarms=Unread(DENIED)))
    assert report.alarms == (f"{cpu.name} since {at(minute(4))}", f"the alarm on the health check is unknown: {DENIED}")
    assert judged(healthy(health_alarms=Unread(DENIED))).headline == "nothing wrong found (unknown: alarms)"


def test_with_alarms_that_cannot_be_read_nothing_wrong_is_not_said() -> None:
    report = judged(healthy(alarms=Unread(DENIED)))
    assert report.headline == "nothing wrong found (unknown: alarms)"
    assert report.next == "ansible-playbook playbooks/status.yml -i inventories/production -l scoreboard"


# --- lines of the log ---


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        ('{"level": "error", "message": "request", "route": "/score"}', True),
        ('{"level": "info", "status": 502, "path": "/score"}', True),
        ('{"level": "info", "message": "no error"}', False),
        ('{"_aws": {}, "level": "error"}', False),
        ("2026-11-23 ERROR could not connect", True),
        ("ValueError: not a number", True),
        ("Traceback (most recent call last):", True),
        ("0 errors found", False),
        ('{"broken": ', False),
    ],
)
def test_which_lines_are_errors(line: str, is_error: bool) -> None:
    report = judged(healthy(logs=log(*[line] * 20)))
    assert (state_of(report, "logs") is State.WARNING) is is_error


def test_a_line_of_the_log_cannot_do_harm_on_a_terminal_nor_break_the_note() -> None:
    evil = "ERROR \x1b]0;owned\x07\x1b[2J ``` | {{ lookup('pipe', 'id') }}\r\n" + "x" * 5000
    facts = healthy(logs=replace(log(), events=tuple(LogEvent(minute(3), "ecs/app/1", evil) for _ in range(20))))
    report = judged(facts)
    for text in ("\n".join(screen(report)), note(report)):
        assert "\x1b" not in text
        assert "{{" not in text
    assert note(report).count("```") % 2 == 0
    assert max(len(line) for line in screen(report)) < 300


def test_a_log_that_was_not_searched_to_its_end_says_so() -> None:
    some = judged(healthy(logs=replace(error_log(["/"]), complete=False)))
    assert any("at least 60 error lines" in verdict.why for verdict in some.verdicts)
    none = judged(healthy(logs=replace(log(), complete=False)))
    assert state_of(none, "logs") is State.UNKNOWN


# --- the forms ---


def test_the_data_and_the_note_hold_all_of_it() -> None:
    report = judged(just_released(answers=traffic(lambda back: 0.5 if back < 7 else 0.0)))
    plain = as_data(report)
    assert [check["check"] for check in plain["checks"]] == CHECK_NAMES
    assert plain["causes"][0]["command"] == plain["next"] == ROLLBACK
    written = note(report)
    assert f"```bash\n{ROLLBACK}\n```" in written
    for heading in ("## Likely causes", "## Evidence", "## Timeline"):
        assert heading in written


def test_a_container_that_ends_with_zero_again_and_again_is_a_crash_loop_too() -> None:
    ended = [stopped(n, 0, containers=(ContainerState("app", "STOPPED", exit_code=0),)) for n in range(3)]
    report = judged(healthy(tasks=tasks(green(3, 0, ended))))
    assert report.causes[0].cause == "the program ends by itself, again and again"


@pytest.mark.parametrize(
    ("state", "asked", "passes"), [("problem", "true", False), ("problem", "false", True), ("unknown", "true", True)]
)
def test_a_pipeline_may_have_the_playbook_fail_where_something_is_wrong(state: str, asked: str, passes: bool) -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks/triage.yml").read_text())
    task = play["tasks"][-1]
    reads = jinja2.Environment()
    reads.filters["bool"] = to_bool
    looks = reads.compile_expression(task["when"])(triage_fail=asked)
    right = reads.compile_expression(task["ansible.builtin.assert"]["that"])(service_triage={"state": state})
    assert (right or not looks) is passes
    assert reads.compile_expression(task["when"])() is False, "nobody asked"
