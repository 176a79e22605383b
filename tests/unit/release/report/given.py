"""A canary that was returned, as the report's facts have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.release.journal import Moment, MomentKind
from ansible_collections.pear.fargate.plugins.module_utils.release.report.facts import (
    ColourTraffic,
    Facts,
    Latency,
    Period,
    TaskRow,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Outcome,
    Plan,
    Release,
    Result,
    Step,
    Weights,
)

from ..given import RELEASE

BEGAN = 1_764_400_000.0
REASON = "5xx share 12.10 % of 1240 against live's 0.02 % of 11140: worse by more than 1 points, and not by chance"
RETURNED: Release = replace(
    RELEASE,
    started_at=BEGAN,
    ended_at=BEGAN + 420,
    version="1.4.2",
    task_definition="arn:aws:ecs:eu-central-1:1:task-definition/test-scoreboard:7",
    plan=Plan("canary", (Step(10, 300), Step(50, 300), Step(100)), 600),
    outcome=Outcome.ROLLED_BACK,
    reason=REASON,
)
# What a program can write into its log, and a check can be answered.
HOSTILE = (
    "</pre><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }} {% raw %} & \x1b[31mred\x1b[0m \u202eback"
)


def moment(seconds: float, kind: MomentKind, text: str, **more: Any) -> Moment:
    return Moment(BEGAN + seconds, kind, text, **more)


def weights(seconds: float, blue: int) -> Moment:
    value = Weights(blue, 100 - blue)
    return moment(seconds, MomentKind.WEIGHTS, str(value), weights=value)


def periods(colour: Colour, first: int, last: int, failing: int = 0) -> tuple[Period, ...]:
    slow = 0.04 if colour is Colour.BLUE else 0.06
    requests = 2000 if colour is Colour.BLUE else 220
    return tuple(
        Period(
            BEGAN + 60 * n,
            requests,
            failing,
            slow / 3,
            Latency(slow + n % 3 / 100, slow - 0.01, slow + 0.05, requests > 368),
        )
        for n in range(first, last)
    )


def facts(**more: Any) -> Facts:
    moments = (
        weights(0, 100),
        moment(1, MomentKind.LINE, "scoreboard: green gets 2 tasks of the release"),
        moment(2, MomentKind.TASKS, "green 0 healthy of 0 running, 2 desired"),
        moment(30, MomentKind.TASKS, "green 2 healthy of 2 running, 2 desired"),
        moment(
            40, MomentKind.VERDICT, "check storage passed", gate="check storage", step="proving", result=Result.PASS
        ),
        weights(60, 90),
        moment(61, MomentKind.LINE, "scoreboard: step 1 of 3: blue 90 % green 10 %"),
        moment(
            90,
            MomentKind.VERDICT,
            "green has 2 healthy targets (minimum 1)",
            gate="target health",
            step="step 1 of 3",
            result=Result.PASS,
        ),
        moment(390, MomentKind.VERDICT, REASON, gate="errors", step="step 1 of 3", result=Result.FAIL),
        moment(391, MomentKind.LINE, HOSTILE),
        weights(391, 100),
    )
    given: dict[str, Any] = {
        "service": "scoreboard",
        "environment": "test",
        "outcome": "rolled_back",
        "reason": REASON,
        "release": RETURNED,
        "moments": moments,
        "traffic": {
            Colour.BLUE: ColourTraffic(periods(Colour.BLUE, -5, 9)),
            Colour.GREEN: ColourTraffic(periods(Colour.GREEN, 1, 7, failing=27), unanswered=3),
        },
        "tasks": (
            TaskRow(
                Colour.GREEN,
                "0123456789abcdef",
                "test-scoreboard:7",
                "eu-central-1a",
                "stopped",
                BEGAN + 10,
                BEGAN + 400,
                "exit code 3",
            ),
        ),
        "evidence": {
            "causes": ["2 tasks stopped: container app: exit code 3"],
            "tasks": [{"task": "0123456789ab", "container": "app", "cause": "exit code 3", "log_lines": [HOSTILE]}],
            "logs": ["GET /leaderboard 500"],
            "definition_changes": {"app": {"image": ["app@sha256:1", "app@sha256:2"], "variables_changed": ["MODE"]}},
        },
    }
    return Facts(**{**given, **more})
