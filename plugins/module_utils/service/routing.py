# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules and target groups of a service, and the changes of its rules. Pure.

The production rule forwards to both colours with weights. The test rule has the same conditions and the header
X-Release besides, with the value `candidate` or a secret; it comes right before. Weights belong to releases: here they
are written once, when a rule is created, and kept as they are ever after.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..aws.elbv2_states import TEST_VALUE, Conditions, Rule
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

    def conditions_of(self, kind: str) -> Conditions:
        return self.conditions.under_test(self.test_value) if kind == TEST else self.conditions

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

    @property
    def needed(self) -> bool:
        return self.rule is None or self.conditions or self.priority or self.weights is not None


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
    """Return a sentence for each rule of another service that takes requests of this one, as it is asked earlier."""
    found = []
    for rule in rules:
        if _is_ours(rule, desired):
            continue
        taken = {
            kind: shadowed(rule, desired.conditions_of(kind), desired.priority_of(kind)) for kind in (PRODUCTION, TEST)
        }
        if taken[PRODUCTION] or taken[TEST]:
            which = "production" if taken[PRODUCTION] else "test"
            found.append(
                f"the rule of {rule.owner} ({rule.conditions}) has priority {rule.priority} and so answers every request for "
                f"{taken[PRODUCTION] or taken[TEST]} before the {which} rule of this service (priority "
                f"{desired.priority_of(which)}): give them different service_hosts or service_paths, or this one a smaller service_priority"
            )
    return found


def _is_ours(rule: Rule, desired: DesiredRules) -> bool:
    return bool(rule.weights) and set(rule.weights) <= {desired.blue, desired.green}


def free_priorities(rules: Sequence[Rule], count: int = 3) -> str:
    """Return the first even priorities that are free together with the odd one before them."""
    taken = {rule.priority for rule in rules}
    free = (priority for priority in range(10, 50001, 10) if not {priority, priority - 1} & taken)
    return ", ".join(str(priority) for priority in itertools.islice(free, count))
