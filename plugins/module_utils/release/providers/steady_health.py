# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One odd look is not a verdict: what the load balancer does not know, and targets that are missing once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...aws.elbv2_states import TargetState
from ...rollout.model import Colour, ColourState
from .colour_state import Reading

# States in which the load balancer itself says why a target takes no requests: believed at once.
_EXPLAINED = {"unhealthy", "unhealthy.draining", "draining", "unused"}


@dataclass
class SteadyHealth:
    """Remembers the looks of one run."""

    _targets: dict[Colour, dict[tuple[str, int], TargetState]] = field(default_factory=dict)
    _believed: dict[Colour, ColourState] = field(default_factory=dict)
    _doubted: set[Colour] = field(default_factory=set)

    def known(self, reading: Reading) -> Reading:
        """The reading with the last known state of each target whose state is unavailable now."""
        before = self._targets.get(reading.colour, {})
        targets = tuple(
            before.get((target.address, target.port), target) if target.state == "unavailable" else target
            for target in reading.targets
        )
        self._targets[reading.colour] = {(target.address, target.port): target for target in targets}
        return replace(reading, targets=targets)

    def has_odd_first_look(self, reading: Reading, state: ColourState) -> bool:
        """Whether tasks run whose targets are missing or not known, and no look before says how they were."""
        explained = any(target.state in _EXPLAINED or target.state == "initial" for target in reading.targets)
        return state.colour not in self._believed and state.healthy < state.running and not explained

    def believe(self, reading: Reading, state: ColourState) -> ColourState:
        """The state, with the health of the look before where fewer healthy targets have no explanation yet.

        The next look is believed, whatever it says.
        """
        before = self._believed.get(state.colour)
        if before is not None and state.colour not in self._doubted and _is_odd(before, reading, state):
            self._doubted.add(state.colour)
            return replace(state, running=max(state.running, before.running), healthy=before.healthy)
        self._doubted.discard(state.colour)
        self._believed[state.colour] = state
        return state


def _is_odd(before: ColourState, reading: Reading, state: ColourState) -> bool:
    changed = state.deployment_id != before.deployment_id or state.desired < before.desired or bool(state.failure)
    explained = any(target.state in _EXPLAINED for target in reading.targets)
    return state.healthy < before.healthy and not changed and not explained
