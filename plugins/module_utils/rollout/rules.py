# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service's production rules have the same weights: what is done where they disagree.

ELB writes one rule a call. A controller that dies between two calls, a write that arrives late, or somebody's hand leaves rules that
disagree. The first rule is written first, so its weights are what was meant, and the next decision writes them to all. Until then a
colour counts as serving if any rule sends it requests (Fleet.share), and no step is reached (Fleet.is_at).
"""

from __future__ import annotations

from .actions import POLL_SECONDS, Decision, Shift, Wait
from .model import Colour, Fleet, Observed, Phase, Release
from .partial_return import is_enough


def write_again(observed: Observed, release: Release) -> Decision | None:
    """The write that makes the rules agree, in the phases that write no weights themselves."""
    fleet = observed.fleet
    if fleet.rules_agree or _writes_weights(release):
        return None
    said = f"the listener rules disagree: {fleet.traffic}"
    if all(is_enough(fleet, release, colour) for colour in _gaining(fleet)):
        return Decision(Shift(fleet.weights), f"{said}; all of them get {fleet.weights}", release)
    if release.phase is Phase.STAGING and not (release.first or release.single_writer or release.in_place):
        # A colour that any rule sends requests to gets no other version.
        return Decision(Wait(POLL_SECONDS), f"{said}; waiting until they can be written again", release)
    return None


def _writes_weights(release: Release) -> bool:
    """Preparing returns what was left, and shifting writes its step, to all rules."""
    if release.phase is Phase.PREPARING:
        return not release.first
    return release.phase is Phase.SHIFTING and not release.in_place


def _gaining(fleet: Fleet) -> list[Colour]:
    """Colours that would get a larger share of some rule's requests."""
    return [
        colour for colour in Colour if any(weights.of(colour) < fleet.weights.of(colour) for weights in fleet.others)
    ]
