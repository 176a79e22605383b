# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Strategies: the user's settings in, the plan of a release out, or every finding at once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .model import Gates, Plan, Step

STRATEGIES = ("rolling", "all_at_once", "linear", "canary", "steps")
OPTIONS: Mapping[str, frozenset[str]] = {
    "rolling": frozenset({"bake_seconds"}),
    "all_at_once": frozenset({"bake_seconds"}),
    "linear": frozenset({"bake_seconds", "step_percent", "interval_seconds"}),
    "canary": frozenset({"bake_seconds", "percent", "duration_seconds"}),
    "steps": frozenset({"bake_seconds", "steps"}),
}
REQUIRED: Mapping[str, frozenset[str]] = {
    "linear": frozenset({"step_percent", "interval_seconds"}),
    "canary": frozenset({"percent", "duration_seconds"}),
    "steps": frozenset({"steps"}),
}
STEP_OPTIONS = frozenset({"weight", "duration_seconds", "approval", "approval_timeout_seconds"})
SECONDS = ("bake_seconds", "interval_seconds", "duration_seconds", "approval_timeout_seconds")
PERCENTS = ("step_percent", "percent", "weight")
DAY = 86_400
# Fewer periods say little, and none nothing at all.
JUDGED_PERIODS = 3


def metrics_seconds(period_seconds: int, delay_seconds: int) -> int:
    """How long a step lasts at least that metrics judge: it may begin anywhere in a period, and the last ones come late."""
    return period_seconds * (JUDGED_PERIODS + 1) + delay_seconds


# CloudWatch has a load balancer's metrics once a minute, and a minute is whole up to two minutes after its end.
METRICS_SECONDS = metrics_seconds(60, 120)


@dataclass(frozen=True)
class TimelineRow:
    """One line of a printed plan, in seconds from the first shift. `until` is the earliest end of an approval."""

    title: str
    weight: int
    start: int
    until: int


def plan(settings: Mapping[str, Any], gates: Gates, shortest: int = METRICS_SECONDS) -> Plan | list[str]:
    """Return the plan that the settings describe, or everything that is wrong with them."""
    findings = _findings(settings)
    if findings:
        return findings
    made = Plan(settings["strategy"], _steps(settings), int(settings.get("bake_seconds") or 0))
    return _too_short(made, gates, shortest) or made


def at_once(made: Plan) -> Plan:
    """The same plan for a service that has nothing live yet: there is no traffic to shift in steps."""
    return Plan(made.strategy, (Step(100),), made.bake_seconds)


def timeline(made: Plan) -> list[TimelineRow]:
    rows, clock = [], 0
    for number, step in enumerate(made.steps, 1):
        title = f"step {number} of {len(made.steps)}" + (", then approval" if step.approval else "")
        rows.append(TimelineRow(title, step.weight, clock, clock + step.duration_seconds))
        clock += step.duration_seconds
    if made.bake_seconds:
        rows.append(TimelineRow("bake", 100, clock, clock + made.bake_seconds))
    return rows


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _findings(settings: Mapping[str, Any]) -> list[str]:
    given = _given(settings)
    strategy = given.pop("strategy", None)
    if strategy not in STRATEGIES:
        return [f"strategy is {strategy!r}; valid are {', '.join(STRATEGIES)}"]
    known = OPTIONS[strategy]
    findings = [
        f"{name} means nothing to the strategy {strategy}; it knows {', '.join(sorted(known)) or 'no options'}"
        for name in sorted(given.keys() - known)
    ]
    findings += [
        f"{name} is needed by the strategy {strategy}" for name in sorted(REQUIRED.get(strategy, set()) - given.keys())
    ]
    findings += _ranges(given, "")
    if "steps" in given and strategy == "steps":
        findings += _step_findings(given["steps"])
    return findings


def _ranges(given: Mapping[str, Any], where: str) -> list[str]:
    findings = []
    for name in (*PERCENTS, *SECONDS):
        if name not in given:
            continue
        value = given[name]
        low, high, unit = (1, 100, "whole percent") if name in PERCENTS else (0, 14 * DAY, "whole seconds")
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            findings.append(f"{where}{name} is {value!r}; valid are {low} to {high} ({unit})")
    return findings


def _step_findings(steps: Any) -> list[str]:
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        return [f"steps is {steps!r}; a list of at least one step is needed"]
    findings: list[str] = []
    weights: list[int] = []
    for number, step in enumerate(steps, 1):
        where = f"steps[{number}]: "
        if not isinstance(step, Mapping):
            findings.append(f"{where}is {step!r}; valid is a mapping with weight and duration_seconds")
            continue
        given = _given(step)
        findings += [
            f"{where}{name} is unknown; valid are {', '.join(sorted(STEP_OPTIONS))}"
            for name in sorted(given.keys() - STEP_OPTIONS)
        ]
        findings += _ranges(given, where)
        if "weight" not in given:
            findings.append(f"{where}weight is needed, 1 to 100")
        elif isinstance(given["weight"], int):
            weights.append(given["weight"])
    if any(later <= earlier for earlier, later in itertools.pairwise(weights)):
        findings.append(f"steps: weights are {weights}; each must be larger than the one before")
    if weights and weights[-1] != 100:
        findings.append(f"steps: the last weight is {weights[-1]}; it must be 100")
    return findings


def _steps(settings: Mapping[str, Any]) -> tuple[Step, ...]:
    match settings["strategy"]:
        case "rolling" | "all_at_once":
            return (Step(100),)
        case "canary":
            first = Step(settings["percent"], settings["duration_seconds"])
            return (first,) if first.weight == 100 else (first, Step(100))
        case "linear":
            width, interval = settings["step_percent"], settings["interval_seconds"]
            return (*(Step(weight, interval) for weight in range(width, 100, width)), Step(100))
        case _:
            return tuple(
                Step(
                    step["weight"],
                    step.get("duration_seconds") or 0,
                    bool(step.get("approval")),
                    step.get("approval_timeout_seconds") or 3600,
                )
                for step in settings["steps"]
            )


def _too_short(made: Plan, gates: Gates, shortest: int) -> list[str]:
    """Metric gates without the time to see a metric could only ever be inconclusive."""
    if not gates.need_metrics:
        return []
    judged = [(f"step {number}", step.duration_seconds) for number, step in enumerate(made.steps[:-1], 1)]
    last = made.steps[-1].duration_seconds
    judged.append(("the last step and the bake together", last + made.bake_seconds))
    return [
        f"{name} lasts {seconds} seconds, in which CloudWatch may have fewer than {JUDGED_PERIODS} whole periods to judge by: "
        f"make it at least {shortest}, or set no metric gate"
        for name, seconds in judged
        if seconds < shortest
    ]
