# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The decision of a release or a rollback: what was observed and what is recorded in, one thing to do out.

Each decision holds at most one write, so that a controller may die before or after any of them and the next one,
reading the same ledger and the same fleet, goes on from there.
"""

from __future__ import annotations

from .actions import Decision, Stop
from .forward import PHASES
from .home import bring_home, close, turn_back
from .model import Observed, Phase, Release
from .trouble import Trouble, trouble


def decide(seen: Observed, release: Release, now: float) -> Decision:
    """Return the next thing to do for this release, and why."""
    if not seen.lease_held:
        return Decision(Stop(), "another controller has taken this service over: leaving without a write", release)
    if release.outcome is not None:
        return close(seen, release, release.outcome, now)
    if release.phase is Phase.RETURNING:
        return bring_home(seen, release, now)
    found = trouble(seen, release, now) or PHASES[release.phase](seen, release, now)
    return turn_back(seen, release, found, now) if isinstance(found, Trouble) else found
