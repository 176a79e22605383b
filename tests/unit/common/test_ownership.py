"""What others made under the name of ours: refused in check mode and for real, changed in nothing, adopted where that is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins import modules
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import (
    DashboardNames,
    DeployerNames,
    EnvironmentNames,
    HealthCheckNames,
    RoleNames,
    ServiceNames,
)
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common import ownership
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import Existing, ForeignError
from moto import mock_aws

from ..clocks import QuickClock
from ..dashboards import with_tags
from ..progress import Lines

REGION = "eu-central-1"
TAGS = {"pear:environment": "corp", "pear:component": "x"}
OTHERS = {"Owner": "platform"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def upper(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def client(name: str) -> Any:
    return boto3.client(name, REGION)


@dataclass(frozen=True)
class Case:
    """A kind: who makes it by plain calls, with which options ours would take it, and how it looks."""

    kind: str
    module: str
    make: Callable[[dict[str, str]], Any]
    options: Callable[[Any], dict[str, Any]]
    look: Callable[[Any], Any]


def _subnets() -> list[str]:
    return [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]


def _balancer(tags: dict[str, str]) -> str:
    elb = client("elbv2")
    made = elb.create_load_balancer(
        Name="corp", Scheme="internet-facing", Subnets=_subnets(), **({"Tags": upper(tags)} if tags else {})
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def _look_at_balancer(arn: str) -> Any:
    elb = client("elbv2")
    return [
        elb.describe_load_balancers()["LoadBalancers"],
        elb.describe_listeners(LoadBalancerArn=arn)["Listeners"],
        elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"],
        elb.describe_tags(ResourceArns=[arn])["TagDescriptions"],
    ]


def _certificate() -> str:
    return str(client("acm").request_certificate(DomainName="corp.example")["CertificateArn"])


def _target_group(tags: dict[str, str]) -> str:
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip", "HealthCheckPath": "/theirs"}
    made = client("elbv2").create_target_group(Name="corp-web-blue", **group, **({"Tags": upper(tags)} if tags else {}))
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _routing(arn: str) -> dict[str, Any]:
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    elb = client("elbv2")
    balancer = elb.create_load_balancer(Name="another", Subnets=_subnets())["LoadBalancers"][0]
    default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=default
    )["Listeners"][0]["ListenerArn"]
    return {
        "environment": "corp",
        "service": "web",
        "vpc_id": vpc,
        "listener_arn": listener,
        "port": 8080,
        "priority": 10,
    }


def _role(tags: dict[str, str]) -> str:
    client("iam").create_role(RoleName="corp-web-task", AssumeRolePolicyDocument="{}", Tags=upper(tags))
    return "corp-web-task"


def _table(tags: dict[str, str]) -> str:
    client("dynamodb").create_table(
        TableName="corp-releases",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "service", "KeyType": "HASH"}, {"AttributeName": "entry", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "service", "AttributeType": "S"},
            {"AttributeName": "entry", "AttributeType": "S"},
        ],
        Tags=upper(tags),
    )
    return str(client("dynamodb").describe_table(TableName="corp-releases")["Table"]["TableArn"])


def _alarm(tags: dict[str, str]) -> str:
    client("cloudwatch").put_metric_alarm(
        AlarmName="corp/web/cpu",
        Namespace="n",
        MetricName="m",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=upper(tags),
    )
    return str(client("cloudwatch").describe_alarms()["MetricAlarms"][0]["AlarmArn"])


def _look_at_alarm(arn: str) -> Any:
    watch = client("cloudwatch")
    return [watch.describe_alarms()["MetricAlarms"], watch.list_tags_for_resource(ResourceARN=arn)["Tags"]]


def _dashboard(tags: dict[str, str]) -> str:
    watch = client("cloudwatch")
    watch.put_dashboard(DashboardName="corp-web", DashboardBody='{"widgets": [{"type": "text"}]}')
    arn = str(watch.get_dashboard(DashboardName="corp-web")["DashboardArn"])
    watch.tag_resource(ResourceARN=arn, Tags=upper(tags))
    return arn


def _look_at_dashboard(arn: str) -> Any:
    watch = client("cloudwatch")
    return [
        watch.get_dashboard(DashboardName="corp-web"),
        {"tags": watch.list_tags_for_resource(ResourceARN=arn)["Tags"]},
    ]


_DATABASE = {"name": "corp-database", "engine_version": "17.6", "performance_insights_days": 0}


def _database_options(**_: Any) -> dict[str, Any]:
    group = client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    return {**_DATABASE, "subnet_ids": _subnets(), "security_group_ids": [group]}


def _subnet_group(tags: dict[str, str]) -> str:
    made = client("rds").create_db_subnet_group(
        DBSubnetGroupName="corp-database", DBSubnetGroupDescription="theirs", SubnetIds=_subnets(), Tags=upper(tags)
    )
    return str(made["DBSubnetGroup"]["DBSubnetGroupArn"])


def _parameter_group(tags: dict[str, str]) -> str:
    made = client("rds").create_db_parameter_group(
        DBParameterGroupName="corp-database-postgres17",
        DBParameterGroupFamily="postgres17",
        Description="theirs",
        Tags=upper(tags),
    )
    return str(made["DBParameterGroup"]["DBParameterGroupArn"])


def _look_at_groups(arn: str) -> Any:
    rds = client("rds")
    return [
        {"groups": rds.describe_db_subnet_groups()["DBSubnetGroups"]},
        {"parameters": rds.describe_db_parameter_groups()["DBParameterGroups"]},
        {"tags": rds.list_tags_for_resource(ResourceName=arn)["TagList"]},
    ]


def _vpc(tags: dict[str, str]) -> str:
    """Security groups of ours would stand in a VPC of others, where one has the name already."""
    vpc = client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = client("ec2").create_security_group(GroupName="corp-load-balancer", Description="theirs", VpcId=vpc)
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    client("ec2").authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[rule])
    if tags:
        client("ec2").create_tags(Resources=[made["GroupId"]], Tags=upper(tags))
    return str(vpc)


CASES = [
    Case(
        "load_balancer",
        "application_load_balancer",
        _balancer,
        lambda _arn: {
            "name": "corp",
            "subnet_ids": _subnets(),
            "security_group_ids": [client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            "certificate_arn": _certificate(),
        },
        _look_at_balancer,
    ),
    Case(
        "cluster",
        "ecs_fargate_cluster",
        lambda tags: client("ecs").create_cluster(
            clusterName="corp", tags=[{"key": key, "value": value} for key, value in tags.items()]
        ),
        lambda _made: {"name": "corp", "container_insights": "enabled"},
        lambda _made: client("ecs").describe_clusters(clusters=["corp"], include=["TAGS", "SETTINGS"])["clusters"],
    ),
    Case(
        "repository",
        "ecr_repository",
        lambda tags: client("ecr").create_repository(
            repositoryName="web", imageTagMutability="MUTABLE", tags=upper(tags)
        )["repository"]["repositoryArn"],
        lambda _arn: {"name": "web", "tags": {"pear:component": "registry"}},
        lambda arn: [
            client("ecr").describe_repositories()["repositories"],
            client("ecr").list_tags_for_resource(resourceArn=arn)["tags"],
        ],
    ),
    Case(
        "role",
        "ecs_task_role",
        _role,
        lambda name: {
            "name": name,
            "trust_policy": TRUST,
            "policy_name": "task",
            "policy": POLICY,
        },
        lambda name: [
            client("iam").get_role(RoleName=name)["Role"],
            client("iam").list_role_policies(RoleName=name)["PolicyNames"],
        ],
    ),
    Case(
        "log_group",
        "cloudwatch_log_group",
        lambda tags: client("logs").create_log_group(logGroupName="/pear/corp/web", tags=tags),
        lambda _made: {"name": "/pear/corp/web", "retention_days": 3},
        lambda _made: [
            client("logs").describe_log_groups()["logGroups"],
            client("logs").list_tags_log_group(logGroupName="/pear/corp/web")["tags"],
        ],
    ),
    Case(
        "file_system",
        "efs_file_system",
        lambda tags: client("efs").create_file_system(
            CreationToken="corp",
            Encrypted=True,
            ThroughputMode="elastic",
            Backup=True,
            Tags=upper({**tags, "Name": "corp"}),
        )["FileSystemId"],
        lambda _id: {"name": "corp", "subnet_ids": [], "security_group_ids": []},
        lambda _id: client("efs").describe_file_systems()["FileSystems"],
    ),
    Case(
        "topic",
        "sns_alarm_topic",
        lambda tags: client("sns").create_topic(Name="corp-alarms", Tags=upper(tags))["TopicArn"],
        lambda arn: {"arn": arn, "display_name": "corp alarms"},
        lambda arn: [
            client("sns").get_topic_attributes(TopicArn=arn)["Attributes"],
            client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"],
        ],
    ),
    Case(
        "ledger",
        "release_ledger",
        _table,
        lambda _arn: {"name": "corp-releases", "point_in_time_recovery": True},
        lambda arn: [
            client("dynamodb").describe_continuous_backups(TableName="corp-releases"),
            client("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"],
        ],
    ),
    Case("target_group", "service_routing", _target_group, _routing, lambda _arn: _groups()),
    Case(
        "alarm",
        "cloudwatch_alarms",
        _alarm,
        lambda _arn: {
            "alarms": [
                {
                    "name": "corp/web/cpu",
                    "comparison": ">",
                    "threshold": 85,
                    "periods": 3,
                    "metrics": [{"namespace": "n", "metric": "m", "statistic": "Sum", "period_seconds": 60}],
                }
            ],
            "purge_prefix": "corp/web/",
        },
        _look_at_alarm,
    ),
    Case(
        "dashboard",
        "cloudwatch_dashboard",
        _dashboard,
        lambda _arn: {"name": "corp-web", "body": {"widgets": []}},
        _look_at_dashboard,
    ),
    Case("database", "rds_database", _subnet_group, lambda _arn: _database_options(), _look_at_groups),
    Case("database", "rds_database", _parameter_group, lambda _arn: _database_options(), _look_at_groups),
    Case(
        "security_group",
        "vpc_network",
        _vpc,
        lambda vpc: {"environment": "corp", "existing_vpc_id": vpc},
        lambda vpc: client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
            "SecurityGroups"
        ],
    ),
]


def _groups() -> Any:
    elb = client("elbv2")
    found = elb.describe_target_groups()["TargetGroups"]
    return [found, elb.describe_tags(ResourceArns=[group["TargetGroupArn"] for group in found])["TagDescriptions"]]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with_tags(monkeypatch)
    with mock_aws():
        yield


def invoke(case: Case, options: dict[str, Any], check_mode: bool = False, progress: Any = None) -> dict[str, Any]:
    module = __import__(f"{modules.__name__}.{case.module}", fromlist=["run"])
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    call = Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock())
    if progress:
        call = Invocation(call.params, call.aws, check_mode, QuickClock(), progress)
    return dict(module.run(call))


def same(thing: Any) -> str:
    """Without what every answer has anew."""
    for answer in thing if isinstance(thing, list) else [thing]:
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
            answer.pop("SizeInBytes", None)
    return json.dumps(thing, default=str, sort_keys=True)


def _named(refused: ForeignError) -> str:
    return str(refused.result["foreign"][0]["name"])


@pytest.mark.parametrize(
    ("kind", "name", "use", "rename"),
    [
        ("role", RoleNames("corp", REGION).flow_log, "set network_flow_log_days to 0", "environment_name"),
        ("role", RoleNames("corp", REGION).backup, "set file_system_backup_plan to null", "environment_name"),
        ("role", RoleNames("corp", REGION).schedule("web"), "leave service_schedules out", "service_name"),
        ("role", RoleNames("corp", REGION).experiment("web"), "", "service_name"),
        ("role", DeployerNames("corp", REGION).roles[0], "leave it out of deployer_roles", "deployer_name_prefix"),
        ("topic", HealthCheckNames("corp", REGION).topic, "set dns_health_alarm_topic_arns", "environment_name"),
        ("topic", EnvironmentNames("corp").alarm_topic, "set monitoring_topic_arns", "environment_name"),
        ("topic", EnvironmentNames("corp").release_topic, "leave environment_release_topic out", "environment_name"),
        ("log_group", "/pear/corp/network", "set network_flow_log_days to 0", "environment_name"),
        ("log_group", ServiceNames("corp", "web").log_group, "set service_log_group to its name", "service_name"),
        ("alarm", EnvironmentNames("corp").alarm_prefix + "cpu", "set monitoring_enabled to false", "environment_name"),
        ("dashboard", DashboardNames("corp", REGION).shared, "set monitoring_dashboard to false", "environment_name"),
    ],
)
def test_the_ways_on_are_those_of_what_the_name_is_for(kind: str, name: str, use: str, rename: str) -> None:
    assert Existing(kind, name, {}).ways == (use, rename)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
@pytest.mark.parametrize("tags", [OTHERS, {"pear:environment": "other", "pear:component": "other"}, {}], ids=str)
def test_what_others_made_is_refused_and_stays_as_it_is(cloud: None, case: Case, tags: dict[str, str]) -> None:
    made = case.make(tags)
    options = {"tags": TAGS, **case.options(made)}
    before = same(case.look(made))
    for check_mode in (True, False):
        with pytest.raises(ForeignError) as refused:
            invoke(case, options, check_mode)
        said = str(refused.value)
        assert "Nothing was changed" in said
        assert f"environment_adopt: [{case.kind}]" in said
        use, rename = Existing(case.kind, _named(refused.value), {}).ways
        assert f"hoose another name ({rename})" in said
        assert f"se it as it is ({use})" in said if use else "se it as it is" not in said
        assert "Owner=platform" in said or tags != OTHERS
    assert same(case.look(made)) == before


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_what_is_adopted_is_shown_first_and_then_ours(cloud: None, case: Case) -> None:
    made = case.make(OTHERS)
    options = {"tags": TAGS, **case.options(made)}
    before = same(case.look(made))
    predicted = invoke(case, {**options, "adopt": True}, check_mode=True)
    assert same(case.look(made)) == before
    lines = Lines()
    invoke(case, {**options, "adopt": True}, progress=lines)
    told = "\n".join(lines.lines)
    for what in predicted["diff"]["after"]:
        assert what in told
    # Without the word from now on: it carries our mark.
    assert not invoke(case, options)["changed"]


def test_a_module_that_is_used_by_itself_manages_what_it_is_told_to() -> None:
    assert ownership.is_ours({}, {"team": "games"})
    assert not ownership.is_ours({}, {"team": "games", "pear:environment": "corp"})


def test_the_refusal_names_the_owner_first() -> None:
    tags = {f"a{number}": "x" for number in range(9)} | {"Owner": "platform", "aws:cloudformation:stack-name": "base"}
    said = ownership.refusal(Existing("cluster", "corp", tags), "corp")
    assert said.startswith("Cluster corp exists, and no tag says that it belongs to environment corp")
    assert "its tags: Owner=platform, aws:cloudformation:stack-name=base, a0=x" in said
    assert "and 5 more" in said


def test_the_inventory_takes_every_kind_and_no_other() -> None:
    for path in sorted((Path(__file__).resolve().parents[3] / "roles").glob("*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            adopted = entry["options"].get("environment_adopt")
            assert adopted is None or tuple(adopted["choices"]) == ownership.ADOPTABLE, path
