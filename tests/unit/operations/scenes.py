"""A service as a triage may find it: healthy, and changed by one failure at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.logs import LogEvent
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.aws.xray import Calls, ServiceNode
from ansible_collections.pear.fargate.plugins.module_utils.operations.facts import (
    Answers,
    Certificate,
    ColourTasks,
    Facts,
    Logs,
    Period,
    Releases,
    Saturation,
    Tasks,
    Traces,
    Usage,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.history import Target, rollback_target
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Kind,
    Outcome,
    Phase,
    Plan,
    Release,
    Step,
)

NOW = 1_800_000_000.0
MINUTES = 15
GREEN, BLUE = Colour.GREEN, Colour.BLUE
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard"
OLD, NEW = f"{DEFINITION}:41", f"{DEFINITION}:42"


def minute(back: int) -> float:
    return NOW - 60 * back


def release(number: int, began: float, **more: Any) -> Release:
    candidate = GREEN if number % 2 == 0 else BLUE
    made = Release(
        id=f"r{number}",
        service="scoreboard",
        kind=Kind.DEPLOY,
        digest=f"sha256:{number:064x}",
        live=candidate.other,
        candidate=candidate,
        plan=Plan("all_at_once", (Step(100),)),
        started_at=began,
        by="ada@workstation",
        task_definition=f"{DEFINITION}:{40 + number}",
        version=f"1.{number}",
        outcome=Outcome.SUCCEEDED,
        phase=Phase.BAKING,
        ended_at=began + 60,
        closed=True,
    )
    return replace(made, **more)


def released(*releases: Release, **more: Any) -> Releases:
    return Releases(
        tuple(sorted(releases, key=lambda each: -each.started_at)), rollback=rollback_target(releases), **more
    )


def task(number: int, **more: Any) -> TaskState:
    made = TaskState(
        id=f"{number:032x}",
        task_definition=NEW,
        deployment_id="ecs-svc/1",
        status="RUNNING",
        address=f"10.0.{number % 3}.{number}",
        zone=ZONES[number % 3],
        created_at=minute(120),
        started_at=minute(119),
        containers=(ContainerState("app", "RUNNING"),),
    )
    return replace(made, **more)


def stopped(number: int, exit_code: int | None = 1, reason: str = "", **more: Any) -> TaskState:
    return task(
        number,
        **{
            "status": "STOPPED",
            "stop_code": "EssentialContainerExited",
            "stopped_reason": "Essential container in task exited",
            "stopped_at": minute(3) + number,
            "started_at": minute(4) + number,
            "containers": (ContainerState("app", "STOPPED", exit_code=exit_code, reason=reason),),
            **more,
        },
    )


def unstarted(number: int, reason: str) -> TaskState:
    return stopped(number, None, stop_code="TaskFailedToStart", stopped_reason=reason, started_at=None)


def target(number: int, state: str = "healthy", reason: str = "", description: str = "") -> TargetState:
    return TargetState(f"10.0.{number % 3}.{number}", 8080, state, reason, description)


def service(desired: int, running: int, definition: str = NEW, state: str = "COMPLETED") -> ServiceState:
    primary = Deployment("ecs-svc/1", "PRIMARY", definition, desired, running, 0, 0, state, created_at=minute(10))
    return ServiceState("scoreboard-green", "arn", "ACTIVE", definition, desired, running, 0, (primary,))


def green(desired: int = 3, healthy: int = 3, ended: Iterable[TaskState] = (), **more: Any) -> ColourTasks:
    running = more.pop("running", tuple(task(number) for number in range(healthy)))
    made = ColourTasks(
        GREEN,
        100,
        service(desired, len(running)),
        tuple(running),
        tuple(ended),
        tuple(target(number) for number in range(healthy)),
    )
    return replace(made, **more)


def blue() -> ColourTasks:
    return ColourTasks(BLUE, 0, service(0, 0, OLD))


def tasks(colour: ColourTasks) -> Tasks:
    return Tasks((blue(), colour), 8080, 60, "GET /readyz expecting 200")


def traffic(
    errors: Callable[[int], float] = lambda back: 0.0, requests: Callable[[int], int] = lambda back: 600
) -> Answers:
    """Green's minutes; `errors` and `requests` by how many minutes back."""
    periods = tuple(
        Period(minute(back), requests(back), round(requests(back) * errors(back)), 0.05)
        for back in range(MINUTES, 1, -1)
    )
    return Answers({GREEN: periods, BLUE: ()}, (), Certificate("scores.example.com", NOW + 200 * 86400))


def slower(since: int, p99: float = 1.5) -> Answers:
    answers = traffic()
    periods = tuple(
        replace(period, p99=p99 if period.at >= minute(since) else 0.05) for period in answers.colours[GREEN]
    )
    return replace(answers, colours={GREEN: periods})


def usage(value: Callable[[int], float]) -> Usage:
    return Usage(tuple((minute(back), value(back)) for back in range(MINUTES, 1, -1)))


def saturation(
    cpu: Callable[[int], float] = lambda back: 30.0, memory: Callable[[int], float] = lambda back: 40.0, **more: Any
) -> Saturation:
    return Saturation({GREEN: usage(cpu)}, {GREEN: usage(memory)}, bounds={GREEN: Bounds(2, 6)}, **more)


def error_log(routes: Sequence[str], count: int = 60) -> Logs:
    lines = [
        {"level": "error", "message": "request", "route": routes[number % len(routes)], "status": 500}
        for number in range(count)
    ]
    return log(*(json.dumps(line) for line in lines))


def log(*lines: str) -> Logs:
    events = tuple(LogEvent(minute(4) + number, f"ecs/app/{number:032x}", line) for number, line in enumerate(lines))
    return Logs("/pear/production/scoreboard", events)


def traced(count: int = 900, faults: int = 0, seconds: float = 45.0, *edges: Calls) -> Traces:
    return Traces(ServiceNode(Calls("scoreboard", "AWS::ECS::Fargate", count, faults, 0, seconds), edges), ())


def healthy(**changed: Any) -> Facts:
    """Released yesterday, twice; nothing happened since."""
    facts = Facts(
        "scoreboard",
        "production",
        NOW,
        MINUTES,
        traffic(),
        tasks(green()),
        released(release(1, minute(3000)), release(2, minute(1500))),
        saturation(),
        Logs("/pear/production/scoreboard"),
        Traces(),
        (),
    )
    return replace(facts, **changed)


def just_released(minutes_ago: int = 8, **changed: Any) -> Facts:
    """Version 1.2 to green, some minutes ago; 1.1 before it."""
    history = released(release(1, minute(3000)), release(2, minute(minutes_ago)))
    return healthy(releases=history, **changed)


def is_way_back(releases: Releases) -> bool:
    return isinstance(releases.rollback, Target)
