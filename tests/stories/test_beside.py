"""Beside what others have: what has the name of ours is refused, what is named as existing is used, and nothing of it changes."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.plays import ROOT, Player, PlayResult

from .conftest import Stage
from .guarded import TRUST as ANYBODY
from .guarded import credentials, refused

INVENTORY = ("tests/stories/beside",)
PROVISION, RELEASE, DESTROY = (f"playbooks/{name}.yml" for name in ("provision", "release", "destroy"))
OWNER = {"Owner": "platform"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PULL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ecr:*", "logs:*"], "Resource": ["*"]}],
}


def pairs(**more: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in {**OWNER, **more}.items()]


def lower() -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in OWNER.items()]


def certificate() -> dict[str, bytes]:
    """A certificate of their own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp.example.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.corp.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"Certificate": made.public_bytes(serialization.Encoding.PEM), "PrivateKey": private}


@dataclass
class Corp:
    """What the platform team made with plain calls, under the name corp."""

    stage: Stage
    ids: dict[str, Any] = field(default_factory=dict)

    def make(self) -> None:
        self._network()
        self._load_balancer()
        client = self.stage.client
        # In two calls: with capacity providers ECS refuses the first cluster of an account for some seconds.
        client("ecs").create_cluster(clusterName="corp", tags=lower())
        client("ecs").put_cluster_capacity_providers(
            cluster="corp", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
        )
        client("ecr").create_repository(repositoryName="portal", imageTagMutability="MUTABLE", tags=pairs())
        client("logs").create_log_group(logGroupName="/pear/corp/portal", tags=OWNER)
        client("logs").put_retention_policy(logGroupName="/pear/corp/portal", retentionInDays=400)
        for role in ("corp-eu-central-1-portal-execution", "corp-eu-central-1-portal-task"):
            made = client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=pairs())
            client("iam").put_role_policy(RoleName=role, PolicyName="theirs", PolicyDocument=json.dumps(PULL))
            self.ids[role] = made["Role"]["Arn"]

    def _network(self) -> None:
        ec2 = self.stage.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
        self.ids["vpc"] = vpc
        tables = {
            tier: ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for tier in ("public", "private")
        }
        for number, (tier, zone) in enumerate((tier, zone) for tier in ("public", "private") for zone in "ab"):
            subnet = ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.60.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}"
            )["Subnet"]["SubnetId"]
            self.ids.setdefault(tier, []).append(subnet)
            ec2.associate_route_table(RouteTableId=tables[tier], SubnetId=subnet)
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        nat = ec2.create_nat_gateway(SubnetId=self.ids["public"][0], AllocationId=address)["NatGateway"]["NatGatewayId"]
        ec2.create_route(RouteTableId=tables["private"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
        group = ec2.create_security_group(GroupName="corp-load-balancer", Description="theirs", VpcId=vpc)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        self.ids["group"] = group

    def _load_balancer(self) -> None:
        elbv2 = self.stage.client("elbv2")
        made = elbv2.create_load_balancer(
            Name="corp",
            Scheme="internet-facing",
            Subnets=self.ids["public"],
            SecurityGroups=[self.ids["group"]],
            Tags=pairs(),
        )["LoadBalancers"][0]
        elbv2.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made["LoadBalancerArn"]])
        self.ids["load_balancer"], self.ids["address"] = made["LoadBalancerArn"], made["DNSName"]
        arn = self.stage.client("acm").import_certificate(**certificate())["CertificateArn"]
        answer = {"StatusCode": "200", "ContentType": "text/plain", "MessageBody": "the portal of corp"}
        self.ids["listener"] = elbv2.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": arn}],
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": answer}],
        )["Listeners"][0]["ListenerArn"]
        theirs = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["intranet.corp.example.test"]}}]
        elbv2.create_rule(
            ListenerArn=self.ids["listener"],
            Priority=100,
            Conditions=theirs,
            Actions=[{"Type": "fixed-response", "FixedResponseConfig": {**answer, "MessageBody": "intranet"}}],
        )

    def everything(self) -> dict[str, Any]:
        """All that they made, as AWS describes it."""
        ec2, elbv2, iam = (self.stage.client(service) for service in ("ec2", "elbv2", "iam"))
        inside = [{"Name": "vpc-id", "Values": [self.ids["vpc"]]}]
        balancer = self.ids["load_balancer"]
        repositories = self.stage.client("ecr").describe_repositories(repositoryNames=["portal"])["repositories"]
        rules = elbv2.describe_rules(ListenerArn=self.ids["listener"])["Rules"]
        cluster = self.stage.client("ecs").describe_clusters(clusters=["corp"], include=["TAGS", "SETTINGS"])
        groups = ec2.describe_security_groups(GroupIds=[self.ids["group"]])["SecurityGroups"]
        return {
            "vpc": ec2.describe_vpcs(VpcIds=[self.ids["vpc"]])["Vpcs"],
            "subnets": ec2.describe_subnets(Filters=inside)["Subnets"],
            "routes": ec2.describe_route_tables(Filters=inside)["RouteTables"],
            "group": groups,
            "balancers": elbv2.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"],
            "attributes": elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"],
            "listeners": elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"],
            "rules": [rule for rule in rules if rule["Priority"] in ("100", "default")],
            "tags": elbv2.describe_tags(ResourceArns=[balancer, self.ids["listener"]])["TagDescriptions"],
            "cluster": {key: cluster["clusters"][0][key] for key in ("clusterArn", "status", "tags", "settings")},
            "repository": repositories,
            "repository tags": self.stage.client("ecr").list_tags_for_resource(
                resourceArn=repositories[0]["repositoryArn"]
            )["tags"],
            "log group": [
                {key: group.get(key) for key in ("logGroupName", "retentionInDays", "kmsKeyId")}
                for group in self.stage.client("logs").describe_log_groups()["logGroups"]
                if group["logGroupName"] == "/pear/corp/portal"
            ],
            "roles": [
                iam.get_role(RoleName=role)["Role"]
                for role in ("corp-eu-central-1-portal-execution", "corp-eu-central-1-portal-task")
            ],
            "policies": [
                iam.list_role_policies(RoleName=role)["PolicyNames"]
                for role in ("corp-eu-central-1-portal-execution", "corp-eu-central-1-portal-task")
            ],
        }

    def described(self) -> str:
        """Without the time at which ECS last used a role."""
        everything = self.everything()
        for role in everything["roles"]:
            role.pop("RoleLastUsed", None)
        return json.dumps(everything, default=str, sort_keys=True, indent=1)

    def existing(self) -> dict[str, Any]:
        """The variables that name what there is."""
        return {
            "environment_name": "team",
            "network_existing": {
                "vpc_id": self.ids["vpc"],
                "public_subnet_ids": self.ids["public"],
                "private_subnet_ids": self.ids["private"],
            },
            "load_balancer_existing": self.ids["listener"],
            "cluster_existing": "corp",
            "registry_existing": True,
            "service_log_group": "/pear/corp/portal",
            "service_execution_role_arn": self.ids["corp-eu-central-1-portal-execution"],
            "service_task_role_arn": self.ids["corp-eu-central-1-portal-task"],
            # Their intranet has priority 100.
            "service_priority": 210,
            "service_checks_verify_tls": False,
        }

    def answer(self, host: str) -> tuple[int, str]:
        # The certificate is of their own making; who speaks is not in question here.
        connection = HTTPSConnection(self.ids["address"], timeout=10, context=ssl._create_unverified_context())
        try:
            connection.request("GET", "/", headers={"Host": host})
            got = connection.getresponse()
            return got.status, got.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def corp(stage: Stage) -> Corp:
    made = Corp(stage)
    made.make()
    return made


@pytest.fixture(scope="module")
def beside(stage: Stage) -> Player:
    player = Player(stage.environment, INVENTORY)
    subprocess.run([ROOT / "examples/nginx/build.sh"], check=True, env=player._environ(), capture_output=True)
    return player


@pytest.fixture(scope="module")
def deployers(corp: Corp, beside: Player, stage: Stage) -> Callable[[str], Player]:
    """Who runs the playbooks there: each with the role of its kind, which an administrator made."""
    roles = {
        "deployer_roles": ["read-only", "rollback", "release", "provision", "destroy"],
        "deployer_trust_policy": ANYBODY,
        "deployer_log_groups": ["/pear/corp/portal"],
        "deployer_repositories": ["portal"],
        "deployer_task_role_arns": [
            corp.ids["corp-eu-central-1-portal-execution"],
            corp.ids["corp-eu-central-1-portal-task"],
        ],
    }
    beside.run("playbooks/deployers.yml", variables={**corp.existing(), **roles}).succeeded()
    return lambda kind: Player({**stage.environment, **credentials(stage, "team", kind)}, INVENTORY)


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "for real"])
def test_what_others_have_under_our_names_is_refused_with_nothing_changed(
    corp: Corp, beside: Player, stage: Stage, check: bool
) -> None:
    before = corp.described()
    refused = beside.run(PROVISION, check=check).failed().output
    for kind in (
        "Load balancer corp",
        "Cluster corp",
        "Repository portal",
        "Log group /pear/corp/portal",
        "Role corp-eu-central-1-portal-task",
    ):
        assert f"{kind} exists, and no tag says that it" in refused, refused
    assert "Owner=platform" in refused
    assert "load_balancer_existing" in refused
    assert "environment_adopt: [load_balancer]" in refused
    assert corp.described() == before
    ours = [{"Name": "tag:pear:environment", "Values": ["corp"]}]
    assert stage.client("ec2").describe_vpcs(Filters=ours)["Vpcs"] == [], "refused before the first thing is made"


def beside_theirs(result: PlayResult) -> PlayResult:
    """It went well, and what the inventory says of a network and a load balancer of its own was named as without effect."""
    assert result.status == 0, result.output
    assert len(result.warnings) == 2 and all("no effect" in warning for warning in result.warnings), result.warnings
    return result


def test_a_service_deploys_beside_them_and_changes_nothing_of_theirs(
    corp: Corp, deployers: Callable[[str], Player]
) -> None:
    before = corp.described()
    variables = corp.existing()
    predicted = beside_theirs(deployers("provision").run(PROVISION, variables=variables, check=True))
    assert predicted.changed
    assert corp.described() == before
    beside_theirs(deployers("provision").run(PROVISION, variables=variables))
    deployers("release").run(RELEASE, variables=variables).succeeded()
    assert corp.answer("portal.corp.example.test")[0] == 200
    assert "nginx" in corp.answer("portal.corp.example.test")[1]
    assert corp.answer("intranet.corp.example.test") == (200, "intranet")
    assert corp.answer("nobody.corp.example.test") == (200, "the portal of corp")
    assert corp.described() == before
    again = beside_theirs(deployers("provision").run(PROVISION, variables=variables))
    assert again.changed == 0, again.output
    again = deployers("release").run(RELEASE, variables=variables).succeeded()
    assert again.changed == 0, again.output


@pytest.mark.long
def test_every_playbook_finds_the_service_beside_them(corp: Corp, deployers: Callable[[str], Player]) -> None:
    variables = corp.existing()
    reader = deployers("read-only")
    assert "team-portal:1" in reader.run("playbooks/status.yml", variables=variables).succeeded().output
    drift = reader.run("playbooks/drift.yml", variables=variables)
    assert drift.status == 0, drift.output


def test_rules_and_services_of_others_are_not_the_deployers_to_change(
    corp: Corp, stage: Stage, deployers: Callable[[str], Player]
) -> None:
    rules = stage.client("elbv2").describe_rules(ListenerArn=corp.ids["listener"])["Rules"]
    (theirs,) = (rule for rule in rules if rule["Priority"] == "100")
    for kind in ("release", "rollback"):
        keys = credentials(stage, "team", kind)
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"], "eu-central-1"
        )
        elbv2 = session.client("elbv2", endpoint_url=stage.environment["AWS_ENDPOINT_URL"])
        with pytest.raises(ClientError) as error:
            elbv2.modify_rule(RuleArn=theirs["RuleArn"], Conditions=theirs["Conditions"])
        assert error.value.response["Error"]["Code"] == "AccessDenied"


def test_destroy_leaves_everything_of_theirs(corp: Corp, stage: Stage, deployers: Callable[[str], Player]) -> None:
    before = corp.described()
    destroyer = deployers("destroy")
    variables = {**corp.existing(), "confirm": "team"}
    listed = destroyer.run(DESTROY, variables=variables, check=True).succeeded().output
    assert "load balancer corp" not in listed
    assert "cluster corp" not in listed
    destroyer.run(DESTROY, variables=variables).succeeded()
    assert corp.described() == before
    assert corp.answer("portal.corp.example.test") == (200, "the portal of corp")
    assert corp.answer("intranet.corp.example.test") == (200, "intranet")
    services = stage.client("ecs").list_services(cluster="corp")["serviceArns"]
    assert services == [], "ours are gone from their cluster"
    left = stage.client("elbv2").describe_target_groups()["TargetGroups"]
    assert [group for group in left if group["TargetGroupName"].startswith("team-")] == []
    tried = {"elasticloadbalancing:ModifyRule"}
    assert [one for one in refused(stage, "team") if one.split()[0] not in tried] == []
