# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The return of traffic while the ledger cannot be written: it needs no record, and is recorded when that is possible."""

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


def _is_exposed(release: Release) -> bool:
    """In place the version has requests as soon as its deployment begins, which may be all that could not be recorded."""
    return release.phase in _EXPOSED or (release.in_place and release.phase is Phase.STAGING)


def return_decision(release: Release, fleet: Fleet, why: str, now: float) -> Return | None:
    """The write that takes the candidate out of traffic; None where it has none, or somebody else moved traffic since."""
    if release.kind is not Kind.DEPLOY or release.outcome is not None or not _is_exposed(release):
        return None
    if release.single_writer:
        # One write does not return it: the candidate's tasks have to stop first, and whoever has the lease may start them.
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
