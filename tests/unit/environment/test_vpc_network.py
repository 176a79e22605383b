"""The network against moto: created once, then unchanged; manual changes are reported and corrected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.clock import Clock
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.vpc_network import run
from ansible_collections.pear.fargate.plugins.modules.vpc_network import ARGUMENT_SPEC
from moto import mock_aws

from tests.support.cases import one_in

pytestmark = pytest.mark.long

REGION = "eu-central-1"
Change = Callable[[Any, dict[str, Any]], object]


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("ec2", REGION)


def invoke(
    check_mode: bool = False, aws: Aws | None = None, clock: Clock | None = None, **options: Any
) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"environment": "staging", **options})
    assert not validated.error_messages
    call = Invocation(validated.validated_parameters, aws or Aws({"region": REGION}), check_mode)
    return run(replace(call, clock=clock) if clock else call)


def named(ec2: Any, kind: str, key: str, name: str) -> dict[str, Any]:
    """The one entry of a describe call that has this Name."""
    answer = getattr(ec2, f"describe_{kind}")(Filters=[{"Name": "tag:Name", "Values": [name]}])
    (entry,) = answer[key]
    return dict(entry)


def default_route(ec2: Any, table: str) -> str | None:
    routes = named(ec2, "route_tables", "RouteTables", table)["Routes"]
    found = [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    return found[0].get("NatGatewayId") or found[0].get("GatewayId") if found else None


def test_check_mode_tells_everything_and_makes_nothing(ec2: Any) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    message = invoke(check_mode=True)
    assert message["changed"]
    assert message["vpc_id"] is None
    assert {"VPC staging", "subnet staging-private-c", "NAT gateway staging-b", "endpoint s3"} <= set(
        message["diff"]["after"]
    )
    assert len(ec2.describe_vpcs()["Vpcs"]) == before
    assert ec2.describe_addresses()["Addresses"] == []


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nat": "single", "data_subnets": True},
        {"nat": "none", "endpoints": ["s3", "dynamodb", "logs", "ecr.api"]},
        {"ipv6": True},
    ],
    ids=["a way out per zone", "one way out, data subnets", "endpoints only", "IPv6"],
)
def test_it_is_made_once(ec2: Any, options: dict[str, Any]) -> None:
    made = invoke(**options)
    again = invoke(**options)
    assert again["diff"] == {"before": {}, "after": {}}
    assert {**again, "changed": True, "diff": made["diff"]} == made
    assert invoke(check_mode=True, **options)["changed"] is False


def policies(ec2: Any) -> dict[str, list[dict[str, Any]]]:
    """The statements of each endpoint's policy."""
    found = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return {each["ServiceName"].split(".", 3)[3]: json.loads(each["PolicyDocument"])["Statement"] for each in found}


def test_endpoints_trust_the_account_alone_where_that_is_said(ec2: Any) -> None:
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    own = {**anybody, "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}
    layers = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*",
    }
    options: dict[str, Any] = {"nat": "none", "endpoints": ["s3", "ecr.dkr"]}
    invoke(**options)
    told = invoke(check_mode=True, **options, endpoint_trust="account")["diff"]["after"]
    assert set(told) == {"endpoint s3 policy", "endpoint ecr.dkr policy"}
    invoke(**options, endpoint_trust="account")
    trusting = {"s3": [own, layers], "ecr.dkr": [own]}
    assert policies(ec2) == trusting
    assert not invoke(**options, endpoint_trust="account")["changed"]
    assert not invoke(**options)["changed"] and policies(ec2) == trusting, "left unchanged where nothing is said"
    invoke(**options, endpoint_trust="any")
    assert policies(ec2) == {"s3": [anybody], "ecr.dkr": [anybody]}


def test_a_new_endpoint_trusts_the_account_from_the_start(ec2: Any) -> None:
    invoke(endpoint_trust="account")
    (statement, _layers) = policies(ec2)["s3"]
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}
    assert not invoke(endpoint_trust="account")["changed"]


def test_each_private_subnet_leaves_through_its_own_zone_and_data_subnets_not_at_all(ec2: Any) -> None:
    made = invoke(data_subnets=True)
    assert [default_route(ec2, f"staging-private-{letter}") for letter in "abc"] == [
        made["nat_gateway_ids"][letter] for letter in "abc"
    ]
    assert default_route(ec2, "staging-data") is None
    assert str(default_route(ec2, "staging-public")).startswith("igw-")


def test_groups_open_to_the_one_before_them_only(ec2: Any) -> None:
    ids = invoke()["security_group_ids"]
    groups = {
        group["GroupName"]: group
        for group in ec2.describe_security_groups(GroupIds=list(ids.values()))["SecurityGroups"]
    }
    tasks = groups["staging-tasks"]["IpPermissions"]
    assert sorted((rule["FromPort"], rule["ToPort"]) for rule in tasks) == [(80, 80), (443, 443), (1024, 65535)]
    for rule in tasks:
        assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [ids["staging-load-balancer"]]
        assert rule["IpRanges"] == []
    (files,) = groups["staging-file-system"]["IpPermissions"]
    assert [pair["GroupId"] for pair in files["UserIdGroupPairs"]] == [ids["staging-tasks"]]
    assert groups["staging-file-system"]["IpPermissionsEgress"] == []


def test_tasks_reach_each_other_on_the_ports_that_are_named(ec2: Any) -> None:
    """Names of Service Connect and Cloud Map lead from task to task."""
    made = invoke(ports_between_tasks=["8080", "9000-9100"])
    group = made["security_group_ids"]["staging-tasks"]
    (tasks,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    between = {
        (rule["FromPort"], rule["ToPort"])
        for rule in tasks["IpPermissions"]
        for pair in rule["UserIdGroupPairs"]
        if pair["GroupId"] == group
    }
    assert between == {(8080, 8080), (9000, 9100)}
    assert not invoke(ports_between_tasks=["8080", "9000-9100"])["changed"]
    assert "security group staging-tasks ingress" in invoke()["diff"]["after"]


def test_the_vpcs_default_group_lets_nothing_pass(ec2: Any) -> None:
    vpc_id = invoke()["vpc_id"]
    desired = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = ec2.describe_security_groups(Filters=desired)["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def test_a_bastion_and_a_vpn_reach_the_database_and_what_was_added_by_hand_does_not(ec2: Any) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    bastion = ec2.create_security_group(GroupName="bastion", Description="theirs", VpcId=vpc_id)["GroupId"]
    options = {"existing_vpc_id": vpc_id, "database_port": 5432, "database_clients": [bastion, "10.99.1.2/16"]}
    invoke(**options)
    assert not invoke(**options)["changed"]

    def reached_from() -> set[str]:
        (found,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["staging-database"]}])[
            "SecurityGroups"
        ]
        (permission,) = found["IpPermissions"]
        assert (permission["FromPort"], permission["ToPort"]) == (5432, 5432)
        ranges = [entry["CidrIp"] for entry in permission["IpRanges"]]
        return {*ranges, *(entry["GroupId"] for entry in permission["UserIdGroupPairs"])}

    assert {bastion, "10.99.0.0/16"} < reached_from()
    invoke(**{**options, "database_clients": []})
    assert len(reached_from()) == 1, "the tasks alone"
    with pytest.raises(Failure, match="network_database_clients has 'bastion'"):
        invoke(check_mode=True, **{**options, "database_clients": ["bastion"]})


@pytest.mark.long
def test_fewer_nat_gateways_later_leave_no_address_behind(ec2: Any) -> None:
    invoke()
    assert len(ec2.describe_addresses()["Addresses"]) == 3
    made = invoke(nat="single")
    assert list(made["nat_gateway_ids"]) == ["a"]
    assert {default_route(ec2, f"staging-private-{letter}") for letter in "abc"} == {made["nat_gateway_ids"]["a"]}
    assert len(ec2.describe_addresses()["Addresses"]) == 1
    assert not invoke(nat="single")["changed"]


def test_an_existing_vpc_gets_the_groups_and_nothing_else(ec2: Any) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    made = invoke(existing_vpc_id=vpc_id)
    assert sorted(made["security_group_ids"]) == ["staging-file-system", "staging-load-balancer", "staging-tasks"]
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"] == []
    assert not invoke(existing_vpc_id=vpc_id)["changed"]


@pytest.mark.long
def test_a_flow_log_is_made_and_taken_back(ec2: Any) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/network")
    role = boto3.client("iam", REGION).create_role(RoleName="flow", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    desired = {"log_group": "/pear/staging/network", "role_arn": role}
    invoke(flow_log=desired)
    assert [flow_log["LogGroupName"] for flow_log in ec2.describe_flow_logs()["FlowLogs"]] == ["/pear/staging/network"]
    assert not invoke(flow_log=desired)["changed"]
    invoke()
    assert ec2.describe_flow_logs()["FlowLogs"] == []


def _open_tasks(ec2: Any, made: dict[str, Any]) -> None:
    group = made["security_group_ids"]["staging-tasks"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def _close_balancer(ec2: Any, made: dict[str, Any]) -> None:
    group = made["security_group_ids"]["staging-load-balancer"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])


def _cross_zones(ec2: Any, made: dict[str, Any]) -> None:
    ec2.replace_route(
        RouteTableId=made["route_table_ids"]["private-b"],
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=made["nat_gateway_ids"]["a"],
    )


def _lose_route(ec2: Any, made: dict[str, Any]) -> None:
    ec2.delete_route(RouteTableId=made["route_table_ids"]["private-c"], DestinationCidrBlock="0.0.0.0/0")


def _add_route(ec2: Any, made: dict[str, Any]) -> None:
    ec2.create_route(
        RouteTableId=made["route_table_ids"]["private-a"],
        DestinationCidrBlock="192.0.2.0/24",
        NatGatewayId=made["nat_gateway_ids"]["a"],
    )


def _rename_subnet(ec2: Any, made: dict[str, Any]) -> None:
    ec2.create_tags(Resources=[made["subnet_ids"]["private-a"]], Tags=[{"Key": "Name", "Value": "mine"}])


def _untier_subnet(ec2: Any, made: dict[str, Any]) -> None:
    ec2.delete_tags(Resources=[made["subnet_ids"]["public-a"]], Tags=[{"Key": "pear:tier"}])


def _public_addresses(ec2: Any, made: dict[str, Any]) -> None:
    ec2.modify_subnet_attribute(SubnetId=made["subnet_ids"]["private-a"], MapPublicIpOnLaunch={"Value": True})


def _no_hostnames(ec2: Any, made: dict[str, Any]) -> None:
    ec2.modify_vpc_attribute(VpcId=made["vpc_id"], EnableDnsHostnames={"Value": False})


def _lose_nat(ec2: Any, made: dict[str, Any]) -> None:
    ec2.delete_nat_gateway(NatGatewayId=made["nat_gateway_ids"]["b"])


def _lose_endpoint(ec2: Any, made: dict[str, Any]) -> None:
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])


def _lose_tag(ec2: Any, made: dict[str, Any]) -> None:
    ec2.delete_tags(Resources=[made["security_group_ids"]["staging-tasks"]], Tags=[{"Key": "pear:component"}])


def _other_table(ec2: Any, made: dict[str, Any]) -> None:
    desired = [{"Name": "association.subnet-id", "Values": [made["subnet_ids"]["private-a"]]}]
    (table,) = ec2.describe_route_tables(Filters=desired)["RouteTables"]
    link = next(
        association
        for association in table["Associations"]
        if association.get("SubnetId") == made["subnet_ids"]["private-a"]
    )
    ec2.replace_route_table_association(
        AssociationId=link["RouteTableAssociationId"], RouteTableId=made["route_table_ids"]["public"]
    )


@pytest.mark.parametrize(
    ("change", "property_name"),
    one_in(
        4,
        [
            (_open_tasks, "security group staging-tasks ingress"),
            (_close_balancer, "security group staging-load-balancer ingress"),
            (_cross_zones, "route table staging-private-b 0.0.0.0/0"),
            (_lose_route, "route table staging-private-c 0.0.0.0/0"),
            (_add_route, "route table staging-private-a 192.0.2.0/24"),
            (_rename_subnet, "subnet staging-private-a tags"),
            (_untier_subnet, "subnet staging-public-a tags"),
            (_public_addresses, "subnet staging-private-a public addresses"),
            (_no_hostnames, "VPC staging enableDnsHostnames"),
            (_lose_nat, "NAT gateway staging-b"),
            (_lose_endpoint, "endpoint s3"),
            (_lose_tag, "security group staging-tasks tags"),
            (_other_table, "subnet staging-private-a routes"),
        ],
    ),
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_manual_change_is_reported_and_corrected(ec2: Any, change: Change, property_name: str) -> None:
    change(ec2, invoke())
    assert property_name in invoke(check_mode=True)["diff"]["after"]
    assert property_name in invoke()["diff"]["after"]
    assert not invoke()["changed"]


def test_a_route_of_others_to_a_peering_connection_stays(ec2: Any) -> None:
    """It has no tags. Without it the services of the environment lose what they reach there."""
    made = invoke(data_subnets=True)
    peer = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=made["vpc_id"], PeerVpcId=peer)
    connection = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=connection)
    for table in ("public", "private-a", "data"):
        ec2.create_route(
            RouteTableId=made["route_table_ids"][table],
            DestinationCidrBlock="10.99.0.0/16",
            VpcPeeringConnectionId=connection,
        )
    assert not invoke(check_mode=True, data_subnets=True)["changed"]
    assert not invoke(data_subnets=True)["changed"]
    routes = named(ec2, "route_tables", "RouteTables", "staging-private-a")["Routes"]
    assert [
        route.get("VpcPeeringConnectionId") for route in routes if route.get("DestinationCidrBlock") == "10.99.0.0/16"
    ] == [connection]


def test_an_interrupted_run_leaves_nothing_twice(ec2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after each write in turn, the next run completes, and makes no second address, gateway or group."""
    from ansible_collections.pear.fargate.plugins.module_utils.aws import ec2 as calls

    class KilledError(BaseException):
        pass

    writes = [
        name
        for name in dir(calls)
        if name.startswith(("create_", "attach_", "put_", "associate", "change_", "address"))
    ]
    left = 0
    one_session = Aws({"region": REGION})

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            answer = real(*args, **kwargs)
            left -= 1
            if left == 0:
                raise KilledError
            return answer

        return call

    for name in writes:
        monkeypatch.setattr(calls, name, dying(getattr(calls, name)))
    deaths = 0
    for run_number in range(200):
        # Never twice at the same place: some calls find what the run before made, and write nothing.
        left = 1 + run_number % 3
        try:
            invoke(aws=one_session)
        except KilledError:
            deaths += 1
            continue
        break
    assert deaths > 20
    left = 0
    assert invoke()["diff"]["after"] == {}
    assert len(ec2.describe_addresses()["Addresses"]) == 3
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 3
    assert len(ec2.describe_internet_gateways()["InternetGateways"]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cidr": "10.0.0.0/24"}, "/16 to /20"),
        ({"zones": ["eu-nowhere-1a"]}, "eu-nowhere-1a"),
        ({"zone_count": 9}, "network_zone_count is 9"),
        ({"task_ports": ["web"]}, "'web' is neither a port nor a range of ports"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(ec2: Any, options: dict[str, Any], message: str) -> None:
    before = len(ec2.describe_vpcs()["Vpcs"])
    with pytest.raises(Failure, match=message):
        invoke(**options)
    assert len(ec2.describe_vpcs()["Vpcs"]) == before


def test_addresses_cannot_change(ec2: Any) -> None:
    invoke()
    with pytest.raises(Failure, match="cannot be changed"):
        invoke(cidr="10.30.0.0/16")


def test_tasks_let_in_the_load_balancer_of_others_and_no_group_is_made_for_ours(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    theirs = ec2.create_security_group(GroupName="corp-load-balancer", Description="theirs", VpcId=vpc)["GroupId"]
    given = {"existing_vpc_id": vpc, "load_balancer_security_group_ids": [theirs]}
    made = invoke(**given)["security_group_ids"]
    assert sorted(made) == ["staging-file-system", "staging-tasks"]
    (group,) = ec2.describe_security_groups(GroupIds=[made["staging-tasks"]])["SecurityGroups"]
    assert {pair["GroupId"] for rule in group["IpPermissions"] for pair in rule["UserIdGroupPairs"]} == {theirs}
    again = invoke(**given)
    assert not again["changed"], again["diff"]


def in_the_vpc(ec2: Any, vpc: str) -> int:
    """How many resources the VPC holds besides what comes with every VPC; -1 where it is gone."""
    if vpc not in {found["VpcId"] for found in ec2.describe_vpcs()["Vpcs"]}:
        return -1
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    return len(ec2.describe_subnets(Filters=here)["Subnets"]) + len(
        ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    )


@pytest.mark.parametrize("nat", ["single", "none"])
@pytest.mark.long
def test_it_is_removed_as_a_whole_and_check_mode_removes_nothing(ec2: Any, nat: str) -> None:
    options: dict[str, Any] = {"nat": nat, "data_subnets": True, "endpoints": ["s3", "logs"]}
    vpc = invoke(**options)["vpc_id"]
    before = in_the_vpc(ec2, vpc)
    planned = invoke(check_mode=True, state="absent")
    assert planned["changed"] and set(planned["diff"]["after"].values()) == {"absent"}
    assert in_the_vpc(ec2, vpc) == before
    assert invoke(state="absent")["changed"]
    assert in_the_vpc(ec2, vpc) == -1
    assert ec2.describe_addresses()["Addresses"] == []
    assert invoke(state="absent")["diff"] == {"before": {}, "after": {}}


def test_a_network_with_something_in_it_is_left_as_it_is(ec2: Any) -> None:
    made = invoke(nat="single")
    before = in_the_vpc(ec2, made["vpc_id"])
    ec2.create_network_interface(SubnetId=made["subnet_ids"]["private-a"], Description="somebody's task")
    for check_mode in (True, False):
        with pytest.raises(Failure, match=r"Nothing was removed: vpc-\w+ is in use by eni-\w+ \(somebody's task\)"):
            invoke(check_mode=check_mode, state="absent")
    assert in_the_vpc(ec2, made["vpc_id"]) == before


def test_only_our_groups_leave_a_vpc_of_others(ec2: Any) -> None:
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    before = in_the_vpc(ec2, vpc)
    invoke(existing_vpc_id=vpc)
    assert in_the_vpc(ec2, vpc) > before
    assert invoke(existing_vpc_id=vpc, state="absent")["changed"]
    assert in_the_vpc(ec2, vpc) == before


def test_tags_that_are_not_listed_go_only_where_that_is_said(ec2: Any) -> None:
    made = invoke(nat="none")
    ec2.create_tags(Resources=[made["vpc_id"]], Tags=[{"Key": "by-hand", "Value": "yes"}])
    assert not invoke(nat="none")["changed"]
    assert invoke(nat="none", purge_tags=True)["diff"]["after"] == {"VPC staging tags": {"by-hand": None}}
    assert not invoke(nat="none", purge_tags=True)["changed"]


def test_clients_of_other_load_balancers_reach_the_tasks_on_their_ports_and_transport(ec2: Any) -> None:
    clients = [
        {"source": "10.99.1.2/16"},
        {"source": "0.0.0.0/0", "protocol": "udp", "ports": ["5353", "7000-7010"]},
    ]
    invoke(task_ports=["8080"], task_clients=clients)
    (tasks,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["staging-tasks"]}])[
        "SecurityGroups"
    ]
    found = {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], one["CidrIp"])
        for rule in tasks["IpPermissions"]
        for one in rule["IpRanges"]
    }
    assert found == {
        ("tcp", 8080, 8080, "10.99.0.0/16"),
        ("udp", 5353, 5353, "0.0.0.0/0"),
        ("udp", 7000, 7010, "0.0.0.0/0"),
    }
    assert not invoke(task_ports=["8080"], task_clients=clients)["changed"]
    with pytest.raises(Failure, match="network_task_clients has 'office'"):
        invoke(check_mode=True, task_clients=[{"source": "office"}])


def test_a_further_load_balancer_has_a_group_that_its_clients_reach_and_that_reaches_the_tasks(ec2: Any) -> None:
    games = {
        "name": "games",
        "scheme": "internet-facing",
        "clients": [{"ports": ["7000"]}, {"protocol": "udp", "ports": ["7001"]}],
    }
    given = {
        "task_ports": ["8080"],
        "ingress_cidrs": ["198.51.100.0/24"],
        "load_balancers": [{"name": "internal"}, games],
    }
    invoke(**given)
    assert not invoke(**given)["changed"]
    every = {group["GroupName"]: group for group in ec2.describe_security_groups()["SecurityGroups"]}

    def reached(name: str) -> set[tuple[Any, ...]]:
        rules = every[name]["IpPermissions"]
        by_address = {
            (rule["IpProtocol"], rule["FromPort"], one["CidrIp"]) for rule in rules for one in rule["IpRanges"]
        }
        names = {group["GroupId"]: key for key, group in every.items()}
        pairs = [(rule, pair) for rule in rules for pair in rule["UserIdGroupPairs"]]
        return by_address | {(rule["IpProtocol"], rule["FromPort"], names[pair["GroupId"]]) for rule, pair in pairs}

    assert reached("staging-games-load-balancer") == {
        ("tcp", 7000, "198.51.100.0/24"),
        ("udp", 7001, "198.51.100.0/24"),
    }
    vpc = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["staging"]}])["Vpcs"][0]["CidrBlock"]
    assert reached("staging-internal-load-balancer") == {("tcp", 80, vpc), ("tcp", 443, vpc)}
    assert reached("staging-tasks") == {
        ("tcp", 8080, "staging-load-balancer"),
        ("tcp", 8080, "staging-internal-load-balancer"),
        ("tcp", 8080, "staging-games-load-balancer"),
        ("udp", 8080, "staging-games-load-balancer"),
    }
    with pytest.raises(Failure, match="load_balancer_further has 'In'"):
        invoke(check_mode=True, load_balancers=[{"name": "In"}])
