# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a controller waits between looks: never in step with others, and longer while AWS throttles what it reads.

All controllers of an account and region share AWS's quotas. Each looks half as often after a throttled read, and comes back
little by little, so that together they stay below a quota however many they are.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

# Well below the time that a lease lasts between two renewals.
LONGEST_SECONDS = 30.0
_JITTER = 0.25
_SLOWEST = 16.0
_RECOVERY = 0.9
_THROTTLED_SECONDS = 2.0
# Who was throttled several times in a row asks sooner again than others, so that every controller gets an answer before long.
_SOONEST_SECONDS = 5.0
# Who sees nothing for so long has another problem than others that read as well.
BLIND_SECONDS = 900.0


@dataclass
class Pace:
    """The pace of one controller."""

    randomness: random.Random = field(default_factory=random.Random)
    _slowness: float = 1.0
    _blind_since: float | None = None
    _in_a_row: int = 0

    def throttled(self, now: float) -> float | None:
        """A read was throttled: the seconds until it is tried again; None where none was answered for a long time."""
        self._blind_since = now if self._blind_since is None else self._blind_since
        if now - self._blind_since > BLIND_SECONDS:
            return None
        self._slowness = min(_SLOWEST, self._slowness * 2)
        self._in_a_row += 1
        longest = min(LONGEST_SECONDS, _THROTTLED_SECONDS * self._slowness)
        longest = max(min(longest, _SOONEST_SECONDS), longest / self._in_a_row)
        return longest * self.randomness.uniform(0.5, 1.0)

    def answered(self) -> None:
        """All reads of a look were answered."""
        self._blind_since, self._in_a_row = None, 0
        self._slowness = max(1.0, self._slowness * _RECOVERY)

    def seconds(self, seconds: float) -> float:
        """How long to wait where a decision wants to wait so long."""
        return min(
            max(LONGEST_SECONDS, seconds), seconds * self._slowness * self.randomness.uniform(1.0, 1.0 + _JITTER)
        )
