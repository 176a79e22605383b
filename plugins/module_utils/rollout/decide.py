# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The decision of a release or a rollback: what was observed and what is recorded in, one thing to do out.

Each decision holds at most one write, so that a controller may die before or after any of them and the next one,
reading the same ledger and the same fleet, goes on from there.
"""

from __future__ import annotations

from .abort import AbortReason
from .abort_rules import abort_reason
from .actions import Decision
from .forward import PHASES
from .model import Observed, Phase, Release
from .restore import begin_restore, close, restore
from .rules import write_again


def decide(observed: Observed, release: Release, now: float) -> Decision:
    """Return the next thing to do for this release, and why."""
    if release.outcome is not None:
        return close(observed, release, release.outcome, now)
    if release.phase is Phase.RETURNING:
        return restore(observed, release, now)
    found = (
        abort_reason(observed, release, now)
        or write_again(observed, release)
        or PHASES[release.phase](observed, release, now)
    )
    return begin_restore(observed, release, found, now) if isinstance(found, AbortReason) else found
