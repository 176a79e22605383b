# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release or a rollback would do, told without doing it: steps with times, and the definition's difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..aws import ecs, task_definition
from ..aws.ecs_states import short
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..rollout.begin import Begun, Order, Refused, ReturnOrder, Unchanged, begin_deploy, begin_rollback
from ..rollout.disagreements import disagreements
from ..rollout.history import unfinished
from ..rollout.lease import clock_time, is_lost
from ..rollout.model import Fleet, Outcome, Release
from ..rollout.stable_down import no_way_back
from ..rollout.strategy import timeline
from ..service.specification import Specification
from .controller import beside_unreadable, may_be_under_way
from .loop import Ending
from .ports import PortError, Ports
from .preflight import Finding


def predicted(
    call: Invocation,
    ports: Ports,
    spec: Specification | None,
    order: Order | ReturnOrder,
    preflight: Callable[[Fleet], Sequence[Finding]] = lambda fleet: (),
) -> dict[str, Any]:
    """The result of check mode. Only reads."""
    try:
        fleet, recorded, now = ports.provider.read(), ports.ledger.history(), call.clock.now()
        history = recorded.releases
        left = unfinished(history)
        lease = ports.ledger.lease() if left and isinstance(order, ReturnOrder) else None
    except PortError as failed:
        raise Failure(str(failed)) from failed
    refused = beside_unreadable(recorded.unreadable) if isinstance(order, Order) else None
    if refused is not None:
        raise Failure(f"refused: {refused.reason}.", outcome=str(Outcome.REFUSED), changed=False)
    if left and isinstance(order, ReturnOrder) and not order.force and no_way_back(fleet, left):
        stuck = no_way_back(fleet, left, is_lost(lease, now))
        raise Failure(f"refused: {stuck}.", outcome=str(Outcome.REFUSED), changed=False)
    if left and lease and isinstance(order, ReturnOrder) and order.only_abandoned and not is_lost(lease, now):
        reason = f"{lease.owner} holds the lease of release {left.id}"
        return _answer(False, "unchanged", reason, [], {"before": "", "after": ""})
    begun = (
        begin_deploy(order, fleet, history, now)
        if isinstance(order, Order)
        else begin_rollback(order, fleet, history, now)
    )
    wrong = [] if left else disagreements(fleet, history, now)
    rows = {"disagreements": [found.row for found in wrong]}
    # A rollback puts right only what keeps users from being served.
    repaired = [found for found in wrong if (found.repair if isinstance(order, Order) else found.is_urgent)]
    repairs = [f"put right: {found.sentence}" for found in repaired]
    stops = isinstance(order, ReturnOrder) and order.named is None and any(found.returned_to for found in repaired)
    if stops and may_be_under_way(recorded.unreadable):
        return _answer(True, "planned", repairs[0], repairs, {"before": "", "after": ""}) | rows
    if isinstance(begun, Unchanged) and left is None:
        repairs += [f"{begun.adjust.colour}: {difference}" for difference in begun.adjustments] if begun.adjust else []
        for line in repairs:
            call.progress.line(line)
        difference = ports.provider.difference(begun.adjust.colour) if begun.adjust else {"before": "", "after": ""}
        unchanged = _answer(bool(repairs), "unchanged", begun.reason, repairs, difference)
        return unchanged | rows
    if isinstance(begun, Refused) and left is None:
        raise Failure(f"{begun.reason}.", outcome=str(Outcome.REFUSED), changed=False)
    release = begun.release if isinstance(begun, Begun) else None
    findings = preflight(fleet) if release else ()
    # Check mode tells what differs from the inventory (drift) also while an alarm fires.
    for finding in findings:
        if finding.momentary:
            call.progress.line(f"warning, a release would be refused now: {finding}")
    lasting = [str(finding) for finding in findings if not finding.momentary]
    if lasting:
        raise Failure(f"refused: {'; '.join(lasting)}.", outcome=str(Outcome.REFUSED), changed=False)
    steps = [f"bring {left.kind} {left.id} of {left.by} to its end, or go on with it"] if left else repairs
    if release:
        steps = [*steps, *_steps(release, fleet, now)]
    for line in steps:
        call.progress.line(line)
    reason = steps[0] if steps else "nothing to do"
    if release and isinstance(order, Order) and order.plan.in_place:
        return _answer(True, "planned", reason, steps, ports.provider.difference(release.live)) | rows
    difference = _difference(call, spec, fleet, release)
    return _answer(True, "planned", reason, steps, difference) | rows


def predicted_first(call: Invocation, spec: Specification, order: Order, missing: str) -> dict[str, Any]:
    """The result of check mode before there is anything to release to: no version serves, so blue gets all at once."""
    what = order.version or order.digest or "the image"
    steps = [missing, f"release {what} to blue, {_tasks(order.desired_count)}, with all traffic"]
    for line in steps:
        call.progress.line(line)
    definition = {"before": "", "after": task_definition.text(spec.task_definition())}
    return _answer(True, "planned", steps[1], steps, definition)


def predicted_return(ending: Ending) -> dict[str, Any]:
    """The result of check mode of a return to a named colour."""
    if ending.outcome is Outcome.REFUSED:
        raise Failure(f"{ending.reason}.", outcome=str(Outcome.REFUSED), changed=False)
    steps = [ending.reason] if ending.changed else []
    return _answer(
        ending.changed, "planned" if steps else "unchanged", ending.reason, steps, {"before": "", "after": ""}
    )


def _answer(changed: bool, outcome: str, reason: str, steps: list[str], diff: dict[str, Any]) -> dict[str, Any]:
    return {
        "changed": changed,
        "outcome": outcome,
        "reason": reason,
        "plan": steps,
        "diff": diff,
        "release": None,
        "evidence": {},
    }


def _steps(release: Release, fleet: Fleet, now: float) -> list[str]:
    """One line per thing that would be done; times are those of the plan, without the time that tasks take to start."""
    if release.in_place:
        return _steps_in_place(release, fleet, now)
    lines = _downtime(release, fleet)
    beside = "" if release.single_writer else f", beside {fleet.state(release.live)}"
    lines.append(f"stage {release.label} on {release.candidate}, {_tasks(release.capacity)}{beside}")
    lines += [f"check {name}, before any traffic" for name in release.checks]
    rows = timeline(release.plan)
    lines += [
        f"{row.title}: {row.weight} % to {release.candidate}"
        + (f" for {row.until - row.start} s, from +{row.start} s" if row.until > row.start else f" at +{row.start} s")
        for row in rows
    ]
    end = now + (rows[-1].until if rows else 0)
    warm = f"{release.live} stays warm for {release.policy.window_seconds} s"
    if release.single_writer:
        warm = f"{release.live} has no tasks: a return stops {release.candidate} first, and requests are answered with 503 meanwhile"
    lines.append(f"expected end {clock_time(end)} and the time that tasks take to start, then {warm}")
    return lines


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _downtime(release: Release, fleet: Fleet) -> list[str]:
    """Where one task at a time may write: from when until when no target serves traffic."""
    live = fleet.state(release.live)
    if not release.single_writer or not live.desired:
        return []
    until = "the new task is healthy"
    if not release.in_place:
        checked = f", {', '.join(release.checks)} passed" if release.checks else ""
        until = f"{release.candidate} is healthy{checked} and has the traffic"
    return [
        f"stop {live.colour} ({_tasks(live.running)}) and wait until no task of it runs: requests are answered with 503 until "
        f"{until}; that is as long as a task takes to stop, to start and to become healthy"
    ]


def _steps_in_place(release: Release, fleet: Fleet, now: float) -> list[str]:
    live = fleet.state(release.live)
    lines = [f"{release.live}: {deviation}" for deviation in live.deviations] or [f"{release.live}: new tasks"]
    lines += [f"check {name}, before the deployment" for name in release.checks]
    lines += _downtime(release, fleet)
    lines.append(f"replace the tasks of {live} in place")
    lines += [f"check {name}, after the deployment" for name in release.verifications]
    if release.plan.bake_seconds:
        lines.append(f"bake for {release.plan.bake_seconds} s")
    back = short(release.stable_task_definition)
    lines.append(f"return to {back} where that fails" if back else "there is no version before it to return to")
    return lines


def _difference(call: Invocation, spec: Specification | None, fleet: Fleet, release: Release | None) -> dict[str, Any]:
    """The task definition that serves against the one that would."""
    if release is None:
        return {"before": "", "after": ""}
    live = fleet.state(release.live).task_definition
    before = ecs.task_definition(call.aws, live) if live else None
    after = spec.task_definition() if spec else ecs.task_definition(call.aws, release.task_definition)
    return {
        "before": task_definition.text(before),
        "after": task_definition.text(after),
        "before_header": short(live) if live else "nothing",
        "after_header": short(release.task_definition) if release.task_definition else "a new revision",
    }
