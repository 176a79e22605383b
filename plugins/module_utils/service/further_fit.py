# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the load balancers of further target groups are there and fit: looked at before anything is made, and never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws import acm, ec2, elbv2
from ..aws.errors import AwsError
from ..aws.naming import EnvironmentNames, ServiceNames
from ..aws.session import Aws
from ..aws.tags import tags_of
from ..aws.task_definition import TRANSPORTS
from . import further_places, network_listener, rule_quota, service_listener
from .further_places import Place
from .further_target_rule import find
from .further_targets import ARGUMENTS, OPTION, given, is_network, listener_protocol
from .reachable_ports import is_open
from .service_further_target_groups import missing_place, port_taken, rule_conflicts

# Variables of the environment that say where its tasks are, and who reaches them.
VARIABLES = ("load_balancer_further", "network_existing", "network_task_clients", "network_task_ports")


def findings(aws: Aws, values: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each load balancer that could not send its traffic to the service."""
    names = ServiceNames(str(values["environment_name"]), str(values["service_name"]))
    for named in given(values):
        options = {**{name: option.get("default") for name, option in ARGUMENTS.items()}, **named}
        place = further_places.find(aws, names.environment, options)
        yield from (
            f"{OPTION}.{options['name']}: {sentence}"
            for sentence in _of_place(aws, options, place, values, environment)
        )
        # These name their target group themselves.
        if is_network(options):
            taken = port_taken(aws, names, options, place)
            yield from [taken] if taken else []
        elif place.listener:
            yield from _rule(aws, names, options, place)


def listener_findings(aws: Aws, values: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    """The same of the listener of a service of the kind network."""
    names = ServiceNames(str(values["environment_name"]), str(values["service_name"]))
    options = network_listener.filled(values[network_listener.OPTION], values["service_port"])
    place = further_places.find(aws, names.environment, options)
    found = list(_of_place(aws, options, place, values, environment))
    test = options["test_listener_port"]
    if test and place.balancer and not found:
        found += _clients(aws, {**options, "listener_port": test}, place.balancer, environment)
    yield from (f"{network_listener.OPTION}: {sentence}" for sentence in found)
    ours = {found["ListenerArn"] for found in service_listener.of_service(aws, names, place).values()}
    for port in network_listener.ports(options).values():
        taken = service_listener.port_taken(place, port, ours)
        yield from [f"{network_listener.OPTION}: {taken}"] if taken else []


def _rule(aws: Aws, names: ServiceNames, options: Mapping[str, Any], place: Place) -> Iterator[str]:
    full, rules = names.further_target_group(options["name"]), elbv2.rules(aws, place.listener_arn)
    group = elbv2.target_groups(aws, [full]).get(full)
    yield from rule_conflicts(rules, options, group.arn if group else "")
    if group is None or find(rules, group.arn) is None:
        room = rule_quota.no_room(aws, place.listener_arn, len(rules), [str(options["name"])])
        yield from (f"{OPTION}.{options['name']}: {sentence}" for sentence in room)


def _of_place(
    aws: Aws, options: Mapping[str, Any], place: Place, values: Mapping[str, Any], environment: Mapping[str, Any]
) -> Iterator[str]:
    planned = [
        planned_balancer.get("name")
        for planned_balancer in environment.get("load_balancer_further") or []
        if isinstance(planned_balancer, Mapping)
    ]
    missing = missing_place(options, place)
    if missing:
        yield from [] if options.get("load_balancer") in planned else [missing]
        return
    balancer = place.balancer or {}
    name, kind = balancer["LoadBalancerName"], balancer.get("Type", "application")
    needed = "network" if is_network(options) else "application"
    if kind != needed:
        yield f"load balancer {name} is of the type {kind}, and the protocol {options['protocol']} needs one of the type {needed}"
        return
    network = environment.get("network_existing") or values.get("network_existing") or {}
    vpc_id = _vpc(aws, values, network)
    if vpc_id and balancer["VpcId"] != vpc_id:
        yield f"load balancer {name} is in {balancer['VpcId']}, and tasks are in {vpc_id}, which it does not reach"
        return
    if vpc_id:
        yield from _zones(aws, balancer, values, network)
        yield from _way_in(aws, options, balancer, values, environment)
    if is_network(options):
        yield from _clients(aws, options, balancer, environment)
    if listener_protocol(options) == "TLS":
        yield from _certificate(aws, str(options["certificate_arn"]))


def _vpc(aws: Aws, values: Mapping[str, Any], network: Mapping[str, Any]) -> str:
    """The environment's VPC; empty where it is still to be made."""
    if network.get("vpc_id"):
        return str(network["vpc_id"])
    found = ec2.environment_vpcs(aws, str(values["environment_name"]))
    return str(found[0]["VpcId"]) if found else ""


def _zones(
    aws: Aws, balancer: Mapping[str, Any], values: Mapping[str, Any], network: Mapping[str, Any]
) -> Iterator[str]:
    """Tasks in a zone that a load balancer has no subnet in are never in use, and a release would wait for them."""
    tier = "public" if values.get("service_assign_public_ip") else "private"
    ids = values.get("service_subnet_ids") or network.get(f"{tier}_subnet_ids") or []
    if ids:
        subnets = ec2.subnets_by_id(aws, ids)
    else:
        every = ec2.environment_subnets(aws, str(values["environment_name"]))
        subnets = [subnet for subnet in every if tags_of(subnet).get("pear:tier") == tier]
    there = {zone["ZoneName"] for zone in balancer["AvailabilityZones"]}
    lost = sorted({subnet["AvailabilityZone"] for subnet in subnets} - there)
    if lost:
        yield (
            f"load balancer {balancer['LoadBalancerName']} is in {', '.join(sorted(there))}, and tasks run in {', '.join(lost)} too, "
            "where it sends nothing: add a subnet of that zone to it, or set service_subnet_ids to those of its zones"
        )


def _way_in(
    aws: Aws,
    options: Mapping[str, Any],
    balancer: Mapping[str, Any],
    values: Mapping[str, Any],
    environment: Mapping[str, Any],
) -> Iterator[str]:
    """The security groups of the tasks let the load balancer in on the port, or will once the environment was provisioned."""
    port = int(options["port"])
    clients = [client for client in environment.get("network_task_clients") or [] if isinstance(client, Mapping)]
    there = {group["GroupId"]: group for group in ec2.security_groups(aws, balancer["VpcId"])}
    names = EnvironmentNames(str(values["environment_name"]))
    own = [key for key, group in there.items() if group["GroupName"] == names.task_security_group]
    theirs = set(balancer.get("SecurityGroups") or [])
    rules = [
        rule
        for key in (*own, *(values.get("service_security_group_ids") or []))
        for rule in there.get(key, {}).get("IpPermissions", [])
    ]
    for transport in TRANSPORTS.get(str(options["protocol"]), ("tcp",)):
        planned = any(
            client.get("protocol", "tcp") == transport
            and is_open(port, client.get("ports") or environment.get("network_task_ports") or [])
            for client in clients
        )
        if planned or any(_lets_in(rule, transport, port, theirs) for rule in rules):
            continue
        whom = f"the security groups of load balancer {balancer['LoadBalancerName']} ({', '.join(sorted(theirs))})"
        if not theirs:
            whom = (
                f"load balancer {balancer['LoadBalancerName']}, which has no security group, by its subnets' addresses"
            )
        yield (
            f"no security group of the tasks lets {whom} in on {transport} {port}: add it to network_task_clients of the environment "
            "and run playbooks/provision.yml, or name a group that does in service_security_group_ids"
        )


def _clients(
    aws: Aws, options: Mapping[str, Any], balancer: Mapping[str, Any], environment: Mapping[str, Any]
) -> Iterator[str]:
    """The security groups of a network load balancer, where it has any, let somebody in on the listener's port, or will."""
    own, port = set(balancer.get("SecurityGroups") or []), int(options["listener_port"])
    if not own:
        return
    rules = [
        rule
        for group in ec2.security_groups(aws, balancer["VpcId"])
        if group["GroupId"] in own
        for rule in group.get("IpPermissions", [])
    ]
    planned = [
        client
        for planned_balancer in environment.get("load_balancer_further") or []
        if isinstance(planned_balancer, Mapping) and planned_balancer.get("name") == options.get("load_balancer")
        for client in planned_balancer.get("clients") or [{"ports": ["80", "443"]}]
    ]
    name, groups = balancer["LoadBalancerName"], ", ".join(sorted(own))
    for transport in TRANSPORTS.get(listener_protocol(options), ("tcp",)):
        will = any(
            client.get("protocol", "tcp") == transport and is_open(port, client.get("ports") or [])
            for client in planned
        )
        if not will and not any(_covers(rule, transport, port) for rule in rules):
            yield (
                f"the security groups of load balancer {name} ({groups}) let nobody in on {transport} {port}, its listener_port: add it to "
                "the clients of load_balancer_further, or ask the owner of the load balancer"
            )


def _covers(rule: Mapping[str, Any], transport: str, port: int) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] == transport and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535)


def _lets_in(rule: Mapping[str, Any], transport: str, port: int, groups: set[str]) -> bool:
    """Addresses are taken to include the load balancer's: which they are is its owner's to know."""
    if not _covers(rule, transport, port):
        return False
    by_group = any(pair["GroupId"] in groups for pair in rule.get("UserIdGroupPairs", []))
    return by_group or bool(_addresses(rule))


def _addresses(rule: Mapping[str, Any]) -> Sequence[Any]:
    return [*rule.get("IpRanges", []), *rule.get("Ipv6Ranges", []), *rule.get("PrefixListIds", [])]


def _certificate(aws: Aws, arn: str) -> Iterator[str]:
    try:
        found = acm.describe_certificate(aws, arn)
    except AwsError as failed:
        if failed.code != "ResourceNotFoundException":
            raise
        yield f"certificate_arn is {arn!r}, and ACM has no such certificate in {aws.region}"
        return
    if found.get("Status", "ISSUED") != "ISSUED":
        yield f"certificate_arn is {arn!r}, whose status is {found['Status']}: a listener takes one that is issued"
