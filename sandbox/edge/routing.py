"""Where a request goes: the first rule that matches, then a target group by weight, then a target of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection

from .state import Forward, Listener, RequestView, Rule, Target, TargetGroup

_BAGS_PER_RULE = 4


def match_rule(listener: Listener, request: RequestView) -> Rule | None:
    """The rule of lowest priority number whose conditions all hold; the default rule has none and comes last."""
    for rule in listener.rules:
        if all(holds(request) for holds in rule.conditions):
            return rule
    return None


class WeightedChoice:
    """Chooses target groups in exact proportion to their weights, in an order that no client can fall in step with.

    Each rule has a bag that holds every target group as often as its (reduced) weight says. The bag is shuffled,
    emptied one request at a time and filled again. While a change is on its way to all nodes a rule has several weights, and
    a bag for each.
    """

    def __init__(self, randomness: random.Random | None = None) -> None:
        self._randomness = randomness or random.Random()
        self._bags: dict[str, dict[tuple[tuple[str, int], ...], list[str]]] = {}

    def choose(self, rule_arn: str, forward: Forward) -> str | None:
        weights = forward.weights
        if len(weights) == 1:
            # A lone target group gets everything that matches, unless its weight is an explicit zero.
            return weights[0][0] if weights[0][1] > 0 else None
        bags = self._bags.setdefault(rule_arn, {})
        bag = bags.pop(weights, None) or self._fill(weights)
        # The newest last: those of weights that no node has any more are dropped.
        bags[weights] = bag
        while len(bags) > _BAGS_PER_RULE:
            del bags[next(iter(bags))]
        return bag.pop() if bag else None

    def _fill(self, weights: tuple[tuple[str, int], ...]) -> list[str]:
        divisor = math.gcd(*(weight for _, weight in weights)) or 1
        bag = [arn for arn, weight in weights for _ in range(weight // divisor)]
        self._randomness.shuffle(bag)
        return bag


class TargetChoice:
    """Chooses a target: the healthy ones; all of them if none is (ALB fails open); never a draining one."""

    def __init__(self, in_flight: Callable[[str, int], int], randomness: random.Random | None = None) -> None:
        self._in_flight = in_flight
        self._randomness = randomness or random.Random()
        self._turns: dict[str, int] = {}

    def choose(
        self,
        group: TargetGroup,
        is_healthy: Callable[[Target], bool],
        now: float,
        tried: Collection[Target] = (),
    ) -> Target | None:
        registered = [target for target in group.targets if not target.draining and target not in tried]
        candidates = [target for target in registered if is_healthy(target)] or registered
        if not candidates:
            return None
        if group.slow_start_seconds and len(candidates) > 1:
            candidates = [candidate for candidate in candidates if self._admits(candidate, group, now)] or candidates
        if group.algorithm == "least_outstanding_requests":
            return min(candidates, key=lambda target: self._in_flight(target.address, target.port))
        if group.algorithm == "weighted_random":
            return self._randomness.choice(candidates)
        turn = self._turns.get(group.arn, self._randomness.randrange(len(candidates)))
        self._turns[group.arn] = turn + 1
        return candidates[turn % len(candidates)]

    def _admits(self, target: Target, group: TargetGroup, now: float) -> bool:
        """During slow start a target takes a share that grows linearly with its age."""
        age = (now - target.registered_at) / group.slow_start_seconds
        return age >= 1 or self._randomness.random() < max(age, 0.02)
