"""The network as EC2 reports it; the manual changes: SSH opened to the tasks, and the way out of one zone taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3

ANYWHERE = "0.0.0.0/0"
EVERYTHING_OUT = {("-1", None, None, ANYWHERE)}
# Who may come in, and where to: each group from the one before it.
GROUPS: dict[str, tuple[set[tuple[Any, ...]], set[tuple[Any, ...]]]] = {
    "local-load-balancer": ({("tcp", port, port, ANYWHERE) for port in (80, 443)}, EVERYTHING_OUT),
    "local-tasks": (
        {("tcp", *ports, "local-load-balancer") for ports in ((80, 80), (443, 443), (1024, 65535))},
        EVERYTHING_OUT,
    ),
    "local-file-system": ({("tcp", 2049, 2049, "local-tasks")}, set()),
    # The VPC's own, which nothing is in.
    "default": (set(), set()),
}
ZONES = "abc"


def verify() -> None:
    ec2 = boto3.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:pear:environment", "Values": ["local"]}])["Vpcs"]
    assert vpc["CidrBlock"] == "10.20.0.0/16"
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = {_name(subnet): subnet for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]}
    assert set(subnets) == {f"local-{tier}-{zone}" for tier in ("public", "private", "data") for zone in ZONES}
    assert all(subnet["AvailabilityZone"] == f"eu-central-1{name[-1]}" for name, subnet in subnets.items())
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())
    _verify_ways_out(ec2, inside, {name: subnet["SubnetId"] for name, subnet in subnets.items()})
    _verify_groups(ec2, inside)


def _verify_ways_out(ec2: Any, inside: list[Any], subnets: Mapping[str, str]) -> None:
    """Of public subnets the internet gateway, of private ones the only NAT gateway, of those for data none; S3's endpoint of both."""
    (gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    living = [*inside, {"Name": "state", "Values": ["available"]}]
    (nat,) = ec2.describe_nat_gateways(Filters=living)["NatGateways"]
    assert nat["SubnetId"] == subnets["local-public-a"]
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
    assert (endpoint["ServiceName"], endpoint["VpcEndpointType"]) == ("com.amazonaws.eu-central-1.s3", "Gateway")

    private = {f"local-private-{zone}": {ANYWHERE: nat["NatGatewayId"]} for zone in ZONES}
    ways = {"local-public": {ANYWHERE: gateway["InternetGatewayId"]}, **private, "local-data": {}}
    listed = ec2.describe_route_tables(Filters=inside)["RouteTables"]
    tables = {_name(table): table for table in listed if not any(row["Main"] for row in table["Associations"])}
    assert {name: _routes(table) for name, table in tables.items()} == ways
    # A way to S3 is one to AWS alone: data has it too.
    inner = {table["RouteTableId"] for name, table in tables.items() if name != "local-public"}
    assert set(endpoint["RouteTableIds"]) == inner
    followed = {
        name: {row["SubnetId"] for row in table["Associations"] if "SubnetId" in row} for name, table in tables.items()
    }
    assert followed == {
        "local-public": {subnets[f"local-public-{zone}"] for zone in ZONES},
        **{name: {subnets[name]} for name in private},
        "local-data": {subnets[f"local-data-{zone}"] for zone in ZONES},
    }


def _routes(table: Mapping[str, Any]) -> dict[str, str]:
    """Destinations outside of the VPC; those of an endpoint are prefix lists."""
    return {
        route["DestinationCidrBlock"]: route.get("NatGatewayId") or route["GatewayId"]
        for route in table["Routes"]
        if "DestinationCidrBlock" in route and route.get("GatewayId") != "local"
    }


def _verify_groups(ec2: Any, inside: list[Any]) -> None:
    groups = ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
    names = {group["GroupId"]: group["GroupName"] for group in groups}
    found = {
        group["GroupName"]: (_rules(group["IpPermissions"], names), _rules(group["IpPermissionsEgress"], names))
        for group in groups
    }
    assert found == GROUPS, found


def _rules(permissions: list[Any], names: Mapping[str, str]) -> set[tuple[Any, ...]]:
    """Protocol, first and last port, and the group or the addresses of each permission."""
    return {
        (permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"), source)
        for permission in permissions
        for source in [
            *(names[pair["GroupId"]] for pair in permission["UserIdGroupPairs"]),
            *(addresses["CidrIp"] for addresses in permission["IpRanges"]),
            *(addresses["CidrIpv6"] for addresses in permission["Ipv6Ranges"]),
            *(prefixes["PrefixListId"] for prefixes in permission["PrefixListIds"]),
        ]
    }


def _name(resource: Mapping[str, Any]) -> str:
    return next((tag["Value"] for tag in resource["Tags"] if tag["Key"] == "Name"), "")


def side_effect() -> None:
    ec2 = boto3.client("ec2")
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["local-tasks"]}])[
        "SecurityGroups"
    ]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "tag:Name", "Values": ["local-private-b"]}])["RouteTables"]
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=ANYWHERE)
