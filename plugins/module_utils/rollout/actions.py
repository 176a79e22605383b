# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release can do next, as values, and the decision that carries one of them with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .model import Colour, Outcome, Release, Weights

# How long a decision waits for what is about to happen.
POLL_SECONDS = 2.0
# While traffic is held and nothing is due. All controllers of an account share its quota of reads.
WATCH_SECONDS = 5.0


@dataclass(frozen=True)
class Record:
    """Write the decision's release to the ledger."""


@dataclass(frozen=True)
class Register:
    """Register the task definition of the release (only if it differs from what the candidate has)."""


@dataclass(frozen=True)
class Stage:
    """Give a colour this task definition and at least this many tasks.

    `fresh` starts a new deployment where the task definition stays the same. With `as_it_is` only the count is written.
    """

    colour: Colour
    task_definition: str
    count: int
    fresh: bool = False
    as_it_is: bool = False


@dataclass(frozen=True)
class Replace:
    """Have ECS replace the tasks of a colour that holds traffic, a few at a time.

    With `specified` the settings of the specification are written too. `fresh` starts a new deployment where nothing
    else would. With `count` a colour that was stopped gets that many tasks again.
    """

    colour: Colour
    task_definition: str
    specified: bool = True
    fresh: bool = False
    count: int | None = None


@dataclass(frozen=True)
class Adjust:
    """Give a colour the desired count and the settings of the specification that need no new tasks."""

    colour: Colour


@dataclass(frozen=True)
class Prove:
    """Run one check (a one-off task or a smoke check through the test rule) and keep its verdict."""

    check: str


@dataclass(frozen=True)
class Shift:
    """Write these weights to every production rule, the first one first, and read them back."""

    weights: Weights


@dataclass(frozen=True)
class Collect:
    """Gather the evidence before anything that holds it is stopped."""


@dataclass(frozen=True)
class ScaleIn:
    """Set a colour's desired count to zero, now."""

    colour: Colour


@dataclass(frozen=True)
class ScheduleScaleIn:
    """Have AWS set a colour's desired count to zero at a given time, with no controller running.

    It carries the release whose rollback window it ends, and takes the place of those made for others.
    """

    colour: Colour
    at: float
    release_id: str


@dataclass(frozen=True)
class CancelScaleIn:
    """Take back a scheduled scale-in, so that it cannot strike a colour that is used again."""

    colour: Colour


@dataclass(frozen=True)
class SetScaleIn:
    """Suspend or resume the dynamic scale-in of a colour that autoscaling owns. Its bounds and policies stay."""

    colour: Colour
    suspended: bool


@dataclass(frozen=True)
class Wait:
    """Look again later. A wait that a person has to know of at once is `urgent` when it begins."""

    seconds: float
    urgent: bool = False
    # Until somebody promotes.
    for_approval: bool = False


@dataclass(frozen=True)
class Done:
    """Nothing is left to do for this release."""

    outcome: Outcome


FleetAction: TypeAlias = "Stage | Replace | Adjust | ScaleIn | ScheduleScaleIn | CancelScaleIn | SetScaleIn"
Action: TypeAlias = "Record | Register | FleetAction | Prove | Shift | Collect | Wait | Done"


@dataclass(frozen=True)
class Decision:
    """The next action, the sentence that says why, and the release as it stands once the action is done."""

    action: Action
    reason: str
    release: Release
