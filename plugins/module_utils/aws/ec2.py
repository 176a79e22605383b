# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon EC2, of which we use the network: one function per call. Everything is tagged in the call that creates it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import Failure, aws_call, passing_over
from .naming import TAG_COMPONENT, TAG_ENVIRONMENT
from .session import Aws
from .tags import tag_filters, tag_list, tags_of

Entry = dict[str, Any]
Tags = Mapping[str, str]


def _specification(kind: str, tags: Tags) -> list[Entry]:
    return [{"ResourceType": kind, "Tags": tag_list(tags)}]


def _pages(aws: Aws, operation: str, key: str, **request: Any) -> list[Entry]:
    pages = aws.client("ec2").get_paginator(operation).paginate(**request)
    return [entry for page in pages for entry in page[key]]


def _all(aws: Aws, operation: str, key: str, **request: Any) -> list[Entry]:
    """Like _pages, for an operation that may have no paginator."""
    client = aws.client("ec2")
    if client.can_paginate(operation):
        return _pages(aws, operation, key, **request)
    return list(getattr(client, operation)(**request)[key])


def _in(vpc_id: str, name: str = "vpc-id") -> list[Entry]:
    return [{"Name": name, "Values": [vpc_id]}]


def _network_of(environment: str) -> list[Entry]:
    return tag_filters({TAG_ENVIRONMENT: environment, TAG_COMPONENT: "network"})


@aws_call("read the VPC of {environment}")
def environment_vpcs(aws: Aws, environment: str) -> list[dict[str, Any]]:
    return aws.client("ec2").describe_vpcs(Filters=_network_of(environment))["Vpcs"]


@aws_call("read VPC {vpc_id}")
def vpc(aws: Aws, vpc_id: str) -> dict[str, Any]:
    return aws.client("ec2").describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]


@aws_call("read the subnets of {environment}")
def environment_subnets(aws: Aws, environment: str) -> list[dict[str, Any]]:
    return _pages(aws, "describe_subnets", "Subnets", Filters=_network_of(environment))


@aws_call("read subnets {subnet_ids}")
def subnets_by_id(aws: Aws, subnet_ids: list[str]) -> list[dict[str, Any]]:
    return aws.client("ec2").describe_subnets(SubnetIds=subnet_ids)["Subnets"]


@aws_call("read the free addresses of {subnets}")
def free_addresses(aws: Aws, subnets: list[str]) -> dict[str, int]:
    """Number of free addresses, by subnet."""
    found = aws.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    return {subnet["SubnetId"]: int(subnet["AvailableIpAddressCount"]) for subnet in found}


@aws_call("read the security groups of {environment}")
def environment_security_groups(aws: Aws, environment: str) -> list[dict[str, Any]]:
    return _pages(aws, "describe_security_groups", "SecurityGroups", Filters=_network_of(environment))


@aws_call("read the zones of the region")
def zones(aws: Aws) -> list[str]:
    """Names of the region's availability zones that are open to this account, in order."""
    found = aws.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    )["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in found)


@aws_call("read the DNS settings of {vpc_id}")
def attribute(aws: Aws, vpc_id: str, name: str) -> bool:
    """`name` is enableDnsSupport or enableDnsHostnames."""
    answer = aws.client("ec2").describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
    return bool(answer[name[0].upper() + name[1:]]["Value"])


@aws_call("read the subnets of {vpc_id}")
def subnets(aws: Aws, vpc_id: str) -> list[Entry]:
    return _pages(aws, "describe_subnets", "Subnets", Filters=_in(vpc_id))


@aws_call("read the internet gateway of {vpc_id}")
def internet_gateways(aws: Aws, vpc_id: str) -> list[Entry]:
    return _pages(aws, "describe_internet_gateways", "InternetGateways", Filters=_in(vpc_id, "attachment.vpc-id"))


@aws_call("read the egress-only internet gateways of the region")
def egress_only_gateways(aws: Aws, vpc_id: str) -> list[Entry]:
    found = _pages(aws, "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways")
    return [gateway for gateway in found if any(to.get("VpcId") == vpc_id for to in gateway.get("Attachments", []))]


@aws_call("read the NAT gateways of {vpc_id}")
def nat_gateways(aws: Aws, vpc_id: str) -> list[Entry]:
    alive = {"Name": "state", "Values": ["pending", "available"]}
    return _pages(aws, "describe_nat_gateways", "NatGateways", Filter=[*_in(vpc_id), alive])


@aws_call("read NAT gateways {ids}")
def nat_states(aws: Aws, ids: Sequence[str]) -> dict[str, Entry]:
    found = aws.client("ec2").describe_nat_gateways(NatGatewayIds=list(ids))["NatGateways"]
    return {gateway["NatGatewayId"]: gateway for gateway in found}


@aws_call("read the route tables of {vpc_id}")
def route_tables(aws: Aws, vpc_id: str) -> list[Entry]:
    return _pages(aws, "describe_route_tables", "RouteTables", Filters=_in(vpc_id))


@aws_call("read the endpoints of {vpc_id}")
def endpoints(aws: Aws, vpc_id: str) -> list[Entry]:
    found = _pages(aws, "describe_vpc_endpoints", "VpcEndpoints", Filters=_in(vpc_id))
    return [endpoint for endpoint in found if endpoint.get("State", "available").lower() not in ("deleting", "deleted")]


@aws_call("read the security groups of {vpc_id}")
def security_groups(aws: Aws, vpc_id: str) -> list[Entry]:
    return _pages(aws, "describe_security_groups", "SecurityGroups", Filters=_in(vpc_id))


@aws_call("read the flow logs of {vpc_id}")
def flow_logs(aws: Aws, vpc_id: str) -> list[Entry]:
    return _pages(aws, "describe_flow_logs", "FlowLogs", Filters=_in(vpc_id, "resource-id"))


@aws_call("create the VPC {cidr}")
def create_vpc(aws: Aws, cidr: str, ipv6: bool, tags: Tags) -> Entry:
    client = aws.client("ec2")
    made = client.create_vpc(
        CidrBlock=cidr, AmazonProvidedIpv6CidrBlock=ipv6, TagSpecifications=_specification("vpc", tags)
    )["Vpc"]
    client.get_waiter("vpc_available").wait(VpcIds=[made["VpcId"]], WaiterConfig={"Delay": 2, "MaxAttempts": 60})
    found: Entry = client.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"][0]
    return found


@aws_call("give {vpc_id} IPv6 addresses")
def add_ipv6(aws: Aws, vpc_id: str) -> None:
    aws.client("ec2").associate_vpc_cidr_block(VpcId=vpc_id, AmazonProvidedIpv6CidrBlock=True)


@aws_call("change the DNS settings of {vpc_id}")
def set_attribute(aws: Aws, vpc_id: str, name: str, value: bool) -> None:
    aws.client("ec2").modify_vpc_attribute(VpcId=vpc_id, **{name[0].upper() + name[1:]: {"Value": value}})


@aws_call("create subnet {cidr} in {zone}")
def create_subnet(aws: Aws, vpc_id: str, cidr: str, zone: str, ipv6: str | None, tags: Tags) -> str:
    more = {"Ipv6CidrBlock": ipv6} if ipv6 else {}
    made = aws.client("ec2").create_subnet(
        VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=_specification("subnet", tags), **more
    )
    return str(made["Subnet"]["SubnetId"])


@aws_call("give subnet {subnet_id} the IPv6 addresses {cidr}")
def add_subnet_ipv6(aws: Aws, subnet_id: str, cidr: str) -> None:
    aws.client("ec2").associate_subnet_cidr_block(SubnetId=subnet_id, Ipv6CidrBlock=cidr)


@aws_call("stop subnet {subnet_id} from giving out public addresses")
def keep_private(aws: Aws, subnet_id: str) -> None:
    aws.client("ec2").modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": False})


@aws_call("create an internet gateway")
def create_internet_gateway(aws: Aws, tags: Tags) -> str:
    made = aws.client("ec2").create_internet_gateway(TagSpecifications=_specification("internet-gateway", tags))
    return str(made["InternetGateway"]["InternetGatewayId"])


@aws_call("find an internet gateway without a VPC")
def loose_internet_gateway(aws: Aws, name: str, environment_tag: str, environment: str) -> str | None:
    """An internet gateway that was created for this environment and never attached."""
    desired = tag_filters({"Name": name, environment_tag: environment})
    found = _pages(aws, "describe_internet_gateways", "InternetGateways", Filters=desired)
    return next((gateway["InternetGatewayId"] for gateway in found if not gateway.get("Attachments")), None)


@aws_call("attach {gateway_id} to {vpc_id}")
def attach_internet_gateway(aws: Aws, gateway_id: str, vpc_id: str) -> None:
    aws.client("ec2").attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


@aws_call("create an egress-only internet gateway")
def create_egress_only_gateway(aws: Aws, vpc_id: str, tags: Tags) -> str:
    made = aws.client("ec2").create_egress_only_internet_gateway(
        VpcId=vpc_id, TagSpecifications=_specification("egress-only-internet-gateway", tags)
    )
    return str(made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"])


@aws_call("find or allocate the address of NAT gateway {name}")
def address(aws: Aws, name: str, tags: Tags) -> str:
    """Reuse an address that an interrupted run left unassociated, otherwise allocate one."""
    client = aws.client("ec2")
    filters = tag_filters(dict(sorted(tags.items())))
    for address in client.describe_addresses(Filters=filters)["Addresses"]:
        if not address.get("AssociationId"):
            return str(address["AllocationId"])
    made = client.allocate_address(Domain="vpc", TagSpecifications=_specification("elastic-ip", tags))
    return str(made["AllocationId"])


@aws_call("release address {allocation_id}")
def release_address(aws: Aws, allocation_id: str) -> None:
    with passing_over("InvalidAllocationID.NotFound"):
        aws.client("ec2").release_address(AllocationId=allocation_id)


@aws_call("create a NAT gateway in {subnet_id}")
def create_nat_gateway(aws: Aws, subnet_id: str, allocation_id: str, tags: Tags) -> str:
    made = aws.client("ec2").create_nat_gateway(
        SubnetId=subnet_id, AllocationId=allocation_id, TagSpecifications=_specification("natgateway", tags)
    )
    return str(made["NatGateway"]["NatGatewayId"])


@aws_call("delete NAT gateway {nat_gateway_id}")
def delete_nat_gateway(aws: Aws, nat_gateway_id: str) -> None:
    aws.client("ec2").delete_nat_gateway(NatGatewayId=nat_gateway_id)


@aws_call("create a route table in {vpc_id}")
def create_route_table(aws: Aws, vpc_id: str, tags: Tags) -> str:
    made = aws.client("ec2").create_route_table(VpcId=vpc_id, TagSpecifications=_specification("route-table", tags))
    return str(made["RouteTable"]["RouteTableId"])


@aws_call("write the route to {destination} of {table_id}")
def put_route(aws: Aws, table_id: str, destination: str, target: tuple[str, str], replace: bool) -> None:
    """`target` is the request's key and the gateway's id, such as ("NatGatewayId", "nat-…")."""
    client = aws.client("ec2")
    key = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    write = client.replace_route if replace else client.create_route
    write(RouteTableId=table_id, **{key: destination, target[0]: target[1]})


@aws_call("remove the route to {destination} from {table_id}")
def delete_route(aws: Aws, table_id: str, destination: str) -> None:
    key = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    aws.client("ec2").delete_route(RouteTableId=table_id, **{key: destination})


@aws_call("give {subnet_id} the routes of {table_id}")
def associate(aws: Aws, table_id: str, subnet_id: str, association_id: str | None) -> None:
    client = aws.client("ec2")
    if association_id:
        client.replace_route_table_association(AssociationId=association_id, RouteTableId=table_id)
    else:
        client.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)


@aws_call("create the endpoint of {service}")
def create_endpoint(aws: Aws, vpc_id: str, service: str, settings: Mapping[str, Any], tags: Tags) -> str:
    made = aws.client("ec2").create_vpc_endpoint(
        VpcId=vpc_id, ServiceName=service, TagSpecifications=_specification("vpc-endpoint", tags), **settings
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


@aws_call("change endpoint {endpoint_id}")
def modify_endpoint(aws: Aws, endpoint_id: str, change: Mapping[str, Any]) -> None:
    aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint_id, **change)


@aws_call("delete endpoint {endpoint_id}")
def delete_endpoint(aws: Aws, endpoint_id: str) -> None:
    answer = aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
    for failed in answer.get("Unsuccessful", []):
        if "NotFound" not in failed["Error"]["Code"]:
            raise Failure(f"Failed to delete {failed['ResourceId']}: {failed['Error']['Message']}.")


@aws_call("create security group {name}")
def create_security_group(aws: Aws, vpc_id: str, name: str, description: str, tags: Tags) -> None:
    aws.client("ec2").create_security_group(
        GroupName=name,
        Description=description,
        VpcId=vpc_id,
        TagSpecifications=_specification("security-group", tags),
    )


@aws_call("write rules of security group {group_id}")
def change_rules(aws: Aws, group_id: str, egress: bool, add: list[Entry], remove: list[Entry]) -> None:
    """Adds before it removes, so that permitted traffic is never interrupted."""
    client = aws.client("ec2")
    if add:
        write = client.authorize_security_group_egress if egress else client.authorize_security_group_ingress
        write(GroupId=group_id, IpPermissions=add)
    if remove:
        write = client.revoke_security_group_egress if egress else client.revoke_security_group_ingress
        write(GroupId=group_id, IpPermissions=remove)


@aws_call("create the flow log of {vpc_id}")
def create_flow_log(aws: Aws, vpc_id: str, log_group: str, role_arn: str, tags: Tags) -> None:
    answer = aws.client("ec2").create_flow_logs(
        ResourceIds=[vpc_id],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=log_group,
        DeliverLogsPermissionArn=role_arn,
        TagSpecifications=_specification("vpc-flow-log", tags),
    )
    for failed in answer.get("Unsuccessful", []):
        raise Failure(f"Failed to change {failed['ResourceId']}: {failed['Error']['Message']}.")


@aws_call("delete flow logs {ids}")
def delete_flow_logs(aws: Aws, ids: list[str]) -> None:
    aws.client("ec2").delete_flow_logs(FlowLogIds=ids)


@aws_call("read the network interfaces in {vpc_id}")
def network_interfaces(aws: Aws, vpc_id: str) -> list[Entry]:
    return _all(
        aws, "describe_network_interfaces", "NetworkInterfaces", Filters=[{"Name": "vpc-id", "Values": [vpc_id]}]
    )


@aws_call("tag {resource_id}")
def tag(aws: Aws, resource_id: str, tags: Tags) -> None:
    aws.client("ec2").create_tags(Resources=[resource_id], Tags=tag_list(tags))


@aws_call("untag {resource_id}")
def untag(aws: Aws, resource_id: str, keys: list[str]) -> None:
    aws.client("ec2").delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in keys])


# By kind: operation, key of the answer, key of the id.
_KINDS = {
    "VPC": ("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "route table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "security group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "internet gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "egress-only gateway": (
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    "NAT gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "address": ("describe_addresses", "Addresses", "AllocationId"),
    "endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "flow log": ("describe_flow_logs", "FlowLogs", "FlowLogId"),
}
KINDS = tuple(_KINDS)


@aws_call("read the {kind}s of {environment}")
def tagged(aws: Aws, kind: str, environment: str) -> dict[str, Entry]:
    """Resources of one of KINDS with the environment's tag, by id; without those being deleted."""
    operation, key, id_key = _KINDS[kind]
    # Two operations name the parameter Filter in the service model.
    parameter = "Filter" if operation in {"describe_flow_logs", "describe_nat_gateways"} else "Filters"
    request = {parameter: tag_filters({TAG_ENVIRONMENT: environment})}
    found = _all(aws, operation, key, **request)
    # The tag is checked again: nothing may be removed because a filter was ignored.
    return {
        entry[id_key]: entry
        for entry in found
        if tags_of(entry).get(TAG_ENVIRONMENT) == environment and entry.get("State", "") not in {"deleted", "deleting"}
    }


@aws_call("detach internet gateway {gateway_id} from {vpc_id}")
def detach_internet_gateway(aws: Aws, gateway_id: str, vpc_id: str) -> None:
    aws.client("ec2").detach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)


@aws_call("delete internet gateway {gateway_id}")
def delete_internet_gateway(aws: Aws, gateway_id: str) -> None:
    aws.client("ec2").delete_internet_gateway(InternetGatewayId=gateway_id)


@aws_call("delete egress-only internet gateway {gateway_id}")
def delete_egress_only_gateway(aws: Aws, gateway_id: str) -> None:
    aws.client("ec2").delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway_id)


@aws_call("end association {association_id} of a route table")
def disassociate(aws: Aws, association_id: str) -> None:
    aws.client("ec2").disassociate_route_table(AssociationId=association_id)


@aws_call("delete route table {table_id}")
def delete_route_table(aws: Aws, table_id: str) -> None:
    aws.client("ec2").delete_route_table(RouteTableId=table_id)


@aws_call("delete subnet {subnet_id}")
def delete_subnet(aws: Aws, subnet_id: str) -> None:
    aws.client("ec2").delete_subnet(SubnetId=subnet_id)


@aws_call("delete security group {group_id}")
def delete_security_group(aws: Aws, group_id: str) -> None:
    aws.client("ec2").delete_security_group(GroupId=group_id)


@aws_call("delete VPC {vpc_id}")
def delete_vpc(aws: Aws, vpc_id: str) -> None:
    aws.client("ec2").delete_vpc(VpcId=vpc_id)
