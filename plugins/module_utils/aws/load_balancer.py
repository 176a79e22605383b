# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application load balancer and its listeners: one function per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .elbv2 import tag_list
from .errors import aws_call, is_code
from .session import Aws


@aws_call("create load balancer {name}")
def create(
    aws: Aws,
    name: str,
    scheme: str,
    address_type: str,
    subnets: Sequence[str],
    groups: Sequence[str],
    tags: Mapping[str, str],
) -> dict[str, Any]:
    return aws.client("elbv2").create_load_balancer(
        Name=name,
        Type="application",
        Scheme=scheme,
        IpAddressType=address_type,
        Subnets=list(subnets),
        SecurityGroups=list(groups),
        Tags=tag_list(tags),
    )["LoadBalancers"][0]


@aws_call("read the attributes of load balancer {arn}")
def attributes(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {one["Key"]: one["Value"] for one in found}


@aws_call("change the attributes of load balancer {arn}")
def set_attributes(aws: Aws, arn: str, wanted: Mapping[str, str]) -> None:
    aws.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in sorted(wanted.items())]
    )


@aws_call("change the subnets of load balancer {arn}")
def set_subnets(aws: Aws, arn: str, subnets: Sequence[str]) -> None:
    aws.client("elbv2").set_subnets(LoadBalancerArn=arn, Subnets=list(subnets))


@aws_call("change the security groups of load balancer {arn}")
def set_groups(aws: Aws, arn: str, groups: Sequence[str]) -> None:
    aws.client("elbv2").set_security_groups(LoadBalancerArn=arn, SecurityGroups=list(groups))


@aws_call("change the address type of load balancer {arn}")
def set_address_type(aws: Aws, arn: str, address_type: str) -> None:
    aws.client("elbv2").set_ip_address_type(LoadBalancerArn=arn, IpAddressType=address_type)


@aws_call("create a listener of load balancer {arn}")
def create_listener(aws: Aws, arn: str, wanted: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """`wanted` in ELB's words: Protocol, Port, DefaultActions, and of HTTPS SslPolicy and Certificates."""
    return aws.client("elbv2").create_listener(LoadBalancerArn=arn, Tags=tag_list(tags), **wanted)["Listeners"][0]


@aws_call("change listener {arn}")
def modify_listener(aws: Aws, arn: str, wanted: Mapping[str, Any]) -> None:
    aws.client("elbv2").modify_listener(ListenerArn=arn, **wanted)


@aws_call("read the web ACL of {arn}")
def web_acl(aws: Aws, arn: str) -> str | None:
    """ARN of the WAF's web ACL in front of it; None where it has none."""
    client = aws.client("wafv2")
    try:
        return client.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("ARN")
    except client.exceptions.ClientError as cause:
        if is_code(cause, "WAFNonexistentItemException"):
            return None
        raise


@aws_call("put web ACL {web_acl_arn} in front of {arn}")
def set_web_acl(aws: Aws, arn: str, web_acl_arn: str) -> None:
    """An empty ARN takes away the one that is there."""
    client = aws.client("wafv2")
    if web_acl_arn:
        client.associate_web_acl(WebACLArn=web_acl_arn, ResourceArn=arn)
    else:
        client.disassociate_web_acl(ResourceArn=arn)
