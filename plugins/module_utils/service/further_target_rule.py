# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule that leads to a further target group: which one it is, its priority, and what it would take from others. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..aws.elbv2_states import Conditions, Rule
from .rule_match import shadowed
from .rule_priorities import first_that_fits, free_priorities


@dataclass(frozen=True)
class DesiredRule:
    """Priority 0: not chosen yet. `where` is its variable in the inventory."""

    target_group: str
    conditions: Conditions
    priority: int
    where: str


def is_own(rule: Rule, target_group: str) -> bool:
    """It forwards to this target group and to nothing else."""
    return set(rule.weights) == {target_group}


def find(rules: Sequence[Rule], target_group: str) -> Rule | None:
    return min((rule for rule in rules if is_own(rule, target_group)), key=lambda rule: rule.priority, default=None)


def with_priority(rules: Sequence[Rule], desired: DesiredRule) -> DesiredRule:
    """The priority that the inventory names, or else the one that it has, or the first that is free and fits."""
    if desired.priority:
        return desired
    existing = find(rules, desired.target_group)
    if existing is not None:
        return replace(desired, priority=existing.priority)
    number = first_that_fits(
        desired.conditions.hosts,
        {rule.priority for rule in rules},
        lambda number: {number},
        lambda number: not list(_shadows(rules, replace(desired, priority=number))),
    )
    return replace(desired, priority=number)


def conflicts(rules: Sequence[Rule], desired: DesiredRule) -> list[str]:
    """A sentence for a priority that another rule holds, and for each rule that would leave another one nothing."""
    taken = [
        f"{desired.where}.priority {desired.priority} is taken by the rule of {rule.owner} ({rule.conditions}); free priorities: "
        f"{free_priorities(rules)}"
        for rule in rules
        if rule.priority == desired.priority and not is_own(rule, desired.target_group)
    ]
    return [*_shadows(rules, desired), *taken]


def _shadows(rules: Sequence[Rule], desired: DesiredRule) -> Iterator[str]:
    own = Rule("", desired.priority, desired.conditions, {desired.target_group: 1})
    for rule in rules:
        if is_own(rule, desired.target_group):
            continue
        if lost := shadowed(rule, desired.conditions, desired.priority):
            yield (
                f"the rule of {rule.owner} ({rule.conditions}) has priority {rule.priority} and so answers every request for {lost} before "
                f"the rule of {desired.where} (priority {desired.priority}): give them different hosts or paths, or this one "
                "a smaller priority"
            )
        if rule.weights and (taken := shadowed(own, rule.conditions, rule.priority)):
            yield (
                f"with priority {desired.priority} the rule of {desired.where} ({desired.conditions}) would answer every request for "
                f"{taken} before the rule of {rule.owner} (priority {rule.priority}): give this one a larger priority, or narrower hosts "
                "or paths"
            )
