# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happened in a release, moment by moment: lines, weights, counts of tasks, verdicts. Pure.

A record in the ledger says where a release stands. Its journal says how it came there, for the report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..common.text import one_line
from ..rollout.model import Colour, Fleet, Phase, Release, Result, Verdict, Weights
from ..rollout.record import to_plain

# A batch of moments is one item, which holds 400 KB; a transaction holds 4 MB.
_TEXT_CHARACTERS = 600
_BATCH_BYTES = 200_000


class MomentKind(StrEnum):
    LINE = "line"
    WEIGHTS = "weights"
    TASKS = "tasks"
    VERDICT = "verdict"


@dataclass(frozen=True)
class Moment:
    """`text` is the line, the colour's tasks, or the reason of the verdict of `gate` in `step`."""

    at: float
    kind: MomentKind
    text: str
    weights: Weights | None = None
    gate: str = ""
    step: str = ""
    result: Result | None = None


def record(moments: Sequence[Moment]) -> str:
    """Moments as an item holds them. Text is not escaped: that would make it several times as long."""
    return json.dumps(to_plain(list(moments)), sort_keys=True, ensure_ascii=False)


def step_title(release: Release) -> str:
    """Where in its plan a release is, as the report names it."""
    steps = len(release.plan.steps)
    if release.phase is Phase.SHIFTING:
        return f"step {release.step + 1} of {steps}"
    return "bake" if release.phase is Phase.BAKING else str(release.phase)


class Journal:
    """Collects moments until a write of the ledger takes them along. Only what differs from the last one is kept."""

    def __init__(self) -> None:
        self._pending: list[Moment] = []
        self._bytes = 0
        self._left_out = 0
        self._batches = 0
        self._weights: Weights | None = None
        self._tasks: dict[Colour, str] = {}
        self._release = ""
        # The verdicts of the step that is judged at present, and when they were last made.
        self._step = ""
        self._judged_at = 0.0
        self._verdicts: dict[str, Verdict] = {}
        self._written: dict[str, Verdict] = {}

    def line(self, at: float, text: str) -> None:
        self._add(Moment(at, MomentKind.LINE, text))

    def fleet(self, at: float, fleet: Fleet) -> None:
        if fleet.routed:
            self.weights(at, fleet.weights)
        for colour in Colour:
            state = fleet.state(colour)
            if state.desired or state.running or colour in self._tasks:
                self._changed_tasks(at, colour, str(state))

    def weights(self, at: float, weights: Weights) -> None:
        if weights != self._weights:
            self._weights = weights
            self._add(Moment(at, MomentKind.WEIGHTS, str(weights), weights=weights))

    def verdicts(self, at: float, step: str, verdicts: Mapping[str, Verdict]) -> None:
        """A verdict is kept where its result changes, and as it was when its step ended."""
        if step != self._step:
            self._end_step()
            self._step = step
        self._judged_at = at
        for gate, verdict in verdicts.items():
            self._verdicts[gate] = verdict
            known = self._written.get(gate)
            if known is None or known.result is not verdict.result:
                self._add_verdict(at, gate, verdict)

    def batch(self, release: Release) -> tuple[Moment, ...]:
        """What is to be written with the release: with the last verdicts of a step that it leaves by this write."""
        if self._step and (release.outcome is not None or step_title(release) != self._step):
            self._end_step()
        if release.id != self._release and self._batches and self._pending:
            # The one before it was brought to its end by the same run: this one begins with what that one left.
            self._pending[:0] = self._standing(self._pending[0].at)
        self._release = release.id
        if self._left_out:
            line = f"{self._left_out} more entries do not fit into the journal"
            return (*self._pending, Moment(self._pending[-1].at, MomentKind.LINE, line))
        return tuple(self._pending)

    @property
    def batch_number(self) -> int:
        """How many batches were written before."""
        return self._batches

    def written(self) -> None:
        """The batch is in the ledger."""
        if self._pending:
            self._batches += 1
        self._pending, self._bytes, self._left_out = [], 0, 0

    def _standing(self, at: float) -> list[Moment]:
        known = [Moment(at, MomentKind.WEIGHTS, str(self._weights), weights=self._weights)] if self._weights else []
        return known + [Moment(at, MomentKind.TASKS, text) for text in self._tasks.values()]

    def _changed_tasks(self, at: float, colour: Colour, text: str) -> None:
        if self._tasks.get(colour) != text:
            self._tasks[colour] = text
            self._add(Moment(at, MomentKind.TASKS, text))

    def _add_verdict(self, at: float, gate: str, verdict: Verdict) -> None:
        self._written[gate] = verdict
        self._add(
            Moment(at, MomentKind.VERDICT, verdict.reason, gate=gate, step=self._step, result=verdict.result),
        )

    def _end_step(self) -> None:
        for gate, verdict in self._verdicts.items():
            if self._written.get(gate) != verdict:
                self._add_verdict(self._judged_at, gate, verdict)
        self._step, self._verdicts, self._written = "", {}, {}

    def _add(self, moment: Moment) -> None:
        moment = replace(moment, text=one_line(moment.text, _TEXT_CHARACTERS), gate=one_line(moment.gate, 200))
        size = len(record([moment]).encode())
        if self._bytes + size > _BATCH_BYTES:
            self._left_out += 1
            return
        self._bytes += size
        self._pending.append(moment)
