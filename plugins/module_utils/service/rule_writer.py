# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the rules of a service: conditions, priority, login and stickiness. Weights only where a rule is made or completed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from ..aws import elbv2, rule_actions, secretsmanager
from ..aws.elbv2_states import Rule
from ..aws.errors import AwsError, Failure
from ..aws.naming import TAG_LOGIN_SECRET, TAG_RULE
from ..aws.rule_actions import RuleOptions
from ..common.changes import Changes
from ..common.invocation import Invocation
from . import login
from .routing import PRODUCTION, TEST, DesiredRules, RuleChange, find_rule, plan, surplus
from .rule_names import with_names

Desired: TypeAlias = Callable[[Sequence[Rule]], DesiredRules]
# Services of one run that look for a free priority at once find the same; each round one of them has got it.
_ROUNDS = 50


def write(call: Invocation, changes: Changes, found: Sequence[Rule], desired: Desired) -> dict[str, Rule | None]:
    """The rules by their kind. A priority that another run took meanwhile is looked for again, unless the inventory names it."""
    rules = found
    for _round in range(_ROUNDS - 1):
        try:
            return _rules(call, changes, rules, desired(rules))
        except AwsError as failed:
            if failed.code != "PriorityInUse" or _names_all_priorities(call):
                raise
            known = desired(rules)
            rules = with_names(call.aws, elbv2.rules(call.aws, call.params["listener_arn"]), known.blue, known.green)
            call.progress.line("a priority was taken meanwhile: looking for another one")
    return _rules(call, changes, rules, desired(rules))


def _rules(call: Invocation, changes: Changes, found: Sequence[Rule], desired: DesiredRules) -> dict[str, Rule | None]:
    for rule in surplus(found, desired):
        what = f"{rule.name} rule"
        changes.want(what, str(rule.conditions), "absent", partial(elbv2.delete_rule, call.aws, rule.arn))
    planned = plan(found, desired)
    moved = {change.rule.arn: desired.priority_of(change.kind) for change in planned if change.rule and change.priority}
    if moved:
        before = {change.rule.arn: change.rule.priority for change in planned if change.rule and change.priority}
        changes.want("rule priorities", before, moved, partial(elbv2.set_priorities, call.aws, moved))
    production = find_rule(found, PRODUCTION, desired.blue, desired.green)
    return {change.kind: _rule(call, changes, desired, change, production) for change in planned}


def _names_all_priorities(call: Invocation) -> bool:
    further = call.params.get("further_rules") or []
    return bool(call.params.get("priority")) and all(rule.get("priority") for rule in further)


def _rule(
    call: Invocation, changes: Changes, desired: DesiredRules, change: RuleChange, production: Rule | None
) -> Rule | None:
    conditions = desired.conditions_of(change.kind)
    if change.rule is None:
        return _new(call, changes, desired, change.kind, production)
    rule = change.rule
    if change.conditions:
        changes.want(
            f"conditions of the {change.kind} rule",
            str(rule.conditions),
            str(conditions),
            lambda: elbv2.set_conditions(call.aws, rule.arn, conditions),
        )
    if change.weights is not None:
        joined = change.weights
        changes.want(
            f"target groups of the {change.kind} rule",
            _shares(rule.weights),
            _shares(joined),
            lambda: elbv2.set_weights(call.aws, rule, joined),
        )
    _options(call, changes, desired, change)
    return rule


def _new(call: Invocation, changes: Changes, desired: DesiredRules, kind: str, production: Rule | None) -> Rule | None:
    conditions, priority = desired.conditions_of(kind), desired.priority_of(kind)
    joined = _joined(call, kind, production)
    first = desired.first_weights(kind, joined)
    options, secret = desired.options_of(kind), _Secret(call)
    _refuse_unknown_secret(call, kind, options, joined)
    changes.want(f"{kind} rule", None, f"priority {priority}: {conditions} → {_shares(first)}", lambda: None)
    if call.check_mode:
        return None
    # What others put into the production rule, such as a login, holds for every production rule.
    others = joined[0].actions if joined else ()
    actions = rule_actions.with_options(
        rule_actions.with_weights(others, first), options, secret.text() if options.needs_client_secret else None
    )
    tags = {**call.params["tags"], **({TAG_LOGIN_SECRET: secret.version()} if options.needs_client_secret else {})}
    if kind not in (PRODUCTION, TEST):
        tags[TAG_RULE] = kind
    rule = elbv2.create_rule(call.aws, call.params["listener_arn"], priority, conditions, actions, tags)
    call.progress.line(f"{kind} rule created with priority {priority}: {conditions}")
    return rule


def _joined(call: Invocation, kind: str, production: Rule | None) -> list[Rule]:
    """The production rule as it is now, whose weights a further rule begins with: never while they move."""
    if kind in (PRODUCTION, TEST) or production is None:
        return []
    fresh = elbv2.rule(call.aws, production.arn)
    if _is_split(fresh) and not call.check_mode:
        raise Failure(
            f"Service {call.params['service']}: a release is shifting its traffic, and the {kind} rule can't join while the weights move. "
            "Run this again once the release has ended."
        )
    return [fresh]


def _refuse_unknown_secret(call: Invocation, kind: str, options: RuleOptions, joined: Sequence[Rule]) -> None:
    """A rule without the login of the others would lead around it, and ELB answers no client secret to give it."""
    logins = rule_actions.logins(joined[0].actions) if joined and options.logins is None else ()
    if any(login.kind == "authenticate-oidc" for login in logins):
        raise Failure(
            f"Service {call.params['service']}: its production rule has a login by OIDC that the inventory does not name, and the {kind} "
            "rule would lead around it. Name the login in service_login, with its client secret."
        )


def _is_split(rule: Rule) -> bool:
    return len([weight for weight in rule.weights.values() if weight]) > 1


def _options(call: Invocation, changes: Changes, desired: DesiredRules, change: RuleChange) -> None:
    """Login and stickiness. ModifyRule takes the weights along, so they are read right before, and never while they move."""
    if change.rule is None:
        return
    arn, options, secret = change.rule.arn, desired.options_of(change.kind), _Secret(call)
    differ = dict(change.options)
    by_oidc = options.needs_client_secret
    version = secret.version() if by_oidc else ""
    known = elbv2.tags(call.aws, [arn])[arn].get(TAG_LOGIN_SECRET, "") if by_oidc else ""
    if version != known:
        differ["client secret of the login"] = (f"version {known or 'unknown'}", f"version {version}")
    if not differ:
        return

    def apply() -> None:
        fresh = elbv2.rule(call.aws, arn)
        if _is_split(fresh):
            raise Failure(
                f"Service {call.params['service']}: a release is shifting its traffic, and {' and '.join(differ)} of the {change.kind} "
                "rule can't be written without its weights. Run this again once the release has ended."
            )
        given = secret.text() if by_oidc and ("login" in differ or version != known) else None
        elbv2.set_actions(call.aws, arn, rule_actions.with_options(fresh.actions, options, given))
        if version != known:
            elbv2.add_tags(call.aws, [arn], {TAG_LOGIN_SECRET: version})

    changes.want(
        f"options of the {change.kind} rule",
        {name: before for name, (before, _after) in differ.items()},
        {name: after for name, (_before, after) in differ.items()},
        apply,
    )


class _Secret:
    """The client secret of a login by OIDC. Its value is read only where ELB has to be given it."""

    def __init__(self, call: Invocation) -> None:
        self._aws = call.aws
        self._oidc: Mapping[str, Any] = (call.params.get("login") or {}).get("oidc") or {}

    def version(self) -> str:
        return secretsmanager.current_version(self._aws, self._oidc["client_secret_arn"])

    def text(self) -> str:
        arn = self._oidc["client_secret_arn"]
        return login.client_secret(
            secretsmanager.text(self._aws, arn, self.version()), self._oidc.get("client_secret_key")
        )


def _shares(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{arn.split('/')[1] if '/' in arn else arn} {weight}" for arn, weight in weights.items())
