# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others put into a network or behind a load balancer of ours: it keeps both, and is found before anything is removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..aws import ec2, elbv2
from ..aws.naming import TAG_ENVIRONMENT
from ..aws.session import Aws
from .teardown_order import Resource


def behind(aws: Aws, load_balancer_arn: str, environment: str) -> str:
    """Why a load balancer of this environment has to stay; empty where no rule of it leads to target groups of others."""
    groups = elbv2.load_balancer_target_groups(aws, load_balancer_arn)
    tags = elbv2.tags(aws, list(groups.values())) if groups else {}
    others = sorted(name for name, arn in groups.items() if tags.get(arn, {}).get(TAG_ENVIRONMENT) != environment)
    return (
        f"target groups of others get requests from it: {', '.join(others)}; remove their rules first" if others else ""
    )


def guarded(aws: Aws, found: Sequence[Resource]) -> list[Resource]:
    """The same resources, the VPC with the reason why it has to stay where others stand in it.

    AWS would refuse to delete the VPC alone, at the end: gateways, routes and endpoints, which they use too, would be gone by then.
    """
    if not any(resource.kind == "VPC" for resource in found):
        return list(found)
    return [
        replace(resource, protected=_inside(aws, resource.id, found)) if resource.kind == "VPC" else resource
        for resource in found
    ]


def _inside(aws: Aws, vpc_id: str, found: Sequence[Resource]) -> str:
    groups = {resource.id for resource in found if resource.kind == "security group"}
    own = set(_own_interfaces(found))
    others = sorted(
        f"{interface['NetworkInterfaceId']} ({interface.get('Description') or interface.get('InterfaceType')})"
        for interface in ec2.network_interfaces(aws, vpc_id)
        if interface["NetworkInterfaceId"] not in own
        # One of ours that is going already is not listed any more.
        and interface.get("InterfaceType") != "nat_gateway"
        and not groups & {group["GroupId"] for group in interface.get("Groups", [])}
    )
    return (
        f"network interfaces of others are in it: {', '.join(others)}; remove what they belong to first"
        if others
        else ""
    )


def _own_interfaces(found: Sequence[Resource]) -> Iterator[str]:
    for resource in found:
        detail: Mapping[str, Any] = resource.detail if isinstance(resource.detail, Mapping) else {}
        if resource.kind == "NAT gateway":
            yield from (address.get("NetworkInterfaceId", "") for address in detail.get("NatGatewayAddresses", []))
        elif resource.kind == "endpoint":
            yield from detail.get("NetworkInterfaceIds", [])
