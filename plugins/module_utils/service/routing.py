# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules and target groups of a service, and the changes of its rules. Pure.

The production rule forwards to both colours with weights. The test rule has the same conditions and the header
X-Release besides, with the value `candidate` or a secret; it comes right before. Weights belong to releases: here they
are written once, when a rule is created, and kept as they are ever after.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..aws import rule_actions
from ..aws.elbv2_states import TEST_VALUE, Conditions, Rule
from ..aws.rule_actions import RuleOptions
from .rule_match import shadowed

PRODUCTION, TEST = "production", "test"


@dataclass(frozen=True)
class DesiredRules:
    """The rules that a service should have; blue and green are target group ARNs."""

    conditions: Conditions
    priority: int
    blue: str
    green: str
    test_value: str = TEST_VALUE
    # Clients that the test rule is open to; those of the production rule if empty.
    test_source_ips: tuple[str, ...] = ()
    # Login and stickiness by kind of rule.
    options: Mapping[str, RuleOptions] = field(default_factory=dict)

    def conditions_of(self, kind: str) -> Conditions:
        return self.conditions.under_test(self.test_value, self.test_source_ips) if kind == TEST else self.conditions

    def options_of(self, kind: str) -> RuleOptions:
        return self.options.get(kind, RuleOptions())

    def priority_of(self, kind: str) -> int:
        """The test rule must come first: the production rule matches the same requests too."""
        return self.priority - 1 if kind == TEST else self.priority

    def first_weights(self, kind: str) -> dict[str, int]:
        """Blue is live first, so green is the candidate."""
        return {self.blue: 0, self.green: 100} if kind == TEST else {self.blue: 100, self.green: 0}


@dataclass(frozen=True)
class RuleChange:
    """Change of one rule; without a rule it is created."""

    kind: str
    rule: Rule | None
    conditions: bool = False
    priority: bool = False
    weights: Mapping[str, int] | None = None
    # What is and what shall be of its login and its stickiness.
    options: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def find_rule(rules: Sequence[Rule], kind: str, blue: str, green: str) -> Rule | None:
    """Return the service's rule of this kind: one that forwards to its target groups and to nothing else."""
    ours = [
        rule
        for rule in rules
        if rule.weights
        and set(rule.weights) <= {blue, green}
        and (rule.conditions.test_value is not None) == (kind == TEST)
    ]
    return min(ours, key=lambda rule: rule.priority) if ours else None


def test_value(current: Rule | None, secret: bool, new: Callable[[], str]) -> str:
    """The value that the test rule should want. A secret is kept: whoever was told it goes on using it."""
    if not secret:
        return TEST_VALUE
    known = current.conditions.test_value if current else None
    return known if known not in (None, TEST_VALUE) else new()


def plan(rules: Sequence[Rule], desired: DesiredRules) -> list[RuleChange]:
    """Return a change per rule, even an empty one: the test rule first, since it is evaluated first."""
    return [_change(find_rule(rules, kind, desired.blue, desired.green), kind, desired) for kind in (TEST, PRODUCTION)]


def _change(rule: Rule | None, kind: str, desired: DesiredRules) -> RuleChange:
    if rule is None:
        return RuleChange(kind, None)
    missing = {desired.blue, desired.green} - set(rule.weights)
    return RuleChange(
        kind,
        rule,
        conditions=rule.conditions != desired.conditions_of(kind),
        priority=rule.priority != desired.priority_of(kind),
        # A rule with one colour only cannot shift traffic: the other is added with weight 0.
        weights={**dict.fromkeys(rule.weights, 100), **dict.fromkeys(missing, 0)} if missing else None,
        options=rule_actions.differences(rule.actions, desired.options_of(kind)),
    )


def conflicts(rules: Sequence[Rule], desired: DesiredRules) -> list[str]:
    """Return a sentence for each priority that another service's rule holds already, and for each that comes before ours."""
    found = shadows(rules, desired)
    for kind in (TEST, PRODUCTION):
        ours = find_rule(rules, kind, desired.blue, desired.green)
        priority = desired.priority_of(kind)
        for rule in rules:
            if rule.priority == priority and rule is not ours and not _is_ours(rule, desired):
                found.append(
                    f"priority {priority} of the {kind} rule is taken by the rule of {rule.owner} "
                    f"({rule.conditions}); free priorities: {free_priorities(rules)}"
                )
    return found


def shadows(rules: Sequence[Rule], desired: DesiredRules) -> list[str]:
    """Return a sentence for each rule of another service that leaves this one nothing, and for each that this one leaves nothing."""
    others = [rule for rule in rules if not _is_ours(rule, desired)]
    return [*_taken_by_others(others, desired), *_taken_from_others(others, desired)]


def _taken_by_others(others: Sequence[Rule], desired: DesiredRules) -> Iterator[str]:
    for rule in others:
        taken = {
            kind: shadowed(rule, desired.conditions_of(kind), desired.priority_of(kind)) for kind in (PRODUCTION, TEST)
        }
        if taken[PRODUCTION] or taken[TEST]:
            which = "production" if taken[PRODUCTION] else "test"
            yield (
                f"the rule of {rule.owner} ({rule.conditions}) has priority {rule.priority} and so answers every request for "
                f"{taken[PRODUCTION] or taken[TEST]} before the {which} rule of this service (priority "
                f"{desired.priority_of(which)}): give them different service_hosts or service_paths, or this one a smaller service_priority"
            )


def _taken_from_others(others: Sequence[Rule], desired: DesiredRules) -> Iterator[str]:
    """What the production rule would take: the test rule takes no more."""
    own = Rule("", desired.priority, desired.conditions, {desired.blue: 100})
    for rule in others:
        taken = shadowed(own, rule.conditions, rule.priority) if rule.weights else ""
        if taken:
            yield (
                f"with priority {desired.priority} this service ({desired.conditions}) would answer every request for {taken} before the "
                f"rule of {rule.owner} (priority {rule.priority}): give this one a larger service_priority, or narrower service_hosts or "
                "service_paths"
            )


def _is_ours(rule: Rule, desired: DesiredRules) -> bool:
    return bool(rule.weights) and set(rule.weights) <= {desired.blue, desired.green}


# Where the search for a free priority begins. A rule for every host comes after those for one, or it would leave them nothing.
_FIRST_OF_A_HOST, _FIRST_OF_EVERY_HOST, _LAST = 1000, 30000, 50000


def with_priority(rules: Sequence[Rule], desired: DesiredRules) -> DesiredRules:
    """The rules with the priority that the production rule has already, or else the first that is free and fits.

    One fits if no rule leaves another one nothing. Where none does the first free one is taken, and the conflicts say why.
    """
    existing = find_rule(rules, PRODUCTION, desired.blue, desired.green)
    if existing is not None:
        return replace(desired, priority=existing.priority)
    taken = {rule.priority for rule in rules if not _is_ours(rule, desired)}
    first = _FIRST_OF_A_HOST if desired.conditions.hosts else _FIRST_OF_EVERY_HOST
    numbers = itertools.chain(range(first, _LAST + 1, 10), range(10, first, 10), range(2, _LAST + 1, 2))
    free = (number for number in numbers if not {number, number - 1} & taken)
    first_free = next(free, _LAST)
    for number in _one_of_each_gap(itertools.chain([first_free], free), sorted(taken)):
        if not shadows(rules, replace(desired, priority=number)):
            return replace(desired, priority=number)
    return replace(desired, priority=first_free)


def _one_of_each_gap(numbers: Iterable[int], taken: Sequence[int]) -> Iterator[int]:
    """Between two rules of others every number leaves them, and is left by them, the same."""
    tried: set[int] = set()
    for number in numbers:
        gap = bisect.bisect(taken, number)
        if gap not in tried:
            tried.add(gap)
            yield number


def free_priorities(rules: Sequence[Rule], count: int = 3) -> str:
    """Return the first even priorities that are free together with the odd one before them."""
    taken = {rule.priority for rule in rules}
    free = (priority for priority in range(10, 50001, 10) if not {priority, priority - 1} & taken)
    return ", ".join(str(priority) for priority in itertools.islice(free, count))
