# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a network, each compared with what was read and put right: one function per kind of thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ..aws import ec2, sts
from ..aws.arns import ArnScope
from ..aws.errors import Failure
from ..aws.naming import TAG_COMPONENT, TAG_ENVIRONMENT
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Retry, Wait, retry, wait_until
from .environment_info import TAG_TIER
from .vpc_settings import Group, Network, Table, endpoint_policy, ipv6_of, permissions, rules

T = TypeVar("T")
# What routes of ours lead to. What leads elsewhere, such as to a peering connection or a transit gateway, others made.
_GATEWAYS = ("igw-", "nat-", "eigw-")
# Stands for the id of what check mode would make.
UNKNOWN = "(new)"
_WAIT_SECONDS = 600
_SETTLING = Retry(
    passes=lambda error: error.code.endswith(".NotFound"),
    seconds=15,
    line=lambda error, _pause: f"waiting for EC2's consistency: {error.code}",
)


@dataclass
class Work:
    """One run over a network: what was read, what was made, and by which name each id is known."""

    call: Invocation
    changes: Changes
    tags: Mapping[str, str]
    vpc_id: str = UNKNOWN
    found: dict[str, Any] = field(default_factory=dict)
    gateways: dict[str, str] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    nat: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    # What has the place of one of ours, and its tags.
    there: list[Existing] = field(default_factory=list)

    def in_check_mode(self) -> Work:
        """The same reading, to be compared without a write."""
        return Work(replace(self.call, check_mode=True), Changes(True), self.tags, self.vpc_id, dict(self.found))

    @property
    def desired(self) -> Mapping[str, Any]:
        return self.call.params

    @property
    def aws(self) -> Any:
        return self.call.aws

    @property
    def check_mode(self) -> bool:
        return self.call.check_mode

    def entries(self, kind: str) -> list[dict[str, Any]]:
        return list(self.found.get(kind, []))

    def name(self, part: str) -> str:
        return f"{self.desired['environment']}-{part}"

    def make(self, what: str, described: Any, create: Callable[[], T]) -> T | None:
        """Create what is missing; None in check mode."""
        self.changes.before[what], self.changes.after[what] = None, described
        if self.check_mode:
            return None
        made = self.settled(create)
        self.call.progress.line(f"created {what}")
        return made

    def put_right(self, what: str, current: Any, desired: Any, apply: Callable[[], object]) -> None:
        self.changes.want(what, current, desired, partial(self.settled, apply))

    def keep_tags(self, what: str, resource_id: str, entry: Mapping[str, Any], name: str, **more: str) -> None:
        desired = {**self.tags, "Name": name, **more}
        known = tags_of(dict(entry))
        kind = "security_group" if what.startswith("security group") else "network"
        label = what.removesuffix(f" {name}")
        self.there.append(Existing(kind, f"{name} ({resource_id})", known, label))
        calls = TagCalls(
            lambda: known, partial(ec2.tag, self.aws, resource_id), partial(ec2.untag, self.aws, resource_id)
        )
        put_tags_right(self.changes, {"tags": desired, "purge_tags": self.desired["purge_tags"]}, calls, f"{what} tags")

    def settled(self, write: Callable[[], T]) -> T:
        """EC2 is eventually consistent: what was made a moment ago may not be known yet by the next call."""
        call = self.call
        return retry(call.clock, call.progress, _SETTLING, write)

    def wait(self, what: str, read: Callable[[], T], done: Callable[[T], bool], state: Callable[[T], str] = str) -> T:
        return wait_until(self.call.clock, self.call.progress, Wait(what, read, done, _WAIT_SECONDS, state))

    def ours(self, entry: Mapping[str, Any]) -> bool:
        known = tags_of(dict(entry))
        return known.get(TAG_ENVIRONMENT) == self.desired["environment"] and known.get(TAG_COMPONENT) == "network"


def internet_gateways(work: Work, ipv6: bool) -> None:
    """One gateway for both ways, and with IPv6 one for the way out alone."""
    name, aws = work.desired["environment"], work.aws
    attached = work.entries("internet_gateways")
    if attached:
        work.gateways["igw"] = attached[0]["InternetGatewayId"]
        work.keep_tags("internet gateway", work.gateways["igw"], attached[0], name)
    else:
        tags = {**work.tags, "Name": name}

        def create() -> str:
            loose = ec2.loose_internet_gateway(aws, name, TAG_ENVIRONMENT, name)
            gateway = loose or ec2.create_internet_gateway(aws, tags)
            work.settled(partial(ec2.attach_internet_gateway, aws, gateway, work.vpc_id))
            return gateway

        work.gateways["igw"] = work.make("internet gateway", name, create) or UNKNOWN
    if ipv6:
        out = work.entries("egress_only_gateways")
        tags = {**work.tags, "Name": name}
        create_out = partial(ec2.create_egress_only_gateway, aws, work.vpc_id, tags)
        work.gateways["eigw"] = (
            out[0]["EgressOnlyInternetGatewayId"]
            if out
            else work.make("egress-only internet gateway", name, create_out) or UNKNOWN
        )


def subnets(work: Work, desired: Sequence[Mapping[str, str]], vpc_ipv6: str | None) -> None:
    by_cidr = {subnet["CidrBlock"]: subnet for subnet in work.entries("subnets")}
    for subnet in desired:
        name, tags = work.name(subnet["name"]), {TAG_TIER: subnet["tier"]}
        ipv6 = ipv6_of(subnet["name"], vpc_ipv6) if vpc_ipv6 else None
        there = by_cidr.get(subnet["cidr"])
        if there is None:
            create = partial(
                ec2.create_subnet,
                work.aws,
                work.vpc_id,
                subnet["cidr"],
                subnet["zone"],
                ipv6,
                {**work.tags, "Name": name, **tags},
            )
            work.subnets[subnet["name"]] = (
                work.make(f"subnet {name}", f"{subnet['cidr']} in {subnet['zone']}", create) or UNKNOWN
            )
            continue
        if there["AvailabilityZone"] != subnet["zone"]:
            raise Failure(
                f"Subnet {there['SubnetId']} ({subnet['cidr']}) lies in {there['AvailabilityZone']}; {name} belongs in {subnet['zone']}. "
                f"A subnet cannot move: set network_zones to the zones in use, or remove the subnet first."
            )
        work.subnets[subnet["name"]] = there["SubnetId"]
        work.keep_tags(f"subnet {name}", there["SubnetId"], there, name, **tags)
        # Load balancers and NAT gateways get public addresses of their own; nothing else lives in public subnets.
        work.put_right(
            f"subnet {name} public addresses",
            there.get("MapPublicIpOnLaunch", False),
            False,
            partial(ec2.keep_private, work.aws, there["SubnetId"]),
        )
        if ipv6 and not there.get("Ipv6CidrBlockAssociationSet"):
            work.put_right(
                f"subnet {name} IPv6", None, ipv6, partial(ec2.add_subnet_ipv6, work.aws, there["SubnetId"], ipv6)
            )


def security_groups(work: Work, desired: Sequence[Group], lock_default: bool = False) -> None:
    """All groups first, since their rules name each other; then the rules of each."""
    there = {group["GroupName"]: group for group in work.entries("security_groups")}
    missing = [group for group in desired if group.name not in there]
    for group in missing:
        tags = {**work.tags, "Name": group.name}
        make = partial(ec2.create_security_group, work.aws, work.vpc_id, group.name, group.description, tags)
        work.make(f"security group {group.name}", group.description, make)
    if missing and not work.check_mode:
        read = partial(ec2.security_groups, work.aws, work.vpc_id)
        names = {group.name for group in desired}
        found = work.wait(
            "the new security groups", read, lambda now: names <= _group_names(now), lambda now: str(_group_names(now))
        )
        there = {group["GroupName"]: group for group in found}
    ids = {name: group["GroupId"] for name, group in there.items()}
    work.groups = {group.name: ids.get(group.name, UNKNOWN) for group in desired}
    locked = [Group("default", "", frozenset(), frozenset())] if lock_default and "default" in there else []
    for group in [*desired, *locked]:
        existing = there.get(group.name)
        if existing and group.name != "default" and group not in missing:
            work.keep_tags(f"security group {group.name}", existing["GroupId"], existing, group.name)
        for egress in (False, True):
            _rules(work, group, existing, egress, ids)


def _rules(work: Work, group: Group, found: Mapping[str, Any] | None, egress: bool, ids: Mapping[str, str]) -> None:
    key, word = ("IpPermissionsEgress", "egress") if egress else ("IpPermissions", "ingress")
    desired = group.egress if egress else group.ingress
    # A group of others stands for itself by its id: it may have any name.
    ours = {group_id: name for name, group_id in ids.items() if name in work.groups}
    now = rules(found[key], ours) if found else frozenset()
    if now == desired:
        return
    known = {name: work.groups.get(name, group_id) for name, group_id in ids.items()}

    group_id = found["GroupId"] if found else UNKNOWN

    def write() -> None:
        add, remove = permissions(desired - now, known), permissions(now - desired, known)
        ec2.change_rules(work.aws, group_id, egress, add, remove)

    work.put_right(f"security group {group.name} {word}", sorted(map(str, now)), sorted(map(str, desired)), write)


def _group_names(groups: Sequence[Mapping[str, Any]]) -> set[str]:
    return {group["GroupName"] for group in groups}


def _states(nat_gateways: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(f"{key} {nat_gateway['State']}" for key, nat_gateway in nat_gateways.items())


def nat_gateways(work: Work, letters: Sequence[str]) -> None:
    """All are begun, then waited for together: one takes AWS about two minutes."""
    by_subnet = {nat_gateway["SubnetId"]: nat_gateway for nat_gateway in work.entries("nat_gateways")}
    for letter in letters:
        name, subnet = work.name(letter), work.subnets[f"public-{letter}"]
        there = by_subnet.get(subnet)
        if there:
            work.nat[letter] = there["NatGatewayId"]
            work.keep_tags(f"NAT gateway {name}", there["NatGatewayId"], there, name)
            continue
        tags = {**work.tags, "Name": name}

        def create(name: str = name, subnet: str = subnet, tags: Mapping[str, str] = tags) -> str:
            return ec2.create_nat_gateway(work.aws, subnet, ec2.address(work.aws, name, tags), tags)

        work.nat[letter] = work.make(f"NAT gateway {name}", f"in {work.name(f'public-{letter}')}", create) or UNKNOWN
    ids = [gateway_id for gateway_id in work.nat.values() if gateway_id != UNKNOWN]
    pending = [nat_gateway for nat_gateway in work.entries("nat_gateways") if nat_gateway["State"] == "pending"]
    if not work.check_mode and (pending or len(ids) > len(by_subnet)):
        _await_nat(work, ids)


def _await_nat(work: Work, ids: Sequence[str]) -> None:
    read = partial(work.settled, partial(ec2.nat_states, work.aws, ids))
    states = work.wait(
        "NAT gateways",
        read,
        lambda now: all(nat_gateway["State"] != "pending" for nat_gateway in now.values()),
        _states,
    )
    for nat_gateway in states.values():
        if nat_gateway["State"] != "available":
            why = nat_gateway.get("FailureMessage", "no reason given")
            raise Failure(
                f"NAT gateway {nat_gateway['NatGatewayId']} is {nat_gateway['State']}: {why}. Run the playbook again once this is fixed."
            )


def surplus_nat_gateways(work: Work, letters: Sequence[str]) -> None:
    """What no route leads to any more costs money: gateways of ours go, with their addresses."""
    kept = {work.nat[letter] for letter in letters}
    surplus = [
        nat_gateway
        for nat_gateway in work.entries("nat_gateways")
        if nat_gateway["NatGatewayId"] not in kept and work.ours(nat_gateway)
    ]
    for nat_gateway in surplus:
        name = tags_of(nat_gateway).get("Name", nat_gateway["NatGatewayId"])
        work.put_right(
            f"NAT gateway {name}",
            nat_gateway["SubnetId"],
            None,
            partial(ec2.delete_nat_gateway, work.aws, nat_gateway["NatGatewayId"]),
        )
    if surplus and not work.check_mode:
        read = partial(ec2.nat_states, work.aws, [nat_gateway["NatGatewayId"] for nat_gateway in surplus])
        work.wait(
            "the deletion of NAT gateways",
            read,
            lambda now: all(nat_gateway["State"] == "deleted" for nat_gateway in now.values()),
            _states,
        )
        for nat_gateway in surplus:
            for address in nat_gateway.get("NatGatewayAddresses", []):
                ec2.release_address(work.aws, address["AllocationId"])


def route_tables(work: Work, desired: Sequence[Table]) -> None:
    by_name = {tags_of(route_table).get("Name", ""): route_table for route_table in work.entries("route_tables")}
    followed = {
        link["SubnetId"]: (route_table["RouteTableId"], link["RouteTableAssociationId"])
        for route_table in work.entries("route_tables")
        for link in route_table.get("Associations", [])
        if link.get("SubnetId")
    }
    for table in desired:
        name = work.name(table.name)
        there = by_name.get(name)
        if there:
            work.tables[table.name] = there["RouteTableId"]
            work.keep_tags(f"route table {name}", there["RouteTableId"], there, name)
        else:
            create = partial(ec2.create_route_table, work.aws, work.vpc_id, {**work.tags, "Name": name})
            work.tables[table.name] = work.make(f"route table {name}", "routes", create) or UNKNOWN
        _routes(work, table, there)
        for subnet in table.subnets:
            subnet_id, table_id = work.subnets[subnet], work.tables[table.name]
            now, link = followed.get(subnet_id, (None, None))
            associate = partial(ec2.associate, work.aws, table_id, subnet_id, link)
            work.put_right(f"subnet {work.name(subnet)} routes", now, table_id, associate)


def _routes(work: Work, table: Table, there: Mapping[str, Any] | None) -> None:
    """Routes of gateway endpoints and of the VPC itself are AWS's own, and those that lead to none of our gateways are others'."""
    now = {}
    for route in there.get("Routes", []) if there else []:
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        target = route.get("NatGatewayId") or route.get("EgressOnlyInternetGatewayId") or route.get("GatewayId")
        if destination and target != "local" and not str(target).startswith("vpce-"):
            now[destination] = target or next((v for k, v in route.items() if k.endswith("Id")), "unknown")
    goals = {destination: _target(work, goal) for destination, goal in table.routes.items()}
    for destination, target in goals.items():
        write = partial(
            ec2.put_route, work.aws, work.tables[table.name], destination, target, replace=destination in now
        )
        work.put_right(f"route table {work.name(table.name)} {destination}", now.get(destination), target[1], write)
    for destination in sorted(set(now) - set(goals)):
        if not now[destination].startswith(_GATEWAYS):
            continue
        remove = partial(ec2.delete_route, work.aws, work.tables[table.name], destination)
        work.put_right(f"route table {work.name(table.name)} {destination}", now[destination], None, remove)


def _target(work: Work, goal: str) -> tuple[str, str]:
    if goal.startswith("nat-"):
        return "NatGatewayId", work.nat[goal.removeprefix("nat-")]
    return ("GatewayId" if goal == "igw" else "EgressOnlyInternetGatewayId"), work.gateways[goal]


def endpoints(work: Work, plan: Network) -> None:
    there = {endpoint["ServiceName"]: endpoint for endpoint in work.entries("endpoints")}
    prefix = f"com.amazonaws.{work.aws.region}."
    tables = sorted(table_id for name, table_id in work.tables.items() if name != "public")
    private = sorted(subnet_id for name, subnet_id in work.subnets.items() if name.startswith("private-"))
    group = work.groups.get(work.name("endpoints"), UNKNOWN)
    policy_of = _endpoint_policies(work)
    for service in plan.gateway_endpoints:
        gateway = {"VpcEndpointType": "Gateway", "RouteTableIds": tables, **policy_of(service)}
        _endpoint(work, service, there.get(prefix + service), prefix, gateway, {"RouteTableIds": tables})
    for service in plan.interface_endpoints:
        settings: dict[str, Any] = {
            "VpcEndpointType": "Interface",
            "SubnetIds": private,
            "SecurityGroupIds": [group],
            "PrivateDnsEnabled": True,
            **policy_of(service),
        }
        _endpoint(work, service, there.get(prefix + service), prefix, settings, {"SubnetIds": private})
    kept = {prefix + service for service in (*plan.gateway_endpoints, *plan.interface_endpoints)}
    for name in sorted(set(there) - kept):
        if work.ours(there[name]):
            delete = partial(ec2.delete_endpoint, work.aws, there[name]["VpcEndpointId"])
            work.put_right(f"endpoint {name.removeprefix(prefix)}", name, None, delete)


def _endpoint_policies(work: Work) -> Callable[[str], dict[str, str]]:
    """What a call about the endpoint of a service says of its policy: nothing where the inventory says nothing."""
    trust = work.desired["endpoint_trust"]
    if not trust:
        return lambda service: {}
    caller = sts.caller(work.aws)
    place = ArnScope(work.aws.region, caller["account"], caller["arn"].split(":")[1])
    return lambda service: {"PolicyDocument": json.dumps(endpoint_policy(place, service, trust))}


def _endpoint(
    work: Work,
    service: str,
    there: Mapping[str, Any] | None,
    prefix: str,
    settings: Mapping[str, Any],
    lists: Mapping[str, list[str]],
) -> None:
    name = work.name(service)
    if there is None:
        tags = {**work.tags, "Name": name}
        create = partial(ec2.create_endpoint, work.aws, work.vpc_id, prefix + service, settings, tags)
        work.make(f"endpoint {service}", settings["VpcEndpointType"], create)
        return
    work.keep_tags(f"endpoint {service}", there["VpcEndpointId"], there, name)
    for key, desired in lists.items():
        now = sorted(there.get(key, []))
        word = key.removesuffix("s")
        change = {
            f"Add{key}": sorted(set(desired) - set(now)),
            f"Remove{key}": sorted(set(now) - set(desired)),
        }
        modify = partial(ec2.modify_endpoint, work.aws, there["VpcEndpointId"], {k: v for k, v in change.items() if v})
        work.put_right(f"endpoint {service} {word}", now, desired, modify)
    if policy := settings.get("PolicyDocument"):
        change = {"PolicyDocument": policy}
        modify = partial(ec2.modify_endpoint, work.aws, there["VpcEndpointId"], change)
        now = json.loads(there.get("PolicyDocument") or "{}")
        work.put_right(f"endpoint {service} policy", now.get("Statement"), json.loads(policy)["Statement"], modify)


def flow_log(work: Work, desired: Mapping[str, str] | None) -> None:
    """One flow log of ours, or none; flow logs of others are left alone."""
    ours = [flow_log for flow_log in work.entries("flow_logs") if work.ours(flow_log)]
    fitting = [flow_log for flow_log in ours if desired and flow_log.get("LogGroupName") == desired["log_group"]]
    if desired and not fitting:
        tags = {**work.tags, "Name": work.desired["environment"]}
        create = partial(ec2.create_flow_log, work.aws, work.vpc_id, desired["log_group"], desired["role_arn"], tags)
        work.make("flow log", desired["log_group"], create)
    surplus = [flow_log["FlowLogId"] for flow_log in ours if flow_log not in fitting]
    if surplus:
        work.put_right("flow log", surplus, None, partial(ec2.delete_flow_logs, work.aws, surplus))
