# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an environment's network should be: subnets, ways out, routes, endpoints, and who may talk to whom. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.arns import ArnScope
from ..aws.naming import EnvironmentNames
from ..service.reachable_ports import span
from .network_layout import layout

_BALANCER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
_IDS = re.compile(r"(sg|pl)-[0-9a-f]+", re.ASCII)
ANYWHERE, ANYWHERE_6 = "0.0.0.0/0", "::/0"
# These are entries of route tables and cost nothing; all others are addresses in the private subnets.
GATEWAY_SERVICES = frozenset({"s3", "dynamodb"})


@dataclass(frozen=True, order=True)
class Rule:
    """One permission of a security group. `source` is a CIDR, a prefix list, or the name of another group."""

    protocol: str
    first: int
    last: int
    source: str

    def __str__(self) -> str:
        ports = (
            "all"
            if self.protocol == "-1"
            else f"{self.first}"
            if self.first == self.last
            else f"{self.first}-{self.last}"
        )
        return f"{'all' if self.protocol == '-1' else self.protocol} {ports} {self.source}"


@dataclass(frozen=True)
class Group:
    name: str
    description: str
    ingress: frozenset[Rule]
    egress: frozenset[Rule]


@dataclass(frozen=True)
class Table:
    """A route table: where each destination goes (igw, eigw or nat-LETTER), and the subnets that follow it."""

    name: str
    routes: Mapping[str, str]
    subnets: tuple[str, ...]


def endpoint_policy(place: ArnScope, service: str, trust: str) -> dict[str, Any]:
    """Whom an endpoint lets through: any caller, as AWS's own policy says, or those of the account alone."""
    everything = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    if trust == "any":
        return {"Version": "2008-10-17", "Statement": [everything]}
    own = {**everything, "Condition": {"StringEquals": {"aws:PrincipalAccount": place.account}}}
    # Layers of images are in buckets of ECR's, and are read with its signature.
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms
    bucket = f"arn:{place.partition}:s3:::prod-{place.region}-starport-layer-bucket/*"
    layers = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": bucket}
    return {"Version": "2012-10-17", "Statement": [own, *([layers] if service == "s3" else [])]}


@dataclass(frozen=True)
class Network:
    subnets: tuple[Mapping[str, str], ...]
    nat: tuple[str, ...]
    tables: tuple[Table, ...]
    gateway_endpoints: tuple[str, ...]
    interface_endpoints: tuple[str, ...]


def network(params: Mapping[str, Any], zones: Sequence[str]) -> Network:
    """Return the network that the module's options ask for. Raises ValueError with a sentence for what cannot be."""
    subnets = layout(params["cidr"], zones, params["zone_count"], params["zones"], params["data_subnets"])
    letters = [subnet["zone"][-1] for subnet in subnets if subnet["tier"] == "private"]
    nat = {"one_per_zone": letters, "single": letters[:1], "none": []}[params["nat"]]
    endpoints = sorted(set(params["endpoints"]))
    return Network(
        tuple(subnets),
        tuple(nat),
        tuple(_tables(subnets, letters, nat, params["ipv6"])),
        tuple(endpoint for endpoint in endpoints if endpoint in GATEWAY_SERVICES),
        tuple(endpoint for endpoint in endpoints if endpoint not in GATEWAY_SERVICES),
    )


def _tables(
    subnets: Sequence[Mapping[str, str]], letters: Sequence[str], nat: Sequence[str], ipv6: bool
) -> Iterable[Table]:
    def names(tier: str) -> tuple[str, ...]:
        return tuple(subnet["name"] for subnet in subnets if subnet["tier"] == tier)

    yield Table("public", {ANYWHERE: "igw", **({ANYWHERE_6: "igw"} if ipv6 else {})}, names("public"))
    for letter in letters:
        way_out = {ANYWHERE: f"nat-{letter if letter in nat else nat[0]}"} if nat else {}
        yield Table(f"private-{letter}", {**way_out, **({ANYWHERE_6: "eigw"} if ipv6 else {})}, (f"private-{letter}",))
    if names("data"):
        yield Table("data", {}, names("data"))


def groups(params: Mapping[str, Any], vpc_cidr: str) -> list[Group]:
    """The security groups, each open to the one before it: world, load balancer, tasks, and what tasks keep data in."""
    names = EnvironmentNames(params["environment"])
    everywhere = [ANYWHERE, *([ANYWHERE_6] if params["ipv6"] else [])]
    out = frozenset(Rule("-1", -1, -1, source) for source in everywhere)
    clients = [*params["ingress_cidrs"]]
    if params["ipv6"] and ANYWHERE in clients:
        clients.append(ANYWHERE_6)
    # A load balancer of others has its own groups, and the tasks let those in.
    others = params["load_balancer_security_group_ids"]
    own_balancer = [
        Group(
            names.load_balancer_security_group,
            "Load balancer, open on 80 and 443",
            frozenset(Rule("tcp", port, port, normal(source)) for source in clients for port in (80, 443)),
            out,
        )
    ]
    further = [
        _further(
            names,
            load_balancer,
            params["ingress_cidrs"] if load_balancer["scheme"] == "internet-facing" else [vpc_cidr],
        )
        for load_balancer in params["load_balancers"]
    ]
    made = [
        *([] if others else own_balancer),
        *further,
        Group(
            names.task_security_group,
            "Tasks, reached by the load balancer only",
            frozenset(
                Rule("tcp", *_ports(ports), source)
                for ports in params["task_ports"]
                for source in others or [names.load_balancer_security_group]
            )
            | {Rule("tcp", *_ports(ports), names.task_security_group) for ports in params["ports_between_tasks"]}
            | {
                Rule(client["protocol"], *_ports(ports), _client(client["source"], "network_task_clients"))
                for client in params["task_clients"]
                for ports in client["ports"] or params["task_ports"]
            }
            | {
                Rule(protocol, *_ports(ports), group.name)
                for group in further
                for protocol in sorted({rule.protocol for rule in group.ingress} | {"tcp"})
                for ports in params["task_ports"]
            },
            out,
        ),
        Group(
            names.file_system_security_group,
            "File system, reached by tasks only",
            frozenset({Rule("tcp", 2049, 2049, names.task_security_group)}),
            frozenset(),
        ),
    ]
    if params["database_port"]:
        made.append(
            Group(
                names.database,
                # EC2 does not change a description: it stays as it was first.
                "Database, reached by tasks only",
                frozenset(
                    Rule("tcp", params["database_port"], params["database_port"], source)
                    for source in (
                        names.task_security_group,
                        *(_client(client, "network_database_clients") for client in params["database_clients"]),
                    )
                ),
                frozenset(),
            )
        )
    if set(params["endpoints"]) - GATEWAY_SERVICES and not params["existing_vpc_id"]:
        made.append(
            Group(
                f"{params['environment']}-endpoints",
                "Endpoints of AWS services, for everything inside the VPC",
                frozenset({Rule("tcp", 443, 443, vpc_cidr)}),
                frozenset(),
            )
        )
    return made


def _further(names: EnvironmentNames, given: Mapping[str, Any], usual: Sequence[str]) -> Group:
    """The group of a load balancer beside the environment's first; `usual` are the clients where the inventory names none."""
    if not _BALANCER_NAME.fullmatch(given["name"]):
        raise ValueError(
            f"load_balancer_further has {given['name']!r}; valid names: small letters, digits and hyphens, at most 20"
        )
    return Group(
        names.further_load_balancer_security_group(given["name"]),
        f"Load balancer {given['name']}",
        frozenset(
            Rule(client["protocol"], *_ports(ports), _client(source, "load_balancer_further"))
            for client in given["clients"] or [{"source": None, "protocol": "tcp", "ports": ["80", "443"]}]
            for source in ([client["source"]] if client["source"] else usual)
            for ports in client["ports"]
        ),
        frozenset({Rule("-1", -1, -1, ANYWHERE)}),
    )


def _client(text: str, variable: str) -> str:
    """A group or prefix list by its ID, or addresses. ValueError with a sentence where it is neither."""
    if _IDS.fullmatch(text):
        return text
    try:
        return normal(text)
    except ValueError:
        raise ValueError(
            f"{variable} has {text!r}; valid: a CIDR block, or the ID of a security group or of a prefix list"
        ) from None


def normal(cidr: str) -> str:
    """The network as EC2 writes it: host bits cleared."""
    return str(ipaddress.ip_network(cidr, strict=False))


def _ports(text: str) -> tuple[int, int]:
    first, last = span(text)
    if first > last:
        raise ValueError(f"{text!r} is neither a port nor a range of ports; valid: as 8080 or 9000-9100")
    return first, last


def rules(permissions: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> frozenset[Rule]:
    """Return EC2's IpPermissions as rules; `names` are the names of groups by id, a stranger's id stands for itself."""
    found = set()
    for permission in permissions:
        sources = [entry["CidrIp"] for entry in permission.get("IpRanges", [])]
        sources += [entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges", [])]
        sources += [entry["PrefixListId"] for entry in permission.get("PrefixListIds", [])]
        sources += [names.get(entry["GroupId"], entry["GroupId"]) for entry in permission.get("UserIdGroupPairs", [])]
        found |= {
            Rule(permission["IpProtocol"], permission.get("FromPort", -1), permission.get("ToPort", -1), source)
            for source in sources
        }
    return frozenset(found)


def permissions(desired: Iterable[Rule], ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return rules as EC2 takes them; `ids` are the ids of groups by name."""
    return [
        {
            "IpProtocol": rule.protocol,
            **({} if rule.protocol == "-1" else {"FromPort": rule.first, "ToPort": rule.last}),
            **_source(rule.source, ids),
        }
        for rule in sorted(desired)
    ]


def _source(source: str, ids: Mapping[str, str]) -> dict[str, Any]:
    if "/" in source:
        return {"Ipv6Ranges": [{"CidrIpv6": source}]} if ":" in source else {"IpRanges": [{"CidrIp": source}]}
    if source.startswith("pl-"):
        return {"PrefixListIds": [{"PrefixListId": source}]}
    return {"UserIdGroupPairs": [{"GroupId": ids.get(source, source)}]}


def ipv6_of(subnet: str, vpc_ipv6: str) -> str:
    """The /64 of a subnet: its place depends on tier and zone alone."""
    tier, letter = subnet.split("-", 1)
    index = {"public": 0, "private": 64, "data": 128}[tier] + (ord(letter) - ord("a"))
    return str(list(ipaddress.ip_network(vpc_ipv6).subnets(new_prefix=64))[index])
