# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change how many tasks the live version of a service has, now: its desired count, or the bounds of its autoscaling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..aws import autoscaling, ecs
from ..aws.autoscaling import Bounds
from ..aws.ecs_states import ServiceState
from ..aws.errors import Failure
from ..aws.session import Aws
from ..common.invocation import Invocation
from ..common.waiting import Wait, wait_until
from ..rollout.history import good_releases, unfinished
from ..rollout.lease import LATE_WRITE_SECONDS, WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS, Held
from ..rollout.model import Colour, Release
from ..service.existing import locate_by
from ..service.location import ServiceLocation, agreed_weights
from .lease_holder import LeaseHolder
from .ledger import DynamoLedger
from .options import token
from .port_calls import port_call
from .ports import Clock, LeaseLostError, Ledger, PortError, Progress, ReadDeadline
from .runner import lease_owner


@dataclass(frozen=True)
class Size:
    """How many tasks are desired, and the bounds of autoscaling where there is any."""

    desired: int
    bounds: Bounds | None = None

    def shown(self) -> dict[str, int]:
        limits = {"minimum": self.bounds.minimum, "maximum": self.bounds.maximum} if self.bounds else {}
        return {"desired_count": self.desired, **limits}


@dataclass(frozen=True)
class Live:
    """What decides how far a service may be scaled."""

    service: str
    size: Size
    routed: bool = True
    single_writer: bool = False


@dataclass(frozen=True)
class _Ports:
    """What a lease needs of the world."""

    ledger: Ledger
    clock: Clock
    progress: Progress
    read_deadline: ReadDeadline = field(default_factory=ReadDeadline)


def run(call: Invocation) -> dict[str, Any]:
    """Return the size before and after; Failure where a release is under way."""
    if all(call.params[name] is None for name in ("count", "minimum", "maximum")):
        raise Failure("Say how many tasks: count, or with autoscaling minimum and maximum. Nothing was changed.")
    # No call may take longer than the lease lasts.
    call = replace(call, aws=call.aws.quick())
    location = locate_by(call.aws, call.params)
    ledger = DynamoLedger(call.aws, location.ledger, location.service)
    try:
        colour = _live_colour(location)
        name = location.ecs_services[colour]
        live = _live(call.aws, location, name, _idle(ledger))
        after = resized(live, call.params)
        answer = {
            "changed": after != live.size,
            "colour": str(colour),
            "before": live.size.shown(),
            "after": after.shown(),
            "diff": {"before": live.size.shown(), "after": after.shown()},
        }
        if not answer["changed"]:
            return {**answer, "reason": f"{name} has that size already: {_said(after)}"}
        if call.check_mode:
            return {**answer, "reason": f"would scale {name} from {_said(live.size)} to {_said(after)}"}
        _write(call, location, name, live.size, after)
    except PortError as failed:
        raise Failure(str(failed)) from failed
    running = _wait(call, location.cluster, name, after)
    return {**answer, "reason": f"scaled {name} from {_said(live.size)} to {_said(after)}; {running}"}


def resized(live: Live, params: Mapping[str, Any]) -> Size:
    """The size that the options ask for; Failure with everything that speaks against it."""
    bounds = live.size.bounds
    if bounds is not None:
        given = {name: params[name] for name in ("minimum", "maximum") if params[name] is not None}
        bounds = replace(bounds, **given)
    found = list(_objections(live, bounds, params))
    if found:
        raise Failure(f"Service {live.service}: {'; '.join(found)}. Nothing was changed.", findings=found)
    desired = live.size.desired if params["count"] is None else params["count"]
    # AWS moves a count outside of the bounds to the nearest.
    return Size(min(max(desired, bounds.minimum), bounds.maximum) if bounds else desired, bounds)


def _objections(live: Live, bounds: Bounds | None, params: Mapping[str, Any]) -> Iterator[str]:
    count, given = params["count"], [name for name in ("minimum", "maximum") if params[name] is not None]
    if bounds is None and given:
        yield f"{' and '.join(given)} are bounds of autoscaling, and it has none: set count, or autoscaling_minimum in the inventory"
    if bounds is not None and bounds.minimum > bounds.maximum:
        yield f"the minimum {bounds.minimum} would be above the maximum {bounds.maximum}: set both"
    elif bounds is not None and count is not None and not bounds.minimum <= count <= bounds.maximum:
        yield f"count {count} is outside of the bounds of autoscaling, {bounds.minimum} to {bounds.maximum}: set minimum or maximum too"
    if any(number is not None and number < 0 for number in (count, params["minimum"], params["maximum"])):
        yield "a number of tasks is not negative"
    if live.routed and (count == 0 or params["maximum"] == 0):
        yield "without tasks all its requests would be answered with 503; playbooks/destroy.yml removes a service"
    most = bounds.maximum if bounds else count
    if live.single_writer and most is not None and most > 1:
        yield f"its live release has service_single_writer, so that two tasks must not run at once, and {most} were asked for"


def _said(size: Size) -> str:
    return f"{size.desired} tasks" + (f" within {size.bounds.minimum} to {size.bounds.maximum}" if size.bounds else "")


def _live_colour(location: ServiceLocation) -> Colour:
    weights = agreed_weights(location)
    live = next((colour for colour in Colour if weights.of(colour) == 100), None)
    if live is None:
        raise Failure(
            f"Service {location.service} has traffic on both colours ({weights}): a release or a person shifts it. "
            "playbooks/status.yml shows which. Nothing was changed."
        )
    return live


def _idle(ledger: DynamoLedger) -> Release | None:
    """The live release; Failure where another one is under way, which counts and scales tasks itself."""
    history = ledger.history().releases
    under_way = unfinished(history)
    if under_way is not None:
        raise Failure(
            f"Release {under_way.id} of {ledger.service} by {under_way.by} is not over, and scales tasks itself. Wait for its end; "
            "playbooks/status.yml says who has to act. Nothing was changed."
        )
    return next(reversed(good_releases(history)), None)


def _live(aws: Aws, location: ServiceLocation, name: str, release: Release | None) -> Live:
    state = ecs.services(aws, location.cluster, [name]).get(name)
    if state is None:
        raise Failure(f"Service {location.service} has no release yet: playbooks/deploy.yml makes its first.")
    bounds = autoscaling.scalable_targets(aws, location.cluster, [name]).get(name)
    return Live(
        location.service,
        Size(state.desired, bounds),
        location.is_routed,
        release is not None and release.single_writer,
    )


def _write(call: Invocation, location: ServiceLocation, name: str, before: Size, after: Size) -> None:
    """Under the service's lease: no release begins meanwhile, and one that began in between is left alone."""
    ledger = DynamoLedger(call.aws, location.ledger, location.service)
    holder = LeaseHolder(_Ports(ledger, call.clock, call.progress), lease_owner(call))
    taken = holder.take(f"scale-{token()}", force=False)
    if isinstance(taken, Held):
        raise Failure(f"{taken.reason}. Nothing was changed.")
    writes = _Writes(holder, call.clock)
    writing = call.aws.fenced(WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS, writes.may_send)
    try:
        _idle(ledger)
        if after.bounds and after.bounds != before.bounds:
            bounds = after.bounds
            writes.send(lambda: autoscaling.register(writing, location.cluster, name, bounds))
        if after.desired != before.desired:
            count = {"desiredCount": after.desired}
            writes.send(lambda: ecs.update_service(writing, location.cluster, name, count))
    except LeaseLostError as lost:
        holder.lost()
        change = "The size may have changed: playbooks/status.yml shows it" if writes.sent else "Nothing was changed"
        raise Failure(f"A rollback took {location.service} over. {change}.") from lost
    finally:
        holder.give_back(writes.late_until)


@dataclass
class _Writes:
    """As those of a release: each is sent once and right after a renewal, and it is known until when one may still arrive."""

    holder: LeaseHolder
    clock: Clock
    sent: bool = False
    late_until: float = 0.0

    def send(self, write: Callable[[], object]) -> None:
        self.holder.with_retries(lambda: self._once(write))

    def may_send(self) -> bool:
        return self.clock.now() <= self.holder.write_until

    def _once(self, write: Callable[[], object]) -> None:
        self.holder.renew()
        self.sent = True
        try:
            port_call(write)()
        except PortError as failure:
            if failure.may_arrive:
                self.late_until = self.clock.now() + LATE_WRITE_SECONDS
            raise


def _wait(call: Invocation, cluster: str, name: str, after: Size) -> str:
    """Until as many tasks run as are desired, which autoscaling may change meanwhile."""

    def tasks(state: ServiceState | None) -> str:
        return f"{state.running} running of {state.desired} desired" if state else "not there any more"

    if not call.params["timeout_seconds"]:
        return "not waited for"
    reached: Wait[ServiceState | None] = Wait(
        what=f"the tasks of {name}",
        observe=lambda: ecs.services(call.aws, cluster, [name]).get(name),
        done=lambda state: state is not None and not state.pending and state.running == state.desired,
        seconds=call.params["timeout_seconds"],
        state=tasks,
        advice="The size is written; playbooks/triage.yml says why tasks do not start.",
        longest_pause=5.0,
    )
    return tasks(wait_until(call.clock, call.progress, reached))
