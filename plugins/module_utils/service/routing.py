# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules and target groups of a service, and the changes of its rules. Pure.

The production rule forwards to both colours with weights. Further rules do the same for other requests: all of them have the same
weights. The test rule has the conditions of the production rule and the header X-Release besides, with the value `candidate` or a
secret; it comes right before. Weights belong to releases: here they are written once, when a rule is created, and kept as they are
ever after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aws import rule_actions
from ..aws.elbv2_states import TEST_VALUE, Conditions, Rule
from ..aws.rule_actions import RuleOptions

# Kinds of rules; a further rule's kind is its name.
PRODUCTION, TEST = "production", "test"


@dataclass(frozen=True)
class FurtherRule:
    """A production rule beside the first one: other requests, the same target groups and weights. Priority 0: not chosen yet."""

    name: str
    conditions: Conditions
    priority: int = 0


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
    # Login and stickiness by kind of rule; further rules have those of the production rule.
    options: Mapping[str, RuleOptions] = field(default_factory=dict)
    further: tuple[FurtherRule, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The test rule first, since it is evaluated first."""
        return (TEST, PRODUCTION, *(rule.name for rule in self.further))

    def conditions_of(self, kind: str) -> Conditions:
        if kind == TEST:
            return self.conditions.under_test(self.test_value, self.test_source_ips)
        return next((rule.conditions for rule in self.further if rule.name == kind), self.conditions)

    def options_of(self, kind: str) -> RuleOptions:
        return self.options.get(kind if kind == TEST else PRODUCTION, RuleOptions())

    def priority_of(self, kind: str) -> int:
        """The test rule must come first: the production rule matches the same requests too."""
        if kind == TEST:
            return self.priority - 1
        return next((rule.priority for rule in self.further if rule.name == kind), self.priority)

    def first_weights(self, kind: str, rules: Sequence[Rule] = ()) -> dict[str, int]:
        """Blue is live first, so green is the candidate. A rule that joins others gets their weights."""
        if kind == TEST:
            return {self.blue: 0, self.green: 100}
        known = production_rules(rules, self.blue, self.green)
        found = known[0].weights if known else {self.blue: 100}
        return {arn: found.get(arn, 0) for arn in (self.blue, self.green)}


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


def is_own(rule: Rule, blue: str, green: str) -> bool:
    """A service's rule forwards to its target groups and to nothing else."""
    return bool(rule.weights) and set(rule.weights) <= {blue, green}


def production_rules(rules: Sequence[Rule], blue: str, green: str) -> list[Rule]:
    """The rules that share the production traffic's weights, the first one first: it has no name, is of our making, or else has the
    smallest priority.

    A rule beside it that forwards to one colour alone, such as for debugging, takes no part in releases.
    """
    ours = [rule for rule in rules if is_own(rule, blue, green) and rule.conditions.test_value is None]
    ordered = sorted(ours, key=lambda rule: (len(rule.weights) < 2, bool(rule.name), not rule.marked, rule.priority))
    return ordered[:1] + [rule for rule in ordered[1:] if len(rule.weights) == 2]


def find_rule(rules: Sequence[Rule], kind: str, blue: str, green: str) -> Rule | None:
    """Return the service's rule of this kind."""
    if kind == PRODUCTION:
        unnamed = [rule for rule in rules if not rule.name]
        return next(iter(production_rules(unnamed, blue, green)), None)
    ours = [rule for rule in rules if is_own(rule, blue, green)]
    if kind == TEST:
        ours = [rule for rule in ours if rule.conditions.test_value is not None]
    else:
        ours = [rule for rule in ours if rule.name == kind and rule.conditions.test_value is None]
    return min(ours, key=lambda rule: rule.priority) if ours else None


def surplus(rules: Sequence[Rule], desired: DesiredRules) -> list[Rule]:
    """Further rules that were made for a name that is not wanted any more. What has no name of ours stays."""
    return [
        rule
        for rule in rules
        if rule.name and rule.name not in desired.kinds and is_own(rule, desired.blue, desired.green)
    ]


def test_value(current: Rule | None, secret: bool, new: Callable[[], str]) -> str:
    """The value that the test rule should want. A secret is kept: whoever was told it goes on using it."""
    if not secret:
        return TEST_VALUE
    known = current.conditions.test_value if current else None
    return known if known not in (None, TEST_VALUE) else new()


def plan(rules: Sequence[Rule], desired: DesiredRules) -> list[RuleChange]:
    """Return a change per rule, even an empty one."""
    return [_change(find_rule(rules, kind, desired.blue, desired.green), kind, desired) for kind in desired.kinds]


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
