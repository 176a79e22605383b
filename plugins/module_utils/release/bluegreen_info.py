# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a service stands and what happened to it; and what a person asks of a release that another terminal runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..aws.ecs_states import short
from ..aws.errors import AwsError, Failure
from ..common.invocation import Invocation
from ..common.text import harmless
from ..monitoring.objectives import Budget, objectives, problems
from ..rollout.begin import Refused, ReturnOrder, begin_rollback
from ..rollout.disagreements import Disagreement, disagreements
from ..rollout.history import (
    Target,
    good_releases,
    live_colour,
    roll_forward,
    rollback_target,
    serving_definition,
    unfinished,
)
from ..rollout.lease import Lease, clock_time
from ..rollout.model import Colour, Fleet, Kind, Release
from ..rollout.partial_return import carried_percent, needed_targets
from ..rollout.stable_down import no_way_back, unserved
from ..rollout.who_acts import who_acts
from ..service.existing import locate_by
from ..service.location import WORKER_COLOUR, ServiceLocation
from .error_budget import budgets
from .ledger import DynamoLedger
from .ports import PortError
from .providers.fleet import ServiceFleet
from .providers.service_provider import ServiceProvider
from .results import summary
from .throttled_reads import once_answered

_REPLACED = "as long as its tasks take to be replaced"
_ONE_WRITER_TAKES = (
    "as long as one task takes to stop and another one to start; requests are answered with 503 meanwhile"
)


def run(call: Invocation) -> dict[str, Any]:
    """Return how the service stands: weights, both colours, the release under way, the lease, and the last releases."""
    answer: dict[str, Any] = harmless(_read(call))
    return answer


def _read(call: Invocation) -> dict[str, Any]:
    location = once_answered(call, lambda: locate_by(call.aws, call.params))
    ledger = DynamoLedger(call.aws, location.ledger, location.service)
    provider = ServiceProvider(ServiceFleet(call.aws, location, call.progress))
    try:
        fleet = once_answered(call, provider.read)
        recorded, lease, request = once_answered(
            call, lambda: (ledger.history(), ledger.lease(), ledger.operator_request())
        )
    except PortError as failed:
        raise Failure(str(failed)) from failed
    found_budgets, unread = _budgets(call, location)
    history = recorded.releases
    newest = sorted(history, key=lambda release: -release.started_at)[: call.params["limit"]]
    live, under_way, now = live_colour(fleet, history), unfinished(history), call.clock.now()
    held = lease if lease and lease.owner and not lease.expired_for_others(now) else None
    standing = _Standing(location.service, fleet, history, held, now)
    stack = good_releases(history)
    # A release under way moves traffic, and looks after what it finds.
    wrong = [] if under_way or held else disagreements(fleet, history, now)
    return {
        "changed": False,
        "live": str(live) if live else None,
        "weights": {str(colour): fleet.weights.of(colour) for colour in Colour},
        "colours": {str(colour): _state(fleet, colour) for colour in Colour},
        "release": summary(stack[-1]) if stack else None,
        "under_way": summary(under_way) if under_way else None,
        "lease": {"owner": held.owner, "release": held.release_id, "until": clock_time(held.expires_at)}
        if held
        else None,
        "operator_request": {
            "kind": str(request.kind),
            "by": request.by,
            "release": request.release_id,
        }
        if request and under_way
        else None,
        "rollback": _way_back(standing),
        "history": [_row(release) for release in newest],
        "unreadable": [str(record) for record in recorded.unreadable],
        "status": [
            *_status(standing),
            *(f"  {budget}" for budget in found_budgets),
            *(f"  error budgets are not known: {problem}" for problem in unread),
            *(f"  {record}. It is left alone" for record in recorded.unreadable),
            *(f"  {found.sentence}" + _who_repairs(found) for found in wrong),
        ],
        "error_budgets": [_budget_row(budget) for budget in found_budgets],
        "disagreements": [found.row for found in wrong],
        "table": table([_row(release) for release in newest]),
    }


def _budgets(call: Invocation, location: ServiceLocation) -> tuple[list[Budget], list[str]]:
    """The error budgets, and why they cannot be told: how the service stands is told all the same."""
    found = objectives(call.params.get("slos") or [])
    wrong = list(problems(found))
    if wrong:
        return [], wrong
    try:
        return budgets(call.aws, location, found, call.clock.now()), []
    except AwsError as failed:
        return [], [str(failed)]


def _budget_row(budget: Budget) -> dict[str, Any]:
    return {
        "name": budget.objective.name,
        "promise": budget.objective.promise,
        "requests": budget.requests,
        "bad": budget.bad,
        "left_percent": round(budget.left_percent, 2) if budget.is_known else None,
        "spent": budget.is_spent,
    }


def _who_repairs(found: Disagreement) -> str:
    if found.repair is None:
        return ". Somebody may have meant that: the next release takes the rule for the truth"
    return ". The next release or rollback puts it right"


def _state(fleet: Fleet, colour: Colour) -> dict[str, Any]:
    state = fleet.state(colour)
    return {
        "task_definition": state.task_definition or None,
        "desired": state.desired,
        "running": state.running,
        "healthy": state.healthy,
        "steady": state.steady,
        "failure": state.failure or None,
        "warm_until": clock_time(state.scale_in_at) if state.scale_in_at else None,
        "further_target_groups": list(state.further_target_groups),
    }


def _way_back(standing: _Standing) -> dict[str, Any]:
    """Where a rollback would go, and how long it would take."""
    fleet, history = standing.fleet, standing.history
    under_way, lost = unfinished(history), standing.lease is None
    target = rollback_target(history, serving=serving_definition(fleet, history))
    if under_way and under_way.in_place and under_way.returnable:
        return {
            "possible": True,
            "reason": f"stops {under_way.id}, and returns {under_way.live} to {short(under_way.stable_task_definition)}",
            "release": None,
            "digest": None,
            "warm": False,
            "takes": _REPLACED,
            "warm_until": None,
        }
    stuck = no_way_back(fleet, under_way, lost) if under_way else ""
    if stuck:
        return {
            "possible": False,
            "reason": stuck,
            "release": None,
            "digest": None,
            "warm": False,
            "takes": "",
            "warm_until": None,
        }
    if under_way and under_way.kind is Kind.DEPLOY and not under_way.first and not under_way.in_place:
        share = carried_percent(fleet, under_way.live, needed_targets(fleet, under_way))
        returned = "all traffic" if share == 100 else f"{share} % of traffic at once, the rest as its tasks recover,"
        return {
            "possible": True,
            "reason": f"stops {under_way.id}, and returns {returned} to {under_way.live}",
            "release": None,
            "digest": None,
            "warm": not under_way.single_writer,
            "takes": _ONE_WRITER_TAKES if under_way.single_writer else "one write, about a second",
            "warm_until": None,
        }
    if isinstance(target, str):
        return {"possible": False, "reason": target}
    states = [
        fleet.state(colour)
        for colour in Colour
        if fleet.state(colour).task_definition == target.release.task_definition
    ]
    may_be_warm = fleet.routed and not _in_place(fleet)
    warm = next((state for state in states if state.desired and state.healthy and may_be_warm), None)
    # A way back is promised only where a rollback would begin now.
    begun = begin_rollback(ReturnOrder("", standing.service, ""), fleet, history, standing.now)
    refused = begun.reason if isinstance(begun, Refused) else ""
    against = "; ".join(target.objections) or refused
    return {
        "possible": not against,
        "reason": against,
        "release": target.release.id,
        "digest": target.release.digest,
        "warm": warm is not None,
        "takes": _takes(target.release, bool(warm)) if may_be_warm else _REPLACED,
        "warm_until": clock_time(warm.scale_in_at) if warm and warm.scale_in_at else None,
    }


def _in_place(fleet: Fleet) -> bool:
    """Whether a rollback replaces tasks although there are two colours."""
    return any(fleet.state(colour).answers_besides for colour in Colour)


def _takes(target: Release, warm: bool) -> str:
    if target.single_writer:
        return _ONE_WRITER_TAKES
    return "one write, about a second" if warm else "as long as its tasks take to start"


def _version(task_definition: str, history: Sequence[Release]) -> str:
    """The version of a colour by tag and revision, where a release on record made it."""
    made = next(
        (release for release in history if release.task_definition == task_definition and release.version), None
    )
    return made.label if made else short(task_definition)


@dataclass(frozen=True)
class _Standing:
    """What the lines of the status are made from."""

    service: str
    fleet: Fleet
    history: Sequence[Release]
    lease: Lease | None
    now: float


def _status(standing: _Standing) -> list[str]:
    """Some lines for a person."""
    service, fleet, history = standing.service, standing.fleet, standing.history
    lease, now = standing.lease, standing.now
    under_way, target = unfinished(history), rollback_target(history, serving=serving_definition(fleet, history))
    lines = [f"{service}: traffic {fleet.traffic}" if fleet.routed else f"{service}: worker"]
    if without := unserved(fleet):
        lines.append(f"  {without}")
    for colour in Colour if fleet.routed else (WORKER_COLOUR,):
        version = _version(fleet.state(colour).task_definition, history)
        lines.append(f"  {fleet.state(colour)}" + (f"  {version}" if version else ""))
        if further := fleet.state(colour).further_target_groups:
            lines.append(f"    counted as healthy where they are in {', '.join(further)} too")
    if under_way:
        steps = len(under_way.plan.steps)
        step = f"step {min(under_way.step + 1, steps)} of {steps}"
        lines.append(f"  {under_way.kind} {under_way.id} by {under_way.by}: {under_way.phase}, {step}")
        lines += [f"  {line}" for line in who_acts(under_way, lease, now, fleet)]
    back = _way_back(standing)
    if back["possible"] and back["reason"]:
        lines.append(f"  rollback: {back['reason']} ({back['takes']})")
    elif back["possible"]:
        until = f", warm until {back['warm_until']}" if back["warm_until"] else ""
        version = f", {target.release.label}" if isinstance(target, Target) else ""
        lines.append(f"  rollback: to {back['release']}{version} ({back['takes']}{until})")
    else:
        lines.append(f"  rollback: {back['reason']}")
    newer = roll_forward(history)
    if newer is not None and not isinstance(target, str):
        lines.append(
            f"  roll forward: to {newer.label} with playbooks/rollback.yml -l {service} -e rollback_to={newer.id}"
        )
    return lines


def _row(release: Release) -> dict[str, Any]:
    end = release.ended_at
    return {
        "id": release.id,
        "kind": str(release.kind),
        "at": f"{datetime.fromtimestamp(release.started_at, UTC):%Y-%m-%d %H:%M:%S}Z",
        "by": release.by,
        "digest": release.digest,
        "version": release.version,
        "task_definition": short(release.task_definition) if release.task_definition else "",
        "strategy": release.plan.strategy,
        "outcome": str(release.outcome) if release.outcome else str(release.phase),
        "reason": release.reason,
        "seconds": round(end - release.started_at) if end else None,
    }


# An id begins with the time and the kind.
_COLUMNS = ("id", "version", "task_definition", "digest", "by", "strategy", "outcome", "seconds", "reason")
_WIDEST = {"digest": 19, "reason": 80, "by": 32}


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The history as lines of a table, the newest first."""
    cells = [[_cut(name, name) for name in _COLUMNS]]
    cells += [[_cut(name, "" if row[name] is None else str(row[name])) for name in _COLUMNS] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cut(name: str, text: str) -> str:
    widest = _WIDEST.get(name, 40)
    return text if len(text) <= widest else text[: widest - 1] + "…"
