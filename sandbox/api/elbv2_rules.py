"""Elastic Load Balancing: what ELB refuses in a rule and moto takes, and the client secret of a login, which it never answers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.elbv2.models import ELBv2Backend

from ..errors import ApiError
from .overlay import patch
from .state import Sandbox

_VALUES = _WILDCARDS = 5
# Of a load balancer, over all of its listeners, without their default rules. As DescribeAccountLimits answers.
_RULES = 100
_CONFIGS = (
    "HostHeaderConfig",
    "PathPatternConfig",
    "HttpHeaderConfig",
    "HttpRequestMethodConfig",
    "QueryStringConfig",
    "SourceIpConfig",
)
_OIDC = "AuthenticateOidcConfig"


def check_conditions(conditions: Iterable[Mapping[str, Any]]) -> None:
    """Refuse more values, or more signs * and ? in them, than a rule holds."""
    values = [value for condition in conditions for value in _values(condition)]
    if len(values) > _VALUES:
        raise ApiError("ValidationError", f"A rule can only have '{_VALUES}' condition values")
    signs = sum(text.count("*") + text.count("?") for value in values for text in value)
    if signs > _WILDCARDS:
        raise ApiError("ValidationError", f"A rule can only have '{_WILDCARDS}' condition wildcards")


def _values(condition: Mapping[str, Any]) -> list[tuple[str, ...]]:
    found = condition.get("Values") or []
    for config in _CONFIGS:
        found = found or (condition.get(config) or {}).get("Values") or []
    return [tuple(value.values()) if isinstance(value, Mapping) else (str(value),) for value in found]


def keep_secret(actions: Iterable[dict[str, Any]], known: bool) -> None:
    """Take the client secret as given, and forget it: nothing here sends it anywhere."""
    for action in actions:
        config = action.get(_OIDC)
        if config is None:
            continue
        given = config.pop("ClientSecret", None)
        existing = str(config.pop("UseExistingClientSecret", "")).lower() == "true"
        if not given and not (existing and known):
            raise ApiError("ValidationError", "A client secret must be specified for an authenticate-oidc action")


def split_over_groups(actions: Iterable[Mapping[str, Any]]) -> tuple[list[str], bool]:
    """The target groups that a rule splits its requests over, and whether clients stay with one of them."""
    for action in actions:
        config = action.get("ForwardConfig") or {}
        groups = [group["TargetGroupArn"] for group in config.get("TargetGroups") or []]
        if len(groups) > 1:
            sticky = config.get("TargetGroupStickinessConfig") or {}
            return groups, str(sticky.get("Enabled", "")).lower() == "true"
    return [], True


def refuse_too_many(backend: Any, listener_arn: str) -> None:
    for balancer in backend.load_balancers.values():
        if listener_arn not in balancer.listeners:
            continue
        held = [
            rule for listener in balancer.listeners.values() for rule in listener.rules.values() if not rule.is_default
        ]
        if len(held) >= _RULES:
            raise ApiError(
                "TooManyRules", f"The maximum number of rules on load balancer '{balancer.arn}' has been reached"
            )


class RuleCalls:
    """The calls that write rules, and stickiness of target groups."""

    def install(self) -> None:
        patch(ELBv2Backend, "create_rule", ("self", "listener_arn", "conditions", "priority", "actions", "tags"))(
            self._create
        )
        patch(ELBv2Backend, "modify_rule", ("self", "rule_arn", "conditions", "actions"))(self._modify)
        patch(ELBv2Backend, "modify_target_group_attributes", ("self", "target_group_arn", "attributes"))(
            self._attributes
        )

    def _create(self, original: Any, backend: Any, **named: Any) -> Any:
        check_conditions(named["conditions"])
        self._refuse_mixed_stickiness(backend, named["actions"])
        refuse_too_many(backend, named["listener_arn"])
        keep_secret(named["actions"], known=False)
        return original(backend, **named)

    def _modify(self, original: Any, backend: Any, rule_arn: str, conditions: Any, actions: Any) -> Any:
        check_conditions(conditions or [])
        self._refuse_mixed_stickiness(backend, actions or [])
        found = backend.describe_rules(listener_arn=None, rule_arns=[rule_arn])
        known = any(_OIDC in action.data for rule in found for action in rule.actions)
        keep_secret(actions or [], known)
        return original(backend, rule_arn=rule_arn, conditions=conditions, actions=actions)

    def _refuse_mixed_stickiness(self, backend: Any, actions: Iterable[Mapping[str, Any]]) -> None:
        groups, sticky = split_over_groups(actions)
        held = [arn for arn in groups if backend.target_groups[arn].attributes.get("stickiness.enabled") == "true"]
        if held and not sticky:
            raise ApiError(
                "InvalidConfigurationRequest",
                "You must enable group stickiness on a rule if you enabled target stickiness on one of its target groups",
            )

    def _attributes(self, original: Any, backend: Any, target_group_arn: str, attributes: Mapping[str, str]) -> Any:
        if attributes.get("stickiness.enabled") == "true":
            for rule in self._rules(backend):
                groups, sticky = split_over_groups([action.data for action in rule.actions])
                if target_group_arn in groups and not sticky:
                    raise ApiError(
                        "InvalidConfigurationRequest",
                        f"This target group appears behind a rule with group stickiness disabled ({rule.arn}). You must enable group "
                        "stickiness before enabling target stickiness",
                    )
        return original(backend, target_group_arn, attributes)

    def _rules(self, backend: Any) -> list[Any]:
        listeners = [
            listener for balancer in backend.load_balancers.values() for listener in balancer.listeners.values()
        ]
        return [rule for listener in listeners for rule in listener.rules.values()]


def install(sandbox: Sandbox) -> None:
    RuleCalls().install()
