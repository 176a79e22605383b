# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leave a request for the release under way: promote, pause, resume, abort. Its controller takes it up within seconds."""

from __future__ import annotations

from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.operator import operator
from ..rollout.history import unfinished
from ..rollout.lease import is_lost
from ..rollout.model import Fleet, OperatorRequest, Phase, Release, RequestKind
from ..rollout.stable_down import no_way_back
from ..service.existing import locate_by
from .ledger import DynamoLedger
from .ports import PortError
from .providers.fleet import ServiceFleet
from .providers.service_provider import ServiceProvider
from .throttled_reads import once_answered


def run(call: Invocation) -> dict[str, Any]:
    """Write the request; Failure where there is no release that could follow it."""
    location = once_answered(call, lambda: locate_by(call.aws, call.params))
    ledger = DynamoLedger(call.aws, location.ledger, location.service)
    kind, stuck = RequestKind(call.params["request"]), ""
    try:
        under_way = unfinished(ledger.history().releases)
        if under_way is None or under_way.outcome is not None:
            raise Failure(
                f"Service {location.service} has no release under way: there is nothing to {kind.replace('_', ' ')}."
            )
        _refuse_in_place(under_way, kind)
        if kind in (RequestKind.ABORT, RequestKind.PROMOTE, RequestKind.PROMOTE_ALL):
            fleet = ServiceProvider(ServiceFleet(call.aws, location, call.progress)).read()
            stuck = no_way_back(fleet, under_way, is_lost(ledger.lease(), call.clock.now()))
            _refuse_without_effect(under_way, kind, stuck, fleet)
        request = OperatorRequest(
            under_way.id, kind, under_way.step, operator(call.params), reason=call.params["reason"]
        )
        if not call.check_mode:
            ledger.submit(request)
        lost = is_lost(ledger.lease(), call.clock.now())
    except PortError as failed:
        raise Failure(str(failed)) from failed
    answer = {"release": under_way.id, "phase": str(under_way.phase), "step": under_way.step + 1}
    said = (
        "no controller is at work: run deploy.yml to go on" + ("" if stuck else ", or rollback.yml")
        if lost
        else "its controller takes it up within seconds"
    )
    return {"changed": True, "reason": f"{kind} asked of {under_way.id}, step {under_way.step + 1}; {said}", **answer}


def _refuse_without_effect(release: Release, kind: RequestKind, no_way_back: str, fleet: Fleet) -> None:
    """A request that could only wait is refused with what would help instead."""
    if kind is RequestKind.ABORT and no_way_back:
        raise Failure(
            f"Release {release.id} cannot return its traffic: {no_way_back}. playbooks/rollback.yml -e rollback_force=true returns it "
            "all the same."
        )
    if kind is not RequestKind.ABORT and no_way_back and not fleet.state(release.candidate).healthy:
        raise Failure(f"Release {release.id} cannot be promoted: {no_way_back}.")
    if kind is not RequestKind.ABORT and release.phase is Phase.RETURNING and not no_way_back:
        raise Failure(
            f"Release {release.id} is returning its traffic to {release.live}: there is nothing to {kind.replace('_', ' ')}."
        )


def _refuse_in_place(release: Release, kind: RequestKind) -> None:
    """ECS replaces tasks by itself: until it is done there is no step that could be held or ended."""
    if not release.in_place or kind is RequestKind.ABORT or release.phase is Phase.BAKING:
        return
    raise Failure(
        f"Release {release.id} of {release.service} replaces tasks in place (strategy rolling, phase {release.phase}): ECS goes on "
        f"by itself, so it cannot {kind.replace('_', ' ')}. Abort it, or wait for its bake."
    )
