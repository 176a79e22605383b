"""A release in the middle of its way, and what is observed of it: the values that tables of decisions begin with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Gates,
    Kind,
    Observed,
    OperatorRequest,
    Outcome,
    Phase,
    Plan,
    Policy,
    Readings,
    Release,
    RequestKind,
    Result,
    Step,
    Verdict,
    Weights,
)

BLUE, GREEN = Colour.BLUE, Colour.GREEN


NOW = 1_000.0


QUIET = Readings(alarms={"errors": "OK"})


FIRING = Readings(alarms={"errors": "ALARM"})


UNKNOWN = Readings(alarms={"errors": "INSUFFICIENT_DATA"})


HOME, TENTH, ALL = Weights(100, 0), Weights(90, 10), Weights(0, 100)


LIVE = ColourState(BLUE, "task:1", 4, 4, 4)


READY = ColourState(GREEN, "task:2", 4, 4, 4, deployment_id="own")


EMPTY = ColourState(GREEN)


RELEASE = Release(
    id="r2",
    service="scoreboard",
    kind=Kind.DEPLOY,
    digest="sha256:2",
    fingerprint="f2",
    task_definition="task:2",
    live=BLUE,
    candidate=GREEN,
    plan=Plan("steps", (Step(10, 60), Step(50, 0, True, 600), Step(100)), bake_seconds=120),
    started_at=900.0,
    entered_at=NOW - 10,
    by="ada",
    gates=Gates(alarms=("errors",)),
    policy=Policy(stage_timeout_seconds=300, patience_seconds=30, pause_timeout_seconds=600, return_timeout_seconds=60),
    capacity=4,
    checks=("migrate", "smoke"),
    phase=Phase.SHIFTING,
)


PASSED = {"migrate": Verdict(Result.PASS, "exit 0"), "smoke": Verdict(Result.PASS, "200")}


FAILED = {"migrate": Verdict(Result.FAIL, "migrate exited with 1")}


def seen(weights: Weights = HOME, green: ColourState = READY, blue: ColourState = LIVE, **more: Any) -> Observed:
    return Observed(Fleet(weights, blue, green), **{"readings": QUIET, **more})


def at(phase: Phase, **more: Any) -> Release:
    return replace(RELEASE, phase=phase, **more)


def requested(kind: RequestKind, step: int = 0, release_id: str = "r2") -> OperatorRequest:
    return OperatorRequest(release_id, kind, step, "grace", Outcome.INTERRUPTED, "pager")
