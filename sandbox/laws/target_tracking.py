"""How many tasks target tracking wants, from the minutes of each policy's metric. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The alarms that a policy makes: three minutes above the target, or fifteen below nine tenths of it.
HIGH_MINUTES = 3
LOW_MINUTES = 15
LOW_SHARE = 0.9


@dataclass(frozen=True)
class Policy:
    """One policy, with its metric's last minutes, oldest first; None where there was no data."""

    target: float
    minutes: Sequence[float | None]
    scales_in: bool = True

    def wants(self, count: int) -> int | None:
        """More tasks, fewer, or None for no change. Missing data is never taken for low use."""
        newest = self.minutes[-HIGH_MINUTES:]
        if len(newest) == HIGH_MINUTES and all(value is not None and value > self.target for value in newest):
            return max(count + 1, math.ceil(count * (newest[-1] or 0) / self.target))
        lowest = self.minutes[-LOW_MINUTES:]
        low = self.target * LOW_SHARE
        if not self.scales_in or len(lowest) < LOW_MINUTES or any(value is None or value >= low for value in lowest):
            return None
        return min(count, math.ceil(count * max(value or 0 for value in lowest) / self.target))


@dataclass(frozen=True)
class Allowed:
    """What may be done now: suspended, in a cooldown, or in a deployment means no."""

    scale_out: bool = True
    scale_in: bool = True


def wanted(policies: Sequence[Policy], count: int, bounds: tuple[int, int], allowed: Allowed) -> int:
    """The largest count that a policy wants; fewer tasks only where every policy that scales in wants fewer."""
    answers = [policy.wants(count) for policy in policies]
    more = [answer for answer in answers if answer is not None and answer > count]
    least, most = bounds
    if more:
        return max(count, min(max(more), most)) if allowed.scale_out else count
    fewer = [answer for answer, policy in zip(answers, policies, strict=True) if policy.scales_in]
    if not allowed.scale_in or not fewer or any(answer is None for answer in fewer):
        return count
    return min(count, max(max(answer for answer in fewer if answer is not None), least))
