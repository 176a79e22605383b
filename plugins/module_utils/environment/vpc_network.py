# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an environment's network: everything read at once, compared, and what differs put right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from ..aws import ec2
from ..aws.errors import Failure
from ..aws.naming import TAG_COMPONENT, TAG_ENVIRONMENT, EnvironmentNames
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import claim
from . import teardown_find, vpc_parts
from .absent import remove_all
from .teardown_order import Resource
from .vpc_parts import UNKNOWN, Work
from .vpc_settings import groups, network

_ATTRIBUTES = ("enableDnsSupport", "enableDnsHostnames")
# A VPC's own addresses come before anything that is made in it.
_READS = {
    "subnets": ec2.subnets,
    "internet_gateways": ec2.internet_gateways,
    "nat_gateways": ec2.nat_gateways,
    "route_tables": ec2.route_tables,
    "endpoints": ec2.endpoints,
    "security_groups": ec2.security_groups,
    "flow_logs": ec2.flow_logs,
}


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the network; return it. In check mode the ids of what would be made are null."""
    tags = {**call.params["tags"], TAG_ENVIRONMENT: call.params["environment"], TAG_COMPONENT: "network"}
    work = Work(call, Changes(call.check_mode), tags)
    if call.params["state"] == "absent":
        return _absent(work)
    vpc = _find(work)
    # All parts are compared before the first is changed: one of others refuses the whole.
    compared = work.in_check_mode()
    _arrange(compared, vpc)
    claim(call, run, tags, compared.there)
    if call.check_mode:
        return _answer(compared)
    _arrange(work, vpc)
    return _answer(work)


def _absent(work: Work) -> dict[str, Any]:
    """What this module made, by its tags. What else stands in the VPC has to be removed first: AWS refuses until then."""
    with ThreadPoolExecutor(len(ec2.KINDS)) as pool:
        found = pool.map(partial(teardown_find.network, work.aws, work.desired["environment"]), ec2.KINDS)
        resources = [resource for part in found for resource in part if work.ours(resource.detail)]
    work.vpc_id = next((resource.id for resource in resources if resource.kind == "VPC"), UNKNOWN)
    _refuse_in_use(work, resources)
    work.changes, _kept = remove_all(work.call, resources)
    return _answer(work)


def _refuse_in_use(work: Work, resources: Sequence[Resource]) -> None:
    """Before the first removal: gateways that are gone already would leave what stands in the VPC without a way out."""
    if work.vpc_id == UNKNOWN:
        return
    own = {
        address.get("NetworkInterfaceId")
        for resource in resources
        if resource.kind == "NAT gateway"
        for address in resource.detail["NatGatewayAddresses"]
    }
    own |= {
        key
        for resource in resources
        if resource.kind == "endpoint"
        for key in resource.detail.get("NetworkInterfaceIds", [])
    }
    users = [
        f"{interface['NetworkInterfaceId']} ({interface.get('Description') or interface.get('InterfaceType')})"
        for interface in ec2.network_interfaces(work.aws, work.vpc_id)
        if interface["NetworkInterfaceId"] not in own
    ]
    if users:
        raise Failure(
            f"Nothing was removed: {work.vpc_id} is in use by {', '.join(sorted(users))}. Remove what these network interfaces belong "
            "to first, or the whole environment with playbooks/destroy.yml."
        )


def _find(work: Work) -> Mapping[str, Any] | None:
    """The VPC, and all that is in it. None where it is still to be made."""
    desired, aws = work.desired, work.aws
    if desired["existing_vpc_id"]:
        found = [ec2.vpc(aws, desired["existing_vpc_id"])]
        work.found = {"security_groups": ec2.security_groups(aws, found[0]["VpcId"])}
    else:
        found = ec2.environment_vpcs(aws, desired["environment"])
    if len(found) > 1:
        ids = ", ".join(vpc["VpcId"] for vpc in found)
        raise Failure(
            f"{len(found)} VPCs carry the tags of environment {desired['environment']}: {ids}. Remove the tags from all but one."
        )
    if not found:
        return None
    work.vpc_id = found[0]["VpcId"]
    if not desired["existing_vpc_id"]:
        _refuse_other_addresses(work, found[0])
        _read(work)
    return found[0]


def _refuse_other_addresses(work: Work, vpc: Mapping[str, Any]) -> None:
    desired = work.desired
    if vpc["CidrBlock"] != desired["cidr"]:
        raise Failure(
            f"VPC {vpc['VpcId']} of environment {desired['environment']} has the addresses {vpc['CidrBlock']}; network_cidr "
            f"is {desired['cidr']}. "
            "A VPC's addresses cannot be changed: restore the variable, or make another environment."
        )


def _arrange(work: Work, vpc: Mapping[str, Any] | None) -> None:
    """Compare and put right: security groups alone in a VPC of others, everything in our own."""
    desired = work.desired
    others = vpc if desired["existing_vpc_id"] else None
    try:
        security_groups = groups(desired, others["CidrBlock"] if others else desired["cidr"])
        plan = None if others else network(desired, ec2.zones(work.aws))
    except ValueError as refused:
        raise Failure(f"{refused}.") from refused
    if plan is None:
        vpc_parts.security_groups(work, security_groups)
        return
    ours = _vpc(work, vpc)
    vpc_parts.internet_gateways(work, desired["ipv6"])
    vpc_parts.subnets(work, plan.subnets, _ipv6(ours) if desired["ipv6"] else None)
    vpc_parts.security_groups(work, security_groups, lock_default=True)
    vpc_parts.nat_gateways(work, plan.nat)
    vpc_parts.route_tables(work, plan.tables)
    vpc_parts.endpoints(work, plan)
    vpc_parts.surplus_nat_gateways(work, plan.nat)
    vpc_parts.flow_log(work, desired["flow_log"])


def _vpc(work: Work, vpc: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Make the VPC, or put right what differs of it."""
    desired, aws, changes = work.desired, work.aws, work.changes
    name = EnvironmentNames(desired["environment"]).vpc
    if vpc is None:
        make = partial(ec2.create_vpc, aws, desired["cidr"], desired["ipv6"], {**work.tags, "Name": name})
        vpc = work.make(f"VPC {name}", desired["cidr"], make)
        if vpc is None:
            return {}
        work.vpc_id = vpc["VpcId"]
        _read(work)
    work.keep_tags(f"VPC {name}", vpc["VpcId"], vpc, name)
    for attribute in _ATTRIBUTES:
        changes.want(
            f"VPC {name} {attribute}",
            work.found[attribute],
            True,
            partial(ec2.set_attribute, aws, work.vpc_id, attribute, True),
        )
    if desired["ipv6"] and not _ipv6(vpc):
        changes.want(f"VPC {name} IPv6", None, "addresses of Amazon", partial(ec2.add_ipv6, aws, work.vpc_id))
        if not work.check_mode:
            vpc = work.wait(
                f"IPv6 addresses of {work.vpc_id}",
                partial(ec2.vpc, aws, work.vpc_id),
                lambda now: bool(_ipv6(now)),
                lambda _now: "none yet",
            )
    return vpc


def _read(work: Work) -> None:
    """Everything in the VPC, each kind in one call, all calls at once."""
    with ThreadPoolExecutor(len(_READS) + len(_ATTRIBUTES) + 1) as pool:
        submitted: dict[str, Future[Any]] = {
            kind: pool.submit(read, work.aws, work.vpc_id) for kind, read in _READS.items()
        }
        if work.desired["ipv6"]:
            submitted["egress_only_gateways"] = pool.submit(ec2.egress_only_gateways, work.aws, work.vpc_id)
        for name in _ATTRIBUTES:
            submitted[name] = pool.submit(ec2.attribute, work.aws, work.vpc_id, name)
        work.found = {kind: future.result() for kind, future in submitted.items()}


def _ipv6(found: Mapping[str, Any]) -> str | None:
    """The VPC's IPv6 network, once it has one."""
    for association in found.get("Ipv6CidrBlockAssociationSet", []):
        if association.get("Ipv6CidrBlockState", {}).get("State") == "associated":
            return str(association["Ipv6CidrBlock"])
    return None


def _answer(work: Work) -> dict[str, Any]:
    def known(ids: Mapping[str, str]) -> dict[str, str | None]:
        return {name: None if key == UNKNOWN else key for name, key in ids.items()}

    return {
        "changed": bool(work.changes.after),
        "diff": {"before": work.changes.before, "after": work.changes.after},
        "vpc_id": None if work.vpc_id == UNKNOWN else work.vpc_id,
        "subnet_ids": known(work.subnets),
        "security_group_ids": known(work.groups),
        "nat_gateway_ids": known(work.nat),
        "route_table_ids": known(work.tables),
    }
