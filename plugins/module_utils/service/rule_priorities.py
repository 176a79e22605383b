# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Priorities of a service's rules: which are free, which fit, and where a rule leaves another one nothing. Pure."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ..aws.elbv2_states import Rule
from .routing import PRODUCTION, TEST, DesiredRules, find_rule, is_own, surplus
from .rule_match import shadowed

# Where the search for a free priority begins. A rule for every host comes after those for one, or it would leave them nothing.
_FIRST_OF_A_HOST, _FIRST_OF_EVERY_HOST, _LAST = 1000, 30000, 50000


def conflicts(rules: Sequence[Rule], desired: DesiredRules) -> list[str]:
    """Return a sentence for each priority that another rule holds already, and for each rule that leaves another one nothing."""
    found = shadows(rules, desired)
    moved = _moved(rules, desired)
    for kind in desired.kinds:
        priority = desired.priority_of(kind)
        found += [
            f"priority {priority} of the {kind} rule is taken by the rule of {rule.owner} ({rule.conditions}); free priorities: "
            f"{free_priorities(rules)}"
            for rule in rules
            if rule.priority == priority and rule.arn not in moved
        ]
    return found


def _moved(rules: Sequence[Rule], desired: DesiredRules) -> set[str]:
    """Rules that this run gives their priorities, or removes."""
    kept = (find_rule(rules, kind, desired.blue, desired.green) for kind in desired.kinds)
    return {rule.arn for rule in [*kept, *surplus(rules, desired)] if rule}


def shadows(rules: Sequence[Rule], desired: DesiredRules) -> list[str]:
    """Return a sentence for each rule of another service that leaves this one nothing, and for each that this one leaves nothing."""
    others = [rule for rule in rules if not is_own(rule, desired.blue, desired.green)]
    return [*_taken_by_others(others, desired), *_taken_from_others(others, desired), *_taken_from_test(desired)]


def _taken_by_others(others: Sequence[Rule], desired: DesiredRules) -> Iterator[str]:
    for rule in others:
        # The test rule is left nothing where the production rule is: that is told once.
        for which in _told_once(desired, rule):
            taken = shadowed(rule, desired.conditions_of(which), desired.priority_of(which))
            yield (
                f"the rule of {rule.owner} ({rule.conditions}) has priority {rule.priority} and so answers every request for "
                f"{taken} before the {which} rule of this service (priority {desired.priority_of(which)}): give them different "
                f"{_hosts(which)} or {_paths(which)}, or this one a smaller {_priority(which)}"
            )


def _told_once(desired: DesiredRules, rule: Rule) -> list[str]:
    taken = [
        kind
        for kind in (PRODUCTION, TEST, *desired.kinds[2:])
        if shadowed(rule, desired.conditions_of(kind), desired.priority_of(kind))
    ]
    return [kind for kind in taken if kind != TEST or PRODUCTION not in taken]


def _taken_from_others(others: Sequence[Rule], desired: DesiredRules) -> Iterator[str]:
    """What the production rules would take: the test rule takes no more."""
    for kind in desired.kinds[1:]:
        own = _as_rule(desired, kind)
        for rule in others:
            taken = shadowed(own, rule.conditions, rule.priority) if rule.weights else ""
            if taken:
                yield (
                    f"with priority {own.priority} this service ({own.conditions}) would answer every request for {taken} before the "
                    f"rule of {rule.owner} (priority {rule.priority}): give this one a larger {_priority(kind)}, or narrower "
                    f"{_hosts(kind)} or {_paths(kind)}"
                )


def _taken_from_test(desired: DesiredRules) -> Iterator[str]:
    """A further rule before the test rule would answer what is meant for the candidate."""
    for rule in desired.further:
        taken = shadowed(_as_rule(desired, rule.name), desired.conditions_of(TEST), desired.priority_of(TEST))
        if rule.priority and taken:
            yield (
                f"with priority {rule.priority} the {rule.name} rule would answer every request for {taken} before the test rule of this "
                f"service (priority {desired.priority_of(TEST)}), so that checks would never reach a candidate: give it a larger "
                f"{_priority(rule.name)}"
            )


def _as_rule(desired: DesiredRules, kind: str) -> Rule:
    return Rule("", desired.priority_of(kind), desired.conditions_of(kind), {desired.blue: 100})


def _hosts(kind: str) -> str:
    return "service_hosts" if kind in (PRODUCTION, TEST) else f"service_further_rules.{kind}.hosts"


def _paths(kind: str) -> str:
    return "service_paths" if kind in (PRODUCTION, TEST) else "paths"


def _priority(kind: str) -> str:
    return "service_priority" if kind in (PRODUCTION, TEST) else "priority"


def with_priorities(rules: Sequence[Rule], desired: DesiredRules) -> DesiredRules:
    """The rules with a priority each: the one that it has already, or else the first that is free and fits.

    One fits if no rule leaves another one nothing. Where none does the first free one is taken, and the conflicts say why.
    """
    if not desired.priority:
        desired = _with_first(rules, desired)
    for rule in desired.further:
        if not rule.priority:
            desired = _with_further(rules, desired, rule.name)
    return desired


def _with_first(rules: Sequence[Rule], desired: DesiredRules) -> DesiredRules:
    existing = find_rule(rules, PRODUCTION, desired.blue, desired.green)
    if existing is not None:
        return replace(desired, priority=existing.priority)
    test = find_rule(rules, TEST, desired.blue, desired.green)
    taken = {rule.priority for rule in rules if rule is not test} | {rule.priority for rule in desired.further}
    number = first_that_fits(
        desired.conditions.hosts,
        taken,
        lambda number: {number, number - 1},
        lambda number: not shadows(rules, replace(desired, priority=number)),
    )
    return replace(desired, priority=number)


def _with_further(rules: Sequence[Rule], desired: DesiredRules, name: str) -> DesiredRules:
    def at(number: int) -> DesiredRules:
        further = tuple(replace(rule, priority=number) if rule.name == name else rule for rule in desired.further)
        return replace(desired, further=further)

    existing = find_rule(rules, name, desired.blue, desired.green)
    if existing is not None:
        return at(existing.priority)
    taken = {rule.priority for rule in rules} | {desired.priority_of(kind) for kind in desired.kinds}
    hosts = desired.conditions_of(name).hosts
    return at(
        first_that_fits(
            hosts, taken, lambda number: {number}, lambda number: not shadows(rules, _alone(at(number), name))
        )
    )


def _alone(desired: DesiredRules, name: str) -> DesiredRules:
    """Without the further rules that have no priority yet."""
    return replace(desired, further=tuple(rule for rule in desired.further if rule.priority or rule.name == name))


def first_that_fits(
    hosts: Sequence[str],
    taken: Collection[int],
    needs: Callable[[int], set[int]],
    fits: Callable[[int], bool],
) -> int:
    first = _FIRST_OF_A_HOST if hosts else _FIRST_OF_EVERY_HOST
    numbers = itertools.chain(range(first, _LAST + 1, 10), range(10, first, 10), range(2, _LAST + 1, 2))
    free = (number for number in numbers if not needs(number) & set(taken))
    first_free = next(free, _LAST)
    candidates = _one_of_each_gap(itertools.chain([first_free], free), sorted(taken))
    return next((number for number in candidates if fits(number)), first_free)


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
