# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When autoscaling may take tasks away: not from a colour that traffic leaves, nor from one that it may return to.

Target tracking scales in what gets less traffic, down to its minimum. A return would then put all traffic on a few tasks. So
dynamic scale-in is suspended from before the first shift: of the stable colour until its rollback window is over, of the
candidate until the release has ended.
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html
"""

from __future__ import annotations

from .actions import Decision, SetScaleIn
from .model import Colour, Fleet, Kind, Observed, OldColour, Outcome, Release


def hold_before_shift(observed: Observed, release: Release) -> Decision | None:
    """Suspend it before traffic moves. A rollback does not wait for that: it is done when its traffic has moved."""
    if release.kind is not Kind.DEPLOY:
        return None
    for colour in (release.live, release.candidate):
        if observed.fleet.state(colour).scale_in_suspended is False:
            said = f"{colour}: autoscaling adds tasks and takes none away while traffic moves"
            return Decision(SetScaleIn(colour, suspended=True), said, release)
    return None


def put_away(observed: Observed, release: Release) -> Decision | None:
    """At the end of a release: the colour with traffic scales in again, one that stays warm does not.

    Where both colours are kept for good, both scale in again.
    """
    keeps_both = release.policy.old_colour is OldColour.KEEP
    both = tuple(colour for colour in Colour if observed.fleet.state(colour).scale_in_suspended)
    for colour in both if keeps_both else left_suspended(observed.fleet):
        said = f"{colour}: autoscaling takes tasks away again where load allows it"
        return Decision(SetScaleIn(colour, suspended=False), said, release)
    old = observed.fleet.state(release.live)
    keeps_warm = release.outcome is Outcome.SUCCEEDED and not (release.in_place or keeps_both) and old.desired > 0
    if keeps_warm and observed.fleet.share(release.live) == 0 and old.scale_in_suspended is False:
        said = f"{release.live}: autoscaling takes no task away while it stays warm"
        return Decision(SetScaleIn(release.live, suspended=True), said, release)
    return None


def left_suspended(fleet: Fleet) -> tuple[Colour, ...]:
    """Colours with traffic that cannot scale in. Right during a release, left behind where none is under way."""
    return tuple(colour for colour in Colour if fleet.share(colour) and fleet.state(colour).scale_in_suspended)
