"""What others made is looked at before anything stands on it: zones, routes, listeners, trust; and it is only read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service import existing_fit
from moto import mock_aws

REGION = "eu-central-1"


def client(name: str) -> Any:
    return boto3.client(name, REGION)


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A network of others with a way out, their load balancer without HTTPS, a cluster and a file system in one zone."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2, elb = client("ec2"), client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        made: dict[str, Any] = {"vpc": vpc, "public": [], "private": []}
        tables = {
            tier: ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for tier in ("public", "private")
        }
        for number, (tier, zone) in enumerate((tier, zone) for tier in ("public", "private") for zone in "ab"):
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
            made[tier].append(subnet["Subnet"]["SubnetId"])
            ec2.associate_route_table(RouteTableId=tables[tier], SubnetId=made[tier][-1])
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        nat = ec2.create_nat_gateway(
            SubnetId=made["public"][0], AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
        )["NatGateway"]["NatGatewayId"]
        ec2.create_route(RouteTableId=tables["private"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        made["tables"] = tables
        balancer = elb.create_load_balancer(Name="corp", Subnets=made["public"])["LoadBalancers"][0]["LoadBalancerArn"]
        default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=default)
        made |= {"balancer": balancer, "listener": listener["Listeners"][0]["ListenerArn"]}
        client("ecs").create_cluster(clusterName="corp")
        made["files"] = client("efs").create_file_system(CreationToken="theirs")["FileSystemId"]
        client("efs").create_mount_target(FileSystemId=made["files"], SubnetId=made["private"][0])
        trust = {"Statement": [{"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        role = client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=json.dumps(trust))
        made["role"] = role["Role"]["Arn"]
        yield made


def values(corp: dict[str, Any], **more: Any) -> dict[str, Any]:
    network = {"vpc_id": corp["vpc"], "public_subnet_ids": corp["public"], "private_subnet_ids": corp["private"]}
    return {"network_existing": network, **more}


def environment(given: dict[str, Any]) -> list[str]:
    unchecked: list[str] = []
    found = existing_fit.of_environment(Aws({"region": REGION}), given, unchecked)
    assert unchecked == []
    return found


def test_what_fits_has_no_finding(corp: dict[str, Any]) -> None:
    assert environment(values(corp)) == []
    assert environment(values(corp, cluster_existing="corp", load_balancer_existing=corp["listener"])) == []
    assert environment({}) == []


def test_a_web_acl_that_is_not_in_front_of_their_load_balancer_is_a_finding(corp: dict[str, Any]) -> None:
    made = client("wafv2").create_web_acl(
        Name="ours",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "ours"},
    )["Summary"]["ARN"]
    given = values(corp, load_balancer_existing=corp["listener"], load_balancer_web_acl_arn=made)
    (found,) = environment(given)
    assert "load_balancer_existing has no web ACL in front of it, which stays as it is: ask its owner" in found
    client("wafv2").associate_web_acl(WebACLArn=made, ResourceArn=corp["balancer"])
    assert environment(given) == []


def test_subnets_of_one_zone_are_a_finding(corp: dict[str, Any]) -> None:
    given = values(corp)
    given["network_existing"]["private_subnet_ids"] = corp["private"][:1]
    assert any("private_subnet_ids is in eu-central-1a; name subnets of two zones" in one for one in environment(given))


def test_tasks_without_a_way_out_are_a_finding_unless_the_vpc_has_the_endpoints(corp: dict[str, Any]) -> None:
    ec2 = client("ec2")
    ec2.delete_route(RouteTableId=corp["tables"]["private"], DestinationCidrBlock="0.0.0.0/0")
    (found,) = environment(values(corp))
    assert "no endpoint of ecr.api, ecr.dkr, logs, s3: tasks could not pull their image" in found
    for service in ("ecr.api", "ecr.dkr", "logs"):
        ec2.create_vpc_endpoint(
            VpcId=corp["vpc"], ServiceName=f"com.amazonaws.{REGION}.{service}", VpcEndpointType="Interface"
        )
    ec2.create_vpc_endpoint(VpcId=corp["vpc"], ServiceName=f"com.amazonaws.{REGION}.s3")
    assert environment(values(corp)) == []


def test_a_public_subnet_without_an_internet_gateway_is_a_finding(corp: dict[str, Any]) -> None:
    client("ec2").delete_route(RouteTableId=corp["tables"]["public"], DestinationCidrBlock="0.0.0.0/0")
    assert any("no route to an internet gateway" in one for one in environment(values(corp)))
    assert environment(values(corp, load_balancer_scheme="internal")) == []


def test_a_load_balancer_must_be_where_the_tasks_are_and_have_the_listener(corp: dict[str, Any]) -> None:
    (found,) = environment({"load_balancer_existing": corp["listener"]})
    assert "set network_existing to that VPC" in found
    (found,) = environment(values(corp, load_balancer_existing=corp["balancer"]))
    assert "has no HTTPS listener: name the listener" in found
    (found,) = environment(values(corp, load_balancer_existing=corp["listener"][:-1] + "x"))
    assert "has no such listener" in found
    gone = corp["balancer"].replace("/corp/", "/gone/")
    (found,) = environment(values(corp, load_balancer_existing=gone))
    assert "there is no such load balancer" in found


def test_of_several_https_listeners_the_one_on_443_is_meant_or_one_has_to_be_named(corp: dict[str, Any]) -> None:
    elb = client("elbv2")
    certificate = client("acm").request_certificate(DomainName="a.example")["CertificateArn"]
    tls = {
        "LoadBalancerArn": corp["balancer"],
        "Protocol": "HTTPS",
        "Certificates": [{"CertificateArn": certificate}],
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    }
    elb.create_listener(Port=8443, **tls)
    given = values(corp, load_balancer_existing=corp["balancer"])
    assert environment(given) == []
    other = elb.create_listener(Port=9443, **tls)["Listeners"][0]["ListenerArn"]
    (found,) = environment(given)
    assert "HTTPS listeners on the ports 8443, 9443 and none on 443: name the listener to use by its ARN" in found
    assert environment(values(corp, load_balancer_existing=other)) == []
    elb.create_listener(Port=443, **tls)
    assert environment(given) == []


def test_what_is_not_there_is_a_finding(corp: dict[str, Any]) -> None:
    found = environment(values(corp, cluster_existing="nowhere", file_system_existing="fs-0123456789abcdef0"))
    assert [one.split(" is ")[0] for one in found] == ["cluster_existing", "file_system_existing"]
    given = {"network_existing": {"vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": []}}
    (missing,) = environment(given)
    assert "vpc-0123456789abcdef0" in missing


def test_a_file_system_needs_a_mount_target_in_each_zone_of_the_tasks(corp: dict[str, Any]) -> None:
    (found,) = environment(values(corp, file_system_existing=corp["files"]))
    assert f"has no mount target in {REGION}b" in found


def test_what_the_service_names_must_be_there_and_let_tasks_in(corp: dict[str, Any]) -> None:
    given = {
        "service_log_group": "/none",
        "service_execution_role_arn": corp["role"],
        "service_task_role_arn": corp["role"] + "-gone",
        "service_infrastructure_role_arn": corp["role"],
        "registry_existing": True,
        "registry_repository": "none",
        "service_subnet_ids": corp["private"][:1],
    }
    found = existing_fit.of_service(Aws({"region": REGION}), given, [])
    assert len(found) == 6
    said = "\n".join(found)
    for words in (
        "service_log_group is '/none', and there is no such log group",
        "does not let ecs-tasks.amazonaws.com assume it",
        "does not let ecs.amazonaws.com assume it",
        "service_task_role_arn is",
        "there is no repository 'none'",
        "service_subnet_ids is in eu-central-1a; name subnets of two zones",
    ):
        assert words in said


def service(given: dict[str, Any]) -> list[str]:
    unchecked: list[str] = []
    found = existing_fit.of_service(Aws({"region": REGION}), {"environment_name": "team", **given}, unchecked)
    assert unchecked == []
    return found


def test_subnets_and_security_groups_of_a_service_must_be_where_the_environment_is(corp: dict[str, Any]) -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="db-clients", Description="theirs", VpcId=corp["vpc"])["GroupId"]
    given = values(corp, service_subnet_ids=corp["private"], service_security_group_ids=[group])
    assert service(given) == []
    elsewhere = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    abroad = {**given, "network_existing": {"vpc_id": elsewhere}}
    subnets, groups = service(abroad)
    assert f"is not in {elsewhere}, where the environment's security groups and target groups are" in subnets
    assert f"service_security_group_ids holds {group}, and {elsewhere}" in groups
    assert service({**given, "network_existing": {}}) == [], "a VPC that is still to be made says nothing"
    ec2.create_tags(
        Resources=[elsewhere],
        Tags=[{"Key": "pear:environment", "Value": "team"}, {"Key": "pear:component", "Value": "network"}],
    )
    assert len(service({**given, "network_existing": {}})) == 2, "the environment's own"


def test_subnets_of_a_service_need_a_way_out(corp: dict[str, Any]) -> None:
    client("ec2").delete_route(RouteTableId=corp["tables"]["private"], DestinationCidrBlock="0.0.0.0/0")
    (found,) = service(values(corp, service_subnet_ids=corp["private"]))
    assert found.startswith("service_subnet_ids: ") and "tasks could not pull their image" in found
    assert service(values(corp, service_subnet_ids=corp["public"], service_assign_public_ip=True)) == []


def test_a_capacity_provider_that_a_cluster_of_others_lacks_is_a_finding(corp: dict[str, Any]) -> None:
    spot = {"service_capacity_providers": [{"capacity_provider": "FARGATE"}, {"capacity_provider": "FARGATE_SPOT"}]}
    client("ecs").put_cluster_capacity_providers(
        cluster="corp", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
    )
    (found,) = service({**spot, "cluster_existing": "corp"})
    assert "names FARGATE_SPOT, and cluster corp (cluster_existing) has FARGATE" in found
    assert service(spot) == [], "an own cluster gets both"


def test_a_load_balancer_of_others_has_to_let_requests_out(corp: dict[str, Any]) -> None:
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName="alb", Description="theirs", VpcId=corp["vpc"])["GroupId"]
    client("elbv2").set_security_groups(LoadBalancerArn=corp["balancer"], SecurityGroups=[group])
    given = values(corp, load_balancer_existing=corp["listener"], network_task_ports=["1024-65535", "80"])
    assert environment(given) == []
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    (found,) = environment(given)
    assert "let it send nothing to the ports 1024-65535, 80 (network_task_ports)" in found
    narrow = [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=narrow)
    assert environment(given) == []
    assert len(environment({**given, "network_task_ports": ["80"]})) == 1


def test_a_backlog_in_a_cluster_of_others_needs_its_count_of_tasks(corp: dict[str, Any]) -> None:
    backlog = {"autoscaling_policies": [{"name": "b", "metric": "backlog", "queue": "q", "target": 5}]}
    off = [{"name": "containerInsights", "value": "disabled"}]
    client("ecs").create_cluster(clusterName="dark", settings=off)
    (found,) = service({**backlog, "cluster_existing": "dark"})
    assert "Container Insights is off in cluster dark (cluster_existing)" in found
    assert (
        service({**backlog, "cluster_existing": "dark", "autoscaling_policies": [{"name": "c", "metric": "cpu"}]}) == []
    )
    client("ecs").update_cluster(cluster="dark", settings=[{"name": "containerInsights", "value": "enhanced"}])
    assert service({**backlog, "cluster_existing": "dark"}) == []


def test_a_role_is_named_by_its_arn(corp: dict[str, Any]) -> None:
    (found,) = service({"service_execution_role_arn": "theirs"})
    assert "service_execution_role_arn is 'theirs'; it must be the role's ARN" in found
