# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A return of all traffic to a colour that a person names, while the ledger that knows the stable colour cannot be read.

Nothing else says which colour is stable: a return to a version that was scaled in also makes a new deployment, points the test
rule at it, and is split while its colour is short of targets, as a candidate's release is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .actions import Shift
from .begin import Refused, Unchanged
from .lease import clock_time
from .model import Colour, ColourState, Fleet, Weights


@dataclass(frozen=True)
class ColourOrder:
    """Who orders which colour to have all traffic, and how many healthy targets it needs for that."""

    id: str
    service: str
    by: str
    colour: Colour
    minimum_healthy: int = 1


def return_to_colour(fleet: Fleet, order: ColourOrder) -> Shift | Unchanged | Refused:
    """The write that gives the colour all traffic: nobody may be left who would move the rest later."""
    weights, state = Weights.all_to(order.colour), fleet.state(order.colour)
    if fleet.is_at(weights):
        return Unchanged(f"{order.colour} has all traffic already: {targets(state)}")
    needed = max(1, order.minimum_healthy)
    if state.healthy < needed:
        return Refused(
            f"nothing was changed: {order.colour} has too few healthy targets to take traffic, {needed} needed. {facts(fleet)}"
        )
    return Shift(weights)


def facts(fleet: Fleet) -> str:
    """What a person has to know who names a colour."""
    return f"Traffic: {fleet.traffic}. {targets(fleet.blue)}. {targets(fleet.green)}"


def targets(state: ColourState) -> str:
    """The colour's healthy targets, what it runs, and when it is scaled in, as far as that is known."""
    runs = f", runs {state.task_definition.rpartition('/')[2]}" if state.task_definition else ""
    ends = f", is scaled in at {clock_time(state.scale_in_at)}" if state.scale_in_at is not None else ""
    return f"{state.colour} has {state.healthy} healthy target{'' if state.healthy == 1 else 's'}{runs}{ends}"
