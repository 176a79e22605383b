# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The return of traffic while the ledger cannot be written, or no task can be read: it needs neither, and is recorded later."""

from __future__ import annotations

from dataclasses import dataclass

from ..rollout.abort import AbortReason
from ..rollout.abort_rules import has_own_weights
from ..rollout.actions import Replace, Shift
from ..rollout.model import Fleet, Kind, Observed, Outcome, Phase, Release
from ..rollout.restore import begin_restore, can_return, restore

# For how long recording is tried again, and how often.
RECORD_SECONDS = 300.0
RECORD_EVERY_SECONDS = 10.0
_EXPOSED = (Phase.SHIFTING, Phase.VERIFYING, Phase.BAKING, Phase.RETURNING)


@dataclass(frozen=True)
class Return:
    """The write, its reason, and the release after it."""

    action: Shift | Replace
    reason: str
    release: Release


def returns_by_rule(release: Release) -> bool:
    """Whether one write of the rule returns its traffic: the weights and the target health are all that has to be known."""
    return release.kind is Kind.DEPLOY and not release.in_place and not release.single_writer


def where_traffic_stays(release: Release, fleet: Fleet) -> str:
    """Why no traffic was returned by the answers of the load balancer alone, and what is left to do."""
    live = fleet.state(release.live)
    if fleet.is_at(release.stable_weights):
        return f"All traffic is on {release.live}. The tasks could not be read, so nothing was scaled in: the next run does that."
    if not can_return(Observed(fleet), release):
        needed = max(1, release.policy.minimum_healthy)
        return (
            f"Traffic stays at {fleet.traffic}: {release.live} has {live.healthy} healthy targets and needs {needed}."
        )
    return f"Traffic stays at {fleet.traffic}: release {release.id} did not set these weights, somebody else is moving traffic."


def returns_unrecorded(release: Release) -> bool:
    """Whether it may have traffic that one write returns.

    In place the version has requests as soon as its deployment begins, which may be all that could not be recorded.
    """
    if release.kind is not Kind.DEPLOY or release.outcome is not None or release.single_writer:
        # Several writes return a single writer: its tasks stop first, and whoever has the lease may start them.
        return False
    return release.phase in _EXPOSED or (release.in_place and release.phase is Phase.STAGING)


def return_decision(release: Release, fleet: Fleet, why: str, now: float) -> Return | None:
    """The write that takes the candidate out of traffic; None where it has none, or somebody else moved traffic since."""
    if not returns_unrecorded(release):
        return None
    observed = Observed(fleet)
    if release.goes_forward:
        if not has_own_weights(release, fleet):
            return None
        decision = begin_restore(observed, release, AbortReason(Outcome.INTERRUPTED, why), now)
    else:
        decision = restore(observed, release, now)
    if not release.in_place and can_return(observed, release) and not fleet.is_at(release.stable_weights):
        # All of it: no controller may be left to move the rest once live has more healthy targets.
        reason = f"returning traffic to {release.live}: {decision.release.reason}"
        return Return(Shift(release.stable_weights), reason, decision.release)
    if not isinstance(decision.action, (Shift, Replace)):
        return None
    return Return(decision.action, decision.reason, decision.release)
