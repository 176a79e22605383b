# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Elastic Load Balancing: one function per call. Rules, target groups and targets are returned as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import rule_actions, rule_conditions
from .elbv2_states import (
    DEFAULT_PRIORITY,
    Conditions,
    HealthCheck,
    LoadBalancerSettings,
    Rule,
    TargetGroup,
    TargetState,
)
from .errors import aws_call, is_code
from .session import Aws
from .tags import tag_list, tags_of

_RULES = "rules-per-application-load-balancer"
_ATTRIBUTES = {
    "deregistration_delay_seconds": "deregistration_delay.timeout_seconds",
    "stickiness": "stickiness.enabled",
    "stickiness_type": "stickiness.type",
    "stickiness_seconds": "stickiness.lb_cookie.duration_seconds",
    "algorithm": "load_balancing.algorithm.type",
    "slow_start_seconds": "slow_start.duration_seconds",
    # Of network load balancers.
    "preserve_client_ip": "preserve_client_ip.enabled",
    "proxy_protocol": "proxy_protocol_v2.enabled",
    "cross_zone": "load_balancing.cross_zone.enabled",
}
# Only these have a version of their protocol.
_OF_REQUESTS = ("HTTP", "HTTPS")


@aws_call("read load balancer {name}")
def load_balancer(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("elbv2")
    try:
        return client.describe_load_balancers(Names=[name])["LoadBalancers"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "LoadBalancerNotFound"):
            return None
        raise


@aws_call("read load balancer {arn}")
def load_balancer_of_arn(aws: Aws, arn: str) -> dict[str, Any] | None:
    client = aws.client("elbv2")
    try:
        return client.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "LoadBalancerNotFound"):
            return None
        raise


@aws_call("read the load balancers whose names begin with {prefix}")
def load_balancers(aws: Aws, prefix: str) -> list[dict[str, Any]]:
    pages = aws.client("elbv2").get_paginator("describe_load_balancers").paginate()
    found = [balancer for page in pages for balancer in page["LoadBalancers"]]
    return [balancer for balancer in found if balancer["LoadBalancerName"].startswith(prefix)]


@aws_call("create load balancer {name}")
def create_load_balancer(
    aws: Aws, name: str, settings: LoadBalancerSettings, tags: Mapping[str, str]
) -> dict[str, Any]:
    return aws.client("elbv2").create_load_balancer(
        Name=name,
        Type=settings.type,
        Scheme=settings.scheme,
        IpAddressType=settings.address_type,
        Subnets=list(settings.subnet_ids),
        SecurityGroups=list(settings.security_group_ids),
        **_tagged(tags),
    )["LoadBalancers"][0]


@aws_call("delete load balancer {arn}")
def delete_load_balancer(aws: Aws, arn: str) -> None:
    aws.client("elbv2").delete_load_balancer(LoadBalancerArn=arn)


@aws_call("read the attributes of load balancer {arn}")
def load_balancer_attributes(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {attribute["Key"]: attribute["Value"] for attribute in found}


@aws_call("change the attributes of load balancer {arn}")
def set_load_balancer_attributes(aws: Aws, arn: str, attributes: Mapping[str, str]) -> None:
    aws.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=tag_list(attributes))


@aws_call("change the subnets of load balancer {arn}")
def set_subnets(aws: Aws, arn: str, subnets: Sequence[str]) -> None:
    aws.client("elbv2").set_subnets(LoadBalancerArn=arn, Subnets=list(subnets))


@aws_call("change the security groups of load balancer {arn}")
def set_security_groups(aws: Aws, arn: str, groups: Sequence[str]) -> None:
    aws.client("elbv2").set_security_groups(LoadBalancerArn=arn, SecurityGroups=list(groups))


@aws_call("change the address type of load balancer {arn}")
def set_address_type(aws: Aws, arn: str, address_type: str) -> None:
    aws.client("elbv2").set_ip_address_type(LoadBalancerArn=arn, IpAddressType=address_type)


@aws_call("read the listeners of {load_balancer_arn}")
def listeners(aws: Aws, load_balancer_arn: str) -> list[dict[str, Any]]:
    pages = aws.client("elbv2").get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer_arn)
    return [listener for page in pages for listener in page["Listeners"]]


@aws_call("read the certificates of listener {arn}")
def listener_certificates(aws: Aws, arn: str) -> list[dict[str, Any]]:
    """The default certificate and those for further hosts."""
    pages = aws.client("elbv2").get_paginator("describe_listener_certificates").paginate(ListenerArn=arn)
    return [certificate for page in pages for certificate in page["Certificates"]]


@aws_call("read listener {arn}")
def listener(aws: Aws, arn: str) -> dict[str, Any]:
    return aws.client("elbv2").describe_listeners(ListenerArns=[arn])["Listeners"][0]


@aws_call("create a listener of load balancer {arn}")
def create_listener(aws: Aws, arn: str, settings: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """`settings` as CreateListener takes them: Protocol, Port, DefaultActions, and for HTTPS SslPolicy and Certificates."""
    return aws.client("elbv2").create_listener(LoadBalancerArn=arn, **_tagged(tags), **settings)["Listeners"][0]


@aws_call("change listener {arn}")
def modify_listener(aws: Aws, arn: str, settings: Mapping[str, Any]) -> None:
    aws.client("elbv2").modify_listener(ListenerArn=arn, **settings)


@aws_call("delete listener {arn}")
def delete_listener(aws: Aws, arn: str) -> None:
    aws.client("elbv2").delete_listener(ListenerArn=arn)


@aws_call("read the rules of listener {listener_arn}")
def rules(aws: Aws, listener_arn: str) -> list[Rule]:
    """The listener's rules except the default rule, by priority."""
    pages = aws.client("elbv2").get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
    found = [_rule(raw) for page in pages for raw in page["Rules"] if not raw["IsDefault"]]
    return sorted(found, key=lambda rule: rule.priority)


@aws_call("read rules {arns}")
def rules_by_arn(aws: Aws, arns: Sequence[str]) -> list[Rule] | None:
    """These rules in this order, by one call; None where one of them is not there any more."""
    try:
        found = aws.client("elbv2").describe_rules(RuleArns=list(arns))["Rules"]
    except aws.client("elbv2").exceptions.ClientError as cause:
        if is_code(cause, "RuleNotFound"):
            return None
        raise
    by_arn = {raw["RuleArn"]: _rule(raw) for raw in found}
    return [by_arn[arn] for arn in arns]


@aws_call("read rule {rule_arn}")
def rule(aws: Aws, rule_arn: str) -> Rule:
    return _rule(aws.client("elbv2").describe_rules(RuleArns=[rule_arn])["Rules"][0])


@aws_call("read listener {listener_arn}")
def default_action(aws: Aws, listener_arn: str) -> Rule:
    """The default action of a network load balancer's listener, by the listener's ARN: there its weights are changed."""
    return _default_action(aws.client("elbv2").describe_listeners(ListenerArns=[listener_arn])["Listeners"][0])


@aws_call("read the quotas of load balancing (elasticloadbalancing:DescribeAccountLimits)")
def rules_allowed(aws: Aws) -> int | None:
    """How many rules the account's load balancers may have each, default rules not counted; None where AWS does not say."""
    pages = aws.client("elbv2").get_paginator("describe_account_limits").paginate()
    found = {limit["Name"]: limit["Max"] for page in pages for limit in page["Limits"]}
    return int(found[_RULES]) if _RULES in found else None


@aws_call("create the rule with priority {priority}")
def create_rule(
    aws: Aws,
    listener_arn: str,
    priority: int,
    conditions: Conditions,
    actions: Sequence[Mapping[str, Any]],
    tags: Mapping[str, str],
) -> Rule:
    """`actions` are those of rule_actions."""
    answer = aws.client("elbv2").create_rule(
        ListenerArn=listener_arn,
        Priority=priority,
        Conditions=rule_conditions.written(conditions),
        Actions=list(actions),
        **_tagged(tags),
    )
    return _rule(answer["Rules"][0])


@aws_call("change the conditions of rule {rule_arn}")
def set_conditions(aws: Aws, rule_arn: str, conditions: Conditions) -> None:
    """ELB leaves actions unchanged that are not given, so the weights stay."""
    aws.client("elbv2").modify_rule(RuleArn=rule_arn, Conditions=rule_conditions.written(conditions))


@aws_call("set the weights of rule {rule.arn}")
def set_weights(aws: Aws, rule: Rule, weights: Mapping[str, int]) -> Rule:
    """Weights by target group ARN. ModifyRule replaces all actions, so the rule's others and its stickiness are sent again."""
    actions = rule_actions.with_weights(rule.actions, weights)
    return _rule(aws.client("elbv2").modify_rule(RuleArn=rule.arn, Actions=actions)["Rules"][0])


@aws_call("set the weights of listener {listener.arn}")
def set_default_weights(aws: Aws, listener: Rule, weights: Mapping[str, int]) -> Rule:
    """As set_weights, of a network load balancer's listener. Whether its clients stay with a target group is sent only if ELB said it."""
    actions = rule_actions.with_weights(listener.actions, weights, unless_said=None)
    answer = aws.client("elbv2").modify_listener(ListenerArn=listener.arn, DefaultActions=actions)
    return _default_action(answer["Listeners"][0])


@aws_call("set the login and the stickiness of rule {rule_arn}")
def set_actions(aws: Aws, rule_arn: str, actions: Sequence[Mapping[str, Any]]) -> Rule:
    return _rule(aws.client("elbv2").modify_rule(RuleArn=rule_arn, Actions=list(actions))["Rules"][0])


@aws_call("delete rule {rule_arn}")
def delete_rule(aws: Aws, rule_arn: str) -> None:
    aws.client("elbv2").delete_rule(RuleArn=rule_arn)


@aws_call("set the priorities of the rules")
def set_priorities(aws: Aws, priorities: Mapping[str, int]) -> None:
    """Priorities by rule ARN, all in one call, so that two rules can swap."""
    aws.client("elbv2").set_rule_priorities(
        RulePriorities=[{"RuleArn": arn, "Priority": priority} for arn, priority in priorities.items()]
    )


@aws_call("read the target groups")
def target_groups(aws: Aws, names: Sequence[str]) -> dict[str, TargetGroup]:
    """Target groups by name; one that does not exist is missing."""
    client = aws.client("elbv2")
    try:
        found = client.describe_target_groups(Names=list(names))["TargetGroups"]
    except client.exceptions.TargetGroupNotFoundException:
        # One missing name fails the whole call, so each name is read alone.
        return (
            {}
            if len(names) == 1
            else {key: group for name in names for key, group in target_groups(aws, [name]).items()}
        )
    return {raw["TargetGroupName"]: _target_group(raw) for raw in found}


@aws_call("read the target groups")
def target_groups_by_arn(aws: Aws, arns: Sequence[str]) -> dict[str, TargetGroup]:
    """In parts: an answer has one page of target groups at most."""
    client = aws.client("elbv2")
    parts = [list(arns[start : start + 20]) for start in range(0, len(arns), 20)]
    found = [raw for part in parts for raw in client.describe_target_groups(TargetGroupArns=part)["TargetGroups"]]
    return {raw["TargetGroupArn"]: _target_group(raw) for raw in found}


@aws_call("read the target groups of {load_balancer_arn}")
def load_balancer_target_groups(aws: Aws, load_balancer_arn: str) -> dict[str, str]:
    """ARNs by name, of the target groups that the load balancer's rules refer to."""
    client = aws.client("elbv2")
    pages = client.get_paginator("describe_target_groups").paginate(LoadBalancerArn=load_balancer_arn)
    try:
        return {group["TargetGroupName"]: group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]}
    except client.exceptions.ClientError as cause:
        # Answered for a load balancer without target groups.
        if is_code(cause, "TargetGroupNotFound"):
            return {}
        raise


@aws_call("read the target groups whose names begin with {prefix}")
def target_group_arns(aws: Aws, prefix: str) -> list[str]:
    pages = aws.client("elbv2").get_paginator("describe_target_groups").paginate()
    groups = [group for page in pages for group in page["TargetGroups"]]
    return [group["TargetGroupArn"] for group in groups if group["TargetGroupName"].startswith(prefix)]


@aws_call("delete target group {arn}")
def delete_target_group(aws: Aws, arn: str) -> None:
    aws.client("elbv2").delete_target_group(TargetGroupArn=arn)


@aws_call("read the attributes of target group {arn}")
def target_group_attributes(aws: Aws, arn: str) -> dict[str, Any]:
    """The attributes that the collection sets, by their option names."""
    raw = aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    values = {attribute["Key"]: attribute["Value"] for attribute in raw}
    return {name: _typed(values[key]) for name, key in _ATTRIBUTES.items() if key in values}


@aws_call("create target group {name}")
def create_target_group(
    aws: Aws, name: str, settings: TargetGroup, health_check: HealthCheck, tags: Mapping[str, str]
) -> TargetGroup:
    answer = aws.client("elbv2").create_target_group(
        Name=name,
        Protocol=settings.protocol,
        Port=settings.port,
        VpcId=settings.vpc_id,
        TargetType="ip",
        **({"ProtocolVersion": settings.protocol_version} if settings.protocol in _OF_REQUESTS else {}),
        **_health_check(health_check),
        **_tagged(tags),
    )
    return _target_group(answer["TargetGroups"][0])


@aws_call("change the health check of target group {arn}")
def set_health_check(aws: Aws, arn: str, health_check: HealthCheck) -> None:
    aws.client("elbv2").modify_target_group(TargetGroupArn=arn, **_health_check(health_check))


@aws_call("change the attributes of target group {arn}")
def set_target_group_attributes(aws: Aws, arn: str, attributes: Mapping[str, Any]) -> None:
    aws.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=arn,
        Attributes=[{"Key": _ATTRIBUTES[name], "Value": str(value).lower()} for name, value in attributes.items()],
    )


@aws_call("read the health of the targets of {arn}")
def target_health(aws: Aws, arn: str) -> tuple[TargetState, ...]:
    answer = aws.client("elbv2").describe_target_health(TargetGroupArn=arn)
    return tuple(
        TargetState(
            address=target["Target"]["Id"],
            port=target["Target"].get("Port", 0),
            state=target["TargetHealth"]["State"],
            reason=target["TargetHealth"].get("Reason", ""),
            description=target["TargetHealth"].get("Description", ""),
        )
        for target in answer["TargetHealthDescriptions"]
    )


@aws_call("read the tags of load balancing resources")
def tags(aws: Aws, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Tags by ARN; DescribeTags takes 20 resources at a time."""
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(arns), 20):
        answer = aws.client("elbv2").describe_tags(ResourceArns=list(arns[start : start + 20]))
        found |= {description["ResourceArn"]: tags_of(description) for description in answer["TagDescriptions"]}
    return found


@aws_call("tag load balancing resources")
def add_tags(aws: Aws, arns: Sequence[str], desired: Mapping[str, str]) -> None:
    aws.client("elbv2").add_tags(ResourceArns=list(arns), Tags=tag_list(desired))


@aws_call("untag load balancing resources")
def remove_tags(aws: Aws, arns: Sequence[str], keys: list[str]) -> None:
    aws.client("elbv2").remove_tags(ResourceArns=list(arns), TagKeys=keys)


def _tagged(tags: Mapping[str, str]) -> dict[str, Any]:
    """ELB refuses an empty list of tags."""
    return {"Tags": tag_list(tags)} if tags else {}


def _rule(raw: Mapping[str, Any]) -> Rule:
    priority = DEFAULT_PRIORITY if raw.get("IsDefault") else int(raw["Priority"])
    conditions = rule_conditions.read(raw["Conditions"])
    return Rule(raw["RuleArn"], priority, conditions, rule_actions.weights(raw["Actions"]), tuple(raw["Actions"]))


def _default_action(raw: Mapping[str, Any]) -> Rule:
    actions = tuple(raw["DefaultActions"])
    return Rule(raw["ListenerArn"], DEFAULT_PRIORITY, Conditions(), rule_actions.weights(actions), actions)


def _target_group(raw: Mapping[str, Any]) -> TargetGroup:
    checked_by = raw.get("HealthCheckProtocol", "HTTP")
    is_request = checked_by != "TCP"
    return TargetGroup(
        name=raw["TargetGroupName"],
        arn=raw["TargetGroupArn"],
        vpc_id=raw.get("VpcId", ""),
        port=raw.get("Port", 0),
        protocol=raw["Protocol"],
        protocol_version=raw.get("ProtocolVersion", "HTTP1"),
        target_type=raw["TargetType"],
        health_check=HealthCheck(
            path=raw.get("HealthCheckPath", "/") if is_request else "",
            matcher=_matcher(raw.get("Matcher", {})) if is_request else "",
            interval_seconds=raw["HealthCheckIntervalSeconds"],
            timeout_seconds=raw["HealthCheckTimeoutSeconds"],
            healthy_threshold=raw["HealthyThresholdCount"],
            unhealthy_threshold=raw["UnhealthyThresholdCount"],
            port=raw.get("HealthCheckPort", "traffic-port"),
            protocol=checked_by,
        ),
        load_balancer_arns=tuple(raw.get("LoadBalancerArns", [])),
    )


def _matcher(raw: Mapping[str, Any]) -> str:
    return raw.get("HttpCode") or raw.get("GrpcCode") or "200"


def _health_check(check: HealthCheck) -> dict[str, Any]:
    request = {
        "HealthCheckPath": check.path,
        "Matcher": {"GrpcCode" if check.grpc else "HttpCode": check.matcher},
    }
    return {
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        **(request if check.path else {}),
        "HealthCheckIntervalSeconds": check.interval_seconds,
        "HealthCheckTimeoutSeconds": check.timeout_seconds,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
    }


def _typed(value: str) -> bool | int | str:
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if value.isdigit() else value
