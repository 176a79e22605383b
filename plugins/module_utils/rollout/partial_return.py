# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much traffic a colour can take back now, if it has fewer healthy targets than all traffic needs."""

from __future__ import annotations

from .model import Colour, Fleet, Release, Weights

# What a target can carry of its usual load until the missing ones are back. Target tracking leaves tasks that much room.
_LOAD_PERCENT = 150
# A colour that has this share already is hardly loaded more by the rest.
_MOST_PERCENT = 80


def is_enough(fleet: Fleet, release: Release, colour: Colour) -> bool:
    """Whether a colour may have traffic at all."""
    return fleet.state(colour).healthy >= max(1, release.policy.minimum_healthy)


def carried_percent(fleet: Fleet, colour: Colour, needed: int) -> int:
    """The share of traffic for this colour, of which `needed` targets carry all; never less than it has.

    It is all of it where the other colour has no healthy target: a share that stays there would be lost.
    """
    state, share = fleet.state(colour), fleet.weights.of(colour)
    if share >= _MOST_PERCENT or not fleet.state(colour.other).healthy:
        return 100
    return max(share, min(100, state.healthy * _LOAD_PERCENT // max(1, needed)))


def returned_weights(fleet: Fleet, release: Release, now: float) -> Weights:
    """The weights of a return to the live colour. It is partial for at most as long as a return may take."""
    waited = now - release.entered_at > release.policy.return_timeout_seconds
    if release.forced or release.first or waited:
        return release.stable_weights
    return Weights.split(release.live, carried_percent(fleet, release.live, needed_targets(fleet, release)))


def needed_targets(fleet: Fleet, release: Release) -> int:
    """As many as live had when the release began, or as many as autoscaling wants by now."""
    return max(1, release.capacity, fleet.state(release.live).desired)


def why_partial(fleet: Fleet, release: Release) -> str:
    live = fleet.state(release.live)
    return f"{live.colour} has {live.healthy} healthy of the {needed_targets(fleet, release)} that all traffic needs"
