"""Removing an environment: the order, what stays, and against moto that a neighbour of nearly the same name is not touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partialmethod
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import HealthCheckNames
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import efs_file_system as file_system
from ansible_collections.pear.fargate.plugins.module_utils.environment import (
    environment_teardown,
    teardown_find,
    teardown_remove,
    vpc_network,
)
from ansible_collections.pear.fargate.plugins.module_utils.environment import rds_database as database
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_order import DATA, ORDER, Resource, plan
from ansible_collections.pear.fargate.plugins.modules import efs_file_system, rds_database
from ansible_collections.pear.fargate.plugins.modules import environment_teardown as module
from ansible_collections.pear.fargate.plugins.modules import vpc_network as vpc_module
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ecs.models import ecs_backends

from sandbox.api.cloudwatch_alarms import delete_unless_named

from ..clocks import QuickClock
from ..dashboards import with_tags
from ..saved_queries import QueryStore
from ..xray_settings import TraceStore

pytestmark = pytest.mark.long

REGION = "eu-central-1"
OURS = {"pear:environment": "staging"}
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def test_names_go_first_and_the_network_last() -> None:
    resources = [Resource(kind, kind) for kind in reversed(ORDER)]
    kinds = [resource.kind for resource in plan(resources, list(DATA)).remove]
    assert kinds == list(ORDER)
    for earlier, later in [
        ("DNS record", "load balancer"),
        ("ECS service", "cluster"),
        ("load balancer", "certificate"),
        ("load balancer", "target group"),
        ("mount target", "subnet"),
        ("NAT gateway", "address"),
        ("security group rules", "security group"),
        ("subnet", "VPC"),
    ]:
        assert kinds.index(earlier) < kinds.index(later)


def test_everything_that_can_be_found_can_be_removed() -> None:
    assert set(teardown_remove._REMOVERS) == set(ORDER)


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ([], {"file system", "access point", "repository"}),
        (["images"], {"file system", "access point"}),
        (["file_system", "images"], set()),
    ],
)
def test_data_stays_unless_it_is_named(data: list[str], kept: set[str]) -> None:
    resources = [
        Resource(kind, kind) for kind in ("file system", "access point", "repository", "cluster", "mount target")
    ]
    planned = plan(resources, data)
    assert {resource.kind for resource in planned.keep} == kept
    assert {"cluster", "mount target"} <= {resource.kind for resource in planned.remove}


def test_what_has_the_name_of_something_that_stays_goes_all_the_same() -> None:
    resources = [Resource("backup vault", "staging-backup"), Resource("role", "staging-backup")]
    planned = plan(resources)
    assert [resource.kind for resource in planned.keep] == ["backup vault"]
    assert [resource.kind for resource in planned.remove] == ["role"]


def test_a_database_that_stays_keeps_the_network_it_stands_in() -> None:
    resources = [Resource(kind, kind) for kind in ("database", "subnet", "VPC", "cluster")]
    assert [resource.kind for resource in plan(resources).remove] == ["cluster"]
    assert {resource.kind for resource in plan(resources, ["database"]).remove} == {
        "database",
        "subnet",
        "VPC",
        "cluster",
    }


def params(spec: Any, options: dict[str, Any]) -> dict[str, Any]:
    validated = ArgumentSpecValidator(spec.ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return validated.validated_parameters


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = params(module, {"environment": "staging", "confirm": "staging", **options})
    return environment_teardown.run(Invocation(given, Aws({"region": REGION}), check_mode, QuickClock()))


def make_network(name: str) -> str:
    network = params(vpc_module, {"environment": name, "cidr": "10.1.0.0/16", "zone_count": 2, "nat": "single"})
    return str(vpc_network.run(Invocation(network, Aws({"region": REGION}), False, QuickClock()))["vpc_id"])


def make(name: str) -> None:
    """An environment as roles make it, as far as moto knows the services."""
    tags = {"pear:environment": name}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws = Aws({"region": REGION})
    vpc = make_network(name)
    ec2, elb = boto3.client("ec2", REGION), boto3.client("elbv2", REGION)
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]]
    elb.create_load_balancer(Name=name, Subnets=subnets[:2], Tags=pairs)
    for colour in ("blue", "green"):
        group: dict[str, Any] = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"}
        service_tags = [*pairs, {"Key": "pear:service", "Value": "scores"}]
        elb.create_target_group(Name=f"{name}-scores-{colour}", **group, Tags=service_tags)
    named = [{"Name": "group-name", "Values": [f"{name}-file-system"]}]
    groups = [group["GroupId"] for group in ec2.describe_security_groups(Filters=named)["SecurityGroups"]]
    files = {"name": name, "subnet_ids": subnets[:1], "security_group_ids": groups, "tags": tags}
    file_system.run(Invocation(params(efs_file_system, files), aws, False, QuickClock()))
    boto3.client("logs", REGION).create_log_group(logGroupName=f"/pear/{name}/scores", tags=tags)
    boto3.client("sns", REGION).create_topic(Name=f"{name}-alarms", Tags=pairs)
    boto3.client("sns", REGION).create_topic(Name=f"{name}-releases", Tags=pairs)
    make_tasks(name, pairs)
    boto3.client("cloudwatch", REGION).put_metric_alarm(
        AlarmName=f"{name}/scores/cpu",
        Namespace="n",
        MetricName="m",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=pairs,
    )


def make_tasks(name: str, pairs: list[dict[str, str]]) -> None:
    """Cluster, service, role and ledger."""
    iam, ecs = boto3.client("iam"), boto3.client("ecs", REGION)
    role = f"{name}-{REGION}-scores-task"
    iam.create_role(
        RoleName=role, AssumeRolePolicyDocument="{}", Tags=[*pairs, {"Key": "pear:region", "Value": REGION}]
    )
    iam.put_role_policy(RoleName=role, PolicyName="task", PolicyDocument=POLICY)
    lower = [{"key": "pear:environment", "value": name}]
    ecs.create_cluster(clusterName=name, tags=lower)
    containers = [{"name": "app", "image": "i", "memory": 1}]
    ecs.register_task_definition(family=f"{name}-scores", containerDefinitions=containers, tags=lower)
    # By hand, without a mark.
    ecs.register_task_definition(family=f"{name}-scores", containerDefinitions=containers)
    ecs.create_service(
        cluster=name, serviceName="scores-blue", taskDefinition=f"{name}-scores", desiredCount=1, tags=lower
    )
    boto3.client("dynamodb", REGION).create_table(
        TableName=f"{name}-releases",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "service", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "service", "AttributeType": "S"}],
        Tags=pairs,
    )


def watch(environment: str, region: str) -> None:
    """What tells of an environment's health checks, where Route 53 keeps their metrics."""
    tags = [{"Key": "pear:environment", "Value": environment}]
    names = HealthCheckNames(environment, region)
    boto3.client("sns", "us-east-1").create_topic(Name=names.topic, Tags=tags)
    boto3.client("cloudwatch", "us-east-1").put_metric_alarm(
        AlarmName=names.alarm("scores"),
        Namespace="AWS/Route53",
        MetricName="HealthCheckStatus",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Minimum",
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        Tags=tags,
    )


@pytest.mark.long
def test_what_watches_health_checks_goes_from_the_region_that_keeps_their_metrics(aws: None) -> None:
    for name in ("staging", "production"):
        watch(name, REGION)
    assert not invoke()["changed"], "without names there are no health checks, and that region is not asked"
    removed = invoke(zones=["example.com"])["removed"]
    assert removed == [f"alarm staging/*health-check-{REGION}/scores", f"topic staging-{REGION}-alarms"]
    assert [
        alarm["AlarmName"] for alarm in boto3.client("cloudwatch", "us-east-1").describe_alarms()["MetricAlarms"]
    ] == [f"production/*health-check-{REGION}/scores"]
    assert not invoke(zones=["example.com"])["changed"]


@pytest.mark.long
def test_of_one_environment_name_in_two_regions_only_this_ones_goes(aws: None) -> None:
    """Route 53 has no regions, and the region of its metrics may have an environment of that name too."""
    route53, elsewhere = boto3.client("route53"), boto3.client("cloudwatch", "us-east-1")
    regions = (REGION, "eu-west-1", "us-east-1")
    for region in regions:
        watch("staging", region)
        config: Any = {"Type": "HTTPS", "FullyQualifiedDomainName": f"{region}.example.com"}
        reference = f"pear:staging:{region}:scores:1"
        route53.create_health_check(CallerReference=reference, HealthCheckConfig=config)
    tags = [{"Key": "pear:environment", "Value": "staging"}]
    boto3.client("sns", "us-east-1").create_topic(Name="staging-alarms", Tags=tags)
    alarm: Any = {"Period": 60, "EvaluationPeriods": 1, "Statistic": "Sum", "Threshold": 1}
    elsewhere.put_metric_alarm(
        AlarmName="staging/scores/cpu",
        Namespace="n",
        MetricName="m",
        ComparisonOperator="GreaterThanThreshold",
        Tags=tags,
        **alarm,
    )
    for options in ({"service": "scores", "confirm": "scores", "zones": ["example.com"]}, {"zones": ["example.com"]}):
        listed = invoke(True, **options)["removed"]
        assert {what for what in listed if what.startswith(("alarm", "health"))} == {
            f"alarm staging/*health-check-{REGION}/scores",
            f"health check {REGION}.example.com",
        }
    invoke(zones=["example.com"])
    hosts = [
        check["HealthCheckConfig"]["FullyQualifiedDomainName"] for check in route53.list_health_checks()["HealthChecks"]
    ]
    assert sorted(hosts) == ["eu-west-1.example.com", "us-east-1.example.com"]
    topics = [
        topic["TopicArn"].rpartition(":")[2] for topic in boto3.client("sns", "us-east-1").list_topics()["Topics"]
    ]
    assert sorted(topics) == ["staging-alarms", "staging-eu-west-1-alarms", "staging-us-east-1-alarms"]
    there = environment_teardown.run(
        Invocation(
            params(module, {"environment": "staging", "confirm": "staging"}),
            Aws({"region": "us-east-1"}),
            True,
            QuickClock(),
        )
    )
    assert [what for what in there["removed"] if what.startswith("alarm")] == [
        "alarm staging/*health-check-us-east-1/scores",
        "alarm staging/scores/cpu",
    ]


@pytest.mark.parametrize(
    ("owner", "more", "left"),
    [
        pytest.param("staging", [], None, id="a zone of ours that has nothing else goes with the proof"),
        pytest.param("staging", ["mail"], ["_proof", "mail"], id="a zone of ours that others use keeps it"),
        pytest.param("platform", [], ["_proof"], id="a zone of others keeps it"),
    ],
)
def test_the_proof_of_a_certificate_stays_where_another_certificate_may_need_it(
    aws: None, owner: str, more: list[str], left: list[str] | None
) -> None:
    """ACM has one record for a domain in an account: without it no certificate of that domain is renewed, in no region."""
    route53, acm = boto3.client("route53"), boto3.client("acm", REGION)
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    route53.change_tags_for_resource(
        ResourceType="hostedzone",
        ResourceId=zone.rpartition("/")[2],
        AddTags=[{"Key": "pear:environment", "Value": owner}],
    )
    arn = acm.request_certificate(
        DomainName="example.com", ValidationMethod="DNS", Tags=[{"Key": "pear:environment", "Value": "staging"}]
    )["CertificateArn"]
    (option,) = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    proof = option["ResourceRecord"]["Name"]
    for name in (proof, *(f"{name}.example.com." for name in more)):
        record: Any = {"Name": name, "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "x.example.net"}]}
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )
    invoke(zones=["example.com"])
    zones = route53.list_hosted_zones()["HostedZones"]
    if left is None:
        assert zones == []
        return
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    names = {record["Name"] for record in records if record["Type"] == "CNAME"}
    assert names == {proof if name == "_proof" else f"{name}.example.com." for name in left}


def test_a_database_goes_where_that_is_said_and_leaves_a_snapshot(aws: None) -> None:
    rds = boto3.client("rds", REGION)
    tags = [{"Key": "pear:environment", "Value": "staging"}]
    rds.create_db_instance(
        DBInstanceIdentifier="staging",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        Tags=tags,
    )
    assert not invoke()["changed"]
    assert invoke(data=["database"])["removed"] == ["database staging"]
    (snapshot,) = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith("staging-final-")
    assert not invoke(data=["database"])["changed"]


@pytest.mark.long
def test_a_cluster_goes_after_its_instances_with_all_that_it_stood_on(aws: None) -> None:
    subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]]
    options = {
        "name": "staging-database",
        "engine": "aurora-postgresql",
        "engine_version": "17.6",
        "subnet_ids": subnets,
        "security_group_ids": ["sg-0a"],
        "performance_insights_days": 0,
        "deletion_protection": False,
        "tags": {"pear:environment": "staging"},
    }
    validated = ArgumentSpecValidator(rds_database.ARGUMENT_SPEC).validate(options)
    database.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), False, QuickClock()))
    boto3.client("logs", REGION).create_log_group(logGroupName="/aws/rds/cluster/staging-database/postgresql")
    assert not invoke()["changed"]
    assert invoke(data=["database"], final_snapshot=False)["removed"] == [
        "database staging-database-1",
        "database staging-database-2",
        "database cluster staging-database",
        "database subnet group staging-database",
        "database cluster parameters staging-database-aurora-postgresql17",
        "database log group /aws/rds/cluster/staging-database/postgresql",
    ]
    assert boto3.client("rds", REGION).describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"] == []


def test_a_protected_database_is_refused_before_anything_goes(aws: None) -> None:
    boto3.client("rds", REGION).create_db_instance(
        DBInstanceIdentifier="staging-database",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        DeletionProtection=True,
        Tags=[{"Key": "pear:environment", "Value": "staging"}],
    )
    with pytest.raises(Failure, match="set database_deletion_protection to false"):
        invoke(data=["database"])


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> Iterator[QueryStore]:
    """The saved queries, which moto has not, beside what it has."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    store = QueryStore()
    store.install(monkeypatch)
    TraceStore().installed_for(monkeypatch)
    with mock_aws():
        yield store


@pytest.fixture
def aws(saved: QueryStore) -> None:
    return None


def test_an_environment_goes_but_its_files_and_the_neighbour_of_nearly_the_same_name(aws: None) -> None:
    make("staging")
    make("staging-b")
    neighbour = invoke(check_mode=True, environment="staging-b")
    done = invoke()
    assert done["changed"]
    assert [description.split()[0] for description in done["kept"]] == ["file"]
    for kind in ("load balancer", "NAT gateway", "address", "security group", "cluster", "role", "VPC"):
        assert any(description.startswith(f"{kind} ") for description in done["removed"]), kind
    again = invoke()
    assert not again["changed"]
    assert again["kept"] == done["kept"]
    assert invoke(check_mode=True, environment="staging-b")["removed"] == neighbour["removed"]
    assert any(description.startswith("VPC") for description in neighbour["removed"])
    assert invoke(data=["file_system"])["removed"] == done["kept"]


@pytest.mark.long
def test_check_mode_lists_in_order_and_removes_nothing(aws: None) -> None:
    make("staging")
    listed = invoke(check_mode=True, confirm="")
    assert listed["removed"] == invoke(check_mode=True)["removed"]
    assert listed["removed"] == invoke()["removed"]


@pytest.mark.parametrize("confirm", ["", "production"])
def test_without_the_right_name_nothing_happens(aws: None, confirm: str) -> None:
    make("staging")
    with pytest.raises(Failure, match="it must be 'staging'"):
        invoke(confirm=confirm)
    assert invoke(check_mode=True)["changed"]


@pytest.mark.long
def test_deletion_protection_is_respected_before_the_first_removal(aws: None) -> None:
    make("staging")
    elb = boto3.client("elbv2", REGION)
    arn = elb.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}]
    )
    before = invoke(check_mode=True)
    with pytest.raises(Failure, match="load_balancer_deletion_protection"):
        invoke()
    assert invoke(check_mode=True) == before


@pytest.mark.long
def test_what_is_half_there_goes_as_far_as_it_is_there(aws: None) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    assert invoke()["removed"] == ["log group /pear/staging/scores"]
    assert not invoke()["changed"]


def test_what_others_put_under_a_name_of_ours_stays(saved: QueryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tags(monkeypatch)
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    watch, ecs = boto3.client("cloudwatch", REGION), boto3.client("ecs", REGION)
    for service, tags in (("scores", OURS), ("board", {"Owner": "others"})):
        boto3.client("logs", REGION).create_log_group(logGroupName=f"/pear/staging/{service}/x", tags=OURS)
        watch.put_dashboard(DashboardName=f"staging-{REGION}-{service}", DashboardBody="{}")
        arn = watch.get_dashboard(DashboardName=f"staging-{REGION}-{service}")["DashboardArn"]
        watch.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        ecs.register_task_definition(
            family=f"staging-{service}",
            containerDefinitions=[{"name": "app", "image": "app", "memory": 128}],
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
    watch.put_dashboard(DashboardName=f"staging-{REGION}-Environment", DashboardBody="{}")
    arn = watch.get_dashboard(DashboardName=f"staging-{REGION}-Environment")["DashboardArn"]
    watch.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in OURS.items()])
    removed = invoke()["removed"]
    assert {
        f"dashboard staging-{REGION}-Environment",
        f"dashboard staging-{REGION}-scores",
        "task definition staging-scores:1",
    } <= set(removed)
    assert not [what for what in removed if "staging-board" in what]


@pytest.mark.long
def test_saved_queries_go_by_the_name_of_a_service_of_ours(saved: QueryStore) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    names = [
        "staging/scores/errors by route",
        "staging/scoreboard/theirs",
        "staging-b/scores/theirs",
        "staging/by hand",
    ]
    for name in names:
        saved.put({"name": name, "queryString": "# pear:environment=staging\nfields @message"})
    saved.put({"name": "staging/scores/by others", "queryString": "fields @message"})
    names.append("staging/scores/by others")
    assert "saved query staging/scores/errors by route" in invoke(check_mode=True)["removed"]
    invoke()
    assert saved.names() == sorted(names[1:])


@pytest.mark.parametrize("service", [None, "scores"])
def test_rules_and_groups_of_traces_go_by_their_tags(aws: None, service: str | None) -> None:
    make("staging")
    xray = boto3.client("xray", REGION)
    marks = {
        "staging-scores-orders": {"pear:environment": "staging", "pear:service": "scores"},
        "staging-board-orders": {"pear:environment": "staging", "pear:service": "board"},
        "staging-admin": {"pear:environment": "staging"},
        "staging-b-scores-orders": {"pear:environment": "staging-b", "pear:service": "scores"},
        "staging-by-hand": {},
    }
    rule = {
        "Priority": 1, "FixedRate": 1.0, "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
        "URLPath": "*", "ResourceARN": "*", "Version": 1,
    }  # fmt: skip
    for name, tags in marks.items():
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        xray.create_sampling_rule(SamplingRule={"RuleName": name, **rule}, Tags=pairs)
        xray.create_group(GroupName=name, Tags=pairs)
    ours = {name for name in marks if name.startswith("staging-scores")}
    if service is None:
        ours = {name for name, tags in marks.items() if tags.get("pear:environment") == "staging"}
    options: dict[str, Any] = {"service": service, "confirm": service} if service else {}
    removed = invoke(**options)["removed"]
    kinds = {f"{kind} {name}" for kind in ("sampling rule", "trace group") for name in ours}
    assert {what for what in removed if what.startswith(("sampling rule", "trace group"))} == kinds
    records = xray.get_sampling_rules()["SamplingRuleRecords"]
    assert {record["SamplingRule"]["RuleName"] for record in records} - {"Default"} == set(marks) - ours
    assert {group["GroupName"] for group in xray.get_groups()["Groups"]} == set(marks) - ours


def refusing(code: str, times: int, requested: list[Resource]) -> Any:
    def remove(aws: Aws, resource: Resource) -> None:
        requested.append(resource)
        if len(requested) <= times:
            answer: Any = {"Error": {"Code": code, "Message": "no"}}
            raise AwsError(f"remove {resource}", ClientError(answer, "Delete"))

    return remove


def test_it_asks_again_while_something_that_is_going_holds_a_thing(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    requested: list[Resource] = []
    real = teardown_remove.remove
    refuse = refusing("DependencyViolation", 3, requested)
    monkeypatch.setattr(teardown_remove, "remove", lambda aws, resource: (refuse(aws, resource), real(aws, resource)))
    assert invoke()["changed"]
    assert len(requested) == 4


@pytest.mark.long
def test_it_says_what_aws_says_where_nothing_lets_go(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    monkeypatch.setattr(teardown_remove, "remove", refusing("DependencyViolation", 10**6, []))
    with pytest.raises(Failure, match=r"Waited 30 s for log group .*, which is still in use\. .*DependencyViolation"):
        invoke(timeout_seconds=30)


def test_a_refusal_that_waiting_does_not_cure_ends_it(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/pear/staging/scores", tags=OURS)
    monkeypatch.setattr(teardown_remove, "remove", refusing("AccessDenied", 1, []))
    with pytest.raises(AwsError, match="lacks this permission"):
        invoke()


@pytest.mark.long
def test_one_service_goes_and_its_neighbours_of_nearly_the_same_name_stay(aws: None) -> None:
    elb, logs, iam = boto3.client("elbv2", REGION), boto3.client("logs", REGION), boto3.client("iam")
    make("staging")
    balancer = elb.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]
    default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=default
    )["Listeners"][0]["ListenerArn"]
    pairs = [{"Key": "pear:environment", "Value": "staging"}]
    for number, service in enumerate(("scores", "scores-admin")):
        if service != "scores":
            group: dict[str, Any] = {"Protocol": "HTTP", "Port": 80, "VpcId": balancer["VpcId"], "TargetType": "ip"}
            tags = [*pairs, {"Key": "pear:service", "Value": service}]
            elb.create_target_group(Name=f"staging-{service}-blue", **group, Tags=tags)
            logs.create_log_group(logGroupName=f"/pear/staging/{service}", tags=OURS)
            here = [*pairs, {"Key": "pear:region", "Value": REGION}]
            role = f"staging-{REGION}-{service}-task"
            iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=here)
        found = elb.describe_target_groups(Names=[f"staging-{service}-blue"])["TargetGroups"][0]["TargetGroupArn"]
        condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [f"{service}.example"]}}
        action = {"Type": "forward", "TargetGroupArn": found}
        elb.create_rule(ListenerArn=listener, Priority=number + 1, Conditions=[condition], Actions=[action])
    with pytest.raises(Failure, match="to remove service scores of environment staging it must be 'scores'"):
        invoke(service="scores", confirm="staging")
    predicted = invoke(True, service="scores", confirm="")["removed"]
    removed = invoke(service="scores", confirm="scores")["removed"]
    assert removed == predicted
    assert {resource.split(" ")[0] for resource in removed} == {
        "alarm", "ECS", "listener", "target", "task", "log", "role", "autoscaling",
    } - ({"autoscaling"} if not any(resource.startswith("autoscaling") for resource in removed) else set())  # fmt: skip
    assert not any("admin" in resource for resource in removed)
    assert "task definition staging-scores:1" in removed
    assert "task definition staging-scores:2" not in removed
    left = [group["TargetGroupName"] for group in elb.describe_target_groups()["TargetGroups"]]
    assert left == ["staging-scores-admin-blue"]
    rules = [rule for rule in elb.describe_rules(ListenerArn=listener)["Rules"] if not rule["IsDefault"]]
    assert [rule["Priority"] for rule in rules] == ["2"]
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [
        "/pear/staging/scores-admin"
    ]
    assert elb.describe_load_balancers(Names=["staging"])["LoadBalancers"]
    assert boto3.client("ecs", REGION).describe_clusters(clusters=["staging"])["clusters"][0]["status"] == "ACTIVE"
    assert not invoke(service="scores", confirm="scores")["changed"]


@pytest.mark.parametrize("of_service", [False, True])
def test_composite_alarms_go_before_the_alarms_that_their_rules_name(
    aws: None, monkeypatch: pytest.MonkeyPatch, of_service: bool
) -> None:
    make("staging")
    monkeypatch.setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm, raising=False)
    monkeypatch.setattr(
        CloudWatchBackend, "delete_alarms", partialmethod(_delete_unless_named, CloudWatchBackend.delete_alarms)
    )
    cloudwatch = boto3.client("cloudwatch", REGION)
    cloudwatch.put_composite_alarm(
        AlarmName="staging/scores/critical",
        AlarmRule='ALARM("staging/scores/cpu")',
        Tags=[{"Key": key, "Value": value} for key, value in OURS.items()],
    )
    invoke(service="scores", confirm="scores") if of_service else invoke()
    found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    names = [alarm["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for alarm in found[kind]]
    assert not [name for name in names if name.startswith("staging/scores/")]


def _delete_unless_named(backend: Any, original: Any, alarm_names: list[str]) -> None:
    delete_unless_named(original, backend, alarm_names)


def test_what_others_run_in_our_cluster_refuses_its_removal(aws: None) -> None:
    make("staging")
    ecs = boto3.client("ecs", REGION)
    ecs.create_service(cluster="staging", serviceName="theirs", taskDefinition="staging-scores", desiredCount=1)
    with pytest.raises(Failure, match="cluster staging: ECS services of others run in it: theirs"):
        invoke()
    assert len(ecs.list_services(cluster="staging")["serviceArns"]) == 2


@pytest.mark.long
def test_target_groups_of_others_behind_our_load_balancer_refuse_its_removal(aws: None) -> None:
    make("staging")
    elb = boto3.client("elbv2", REGION)
    balancer = elb.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]
    group: dict[str, Any] = {"Protocol": "HTTP", "Port": 80, "VpcId": balancer["VpcId"], "TargetType": "ip"}
    theirs = elb.create_target_group(Name="intranet", **group)["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=8080,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": theirs}],
    )
    before = invoke(check_mode=True)
    with pytest.raises(Failure, match="load balancer staging: target groups of others get requests from it: intranet"):
        invoke()
    assert invoke(check_mode=True) == before
    assert invoke(service="scores", confirm="scores")["changed"], "a service leaves the load balancer where it is"


@pytest.mark.parametrize(
    "database",
    [
        pytest.param(False, id="the VPC would go"),
        pytest.param(True, id="a database keeps the VPC, and not its gateways", marks=pytest.mark.long),
    ],
)
def test_what_others_run_in_our_network_refuses_its_removal_before_the_gateways_go(aws: None, database: bool) -> None:
    vpc = make_network("staging")
    if database:
        boto3.client("rds", REGION).create_db_instance(
            DBInstanceIdentifier="staging-database",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            Tags=[{"Key": "pear:environment", "Value": "staging"}],
        )
    ec2 = boto3.client("ec2", REGION)
    subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][0]["SubnetId"]
    group = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[group], Description="AWS Lambda VPC ENI-reports")
    before = invoke(check_mode=True)
    with pytest.raises(
        Failure, match=r"network interfaces of others are in it: eni-\w+ \(AWS Lambda VPC ENI-reports\)"
    ):
        invoke()
    assert invoke(check_mode=True) == before
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterface"]["NetworkInterfaceId"])
    ec2.delete_security_group(GroupId=group)
    assert "NAT gateway staging-a" in str(invoke()["removed"])


@pytest.mark.parametrize("service", [None, "mailer"])
def test_a_worker_in_a_cluster_of_others_goes_where_the_inventory_names_the_cluster(
    aws: None, service: str | None
) -> None:
    """It has no target groups, whose tags name the cluster of a service with requests."""
    ecs = boto3.client("ecs", REGION)
    cluster = ecs.create_cluster(clusterName="corp")["cluster"]["clusterArn"]
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
    mine = [{"key": "pear:environment", "value": "staging"}]
    for name, marked in (("mailer-blue", mine), ("theirs", [])):
        ecs.create_service(cluster="corp", serviceName=name, taskDefinition="f", desiredCount=1, tags=marked)
    options: dict[str, Any] = {"service": service, "confirm": service} if service else {}
    assert not invoke(**options)["changed"]
    assert invoke(**options, clusters=[cluster])["removed"] == ["ECS service mailer-blue"]
    services = ecs.describe_services(cluster="corp", services=["mailer-blue", "theirs"])["services"]
    assert [found["serviceName"] for found in services if found["status"] == "ACTIVE"] == ["theirs"]


def test_a_service_that_is_going_already_is_neither_deleted_again_nor_another_s(aws: None) -> None:
    """Once it is gone ECS has forgotten its tags, by which the deployer's role may delete it."""
    ecs = boto3.client("ecs", REGION)
    cluster = ecs.create_cluster(clusterName="staging", tags=_ecs_tags())["cluster"]["clusterArn"]
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
    ecs.create_service(cluster="staging", serviceName="mailer-blue", taskDefinition="f", tags=_ecs_tags())
    (going,) = ecs_backends[ACCOUNT][REGION].services.values()
    going.status = "DRAINING"
    found = teardown_find.everything(Aws({"region": REGION}), "staging", set(), [cluster])
    assert [
        (resource.kind, resource.protected) for resource in found if resource.kind in ("ECS service", "cluster")
    ] == [("cluster", "")]


def _ecs_tags() -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in OURS.items()]


def test_log_groups_of_a_database_of_others_stay(aws: None) -> None:
    logs, rds = boto3.client("logs", REGION), boto3.client("rds", REGION)
    rds.create_db_instance(
        DBInstanceIdentifier="staging-database", DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20
    )
    logs.create_log_group(logGroupName="/aws/rds/instance/staging-database/postgresql")
    logs.create_log_group(logGroupName="/aws/rds/instance/staging-database/upgrade", tags=OURS)
    assert invoke(data=["database"])["removed"] == ["database log group /aws/rds/instance/staging-database/upgrade"]


def test_rules_and_services_beside_what_others_have_go_and_theirs_stays(aws: None) -> None:
    elb, ecs = boto3.client("elbv2", REGION), boto3.client("ecs", REGION)
    subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]][:2]
    balancer = elb.create_load_balancer(Name="corp", Subnets=subnets)["LoadBalancers"][0]
    default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=default
    )["Listeners"][0]["ListenerArn"]
    tags = {**OURS, "pear:service": "scores", "pear:listener": listener, "pear:cluster": "corp"}
    group: dict[str, Any] = {"Protocol": "HTTP", "Port": 80, "VpcId": balancer["VpcId"], "TargetType": "ip"}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    made = elb.create_target_group(Name="staging-scores-blue", **group, Tags=pairs)["TargetGroups"][0]["TargetGroupArn"]
    for priority, action in ((1, default[0]), (2, {"Type": "forward", "TargetGroupArn": made})):
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{priority}"]}}
        elb.create_rule(ListenerArn=listener, Priority=priority, Conditions=[condition], Actions=[action])
    ecs.create_cluster(clusterName="corp")
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
    mine = [{"key": "pear:environment", "value": "staging"}]
    for name, marked in (("scores-blue", mine), ("theirs", [])):
        ecs.create_service(cluster="corp", serviceName=name, taskDefinition="f", desiredCount=1, tags=marked)
    removed = invoke()["removed"]
    assert [resource.partition(" ")[0] for resource in removed] == ["ECS", "listener", "target"]
    rules = [rule["Priority"] for rule in elb.describe_rules(ListenerArn=listener)["Rules"]]
    assert sorted(rules) == ["1", "default"]
    services = ecs.describe_services(cluster="corp", services=["scores-blue", "theirs"])["services"]
    assert [service["serviceName"] for service in services if service["status"] == "ACTIVE"] == ["theirs"]
    assert not invoke()["changed"]


@pytest.mark.long
def test_roles_of_the_same_environment_name_in_another_region_stay(aws: None) -> None:
    iam = boto3.client("iam")
    for region in (REGION, "eu-west-1"):
        tags = [{"Key": "pear:environment", "Value": "staging"}, {"Key": "pear:region", "Value": region}]
        iam.create_role(RoleName=f"staging-{region}-web-task", AssumeRolePolicyDocument="{}", Tags=tags)
    assert invoke()["removed"] == [f"role staging-{REGION}-web-task"]
    assert [role["RoleName"] for role in iam.list_roles()["Roles"]] == ["staging-eu-west-1-web-task"]


def test_further_target_groups_go_with_their_listeners_and_rules_and_a_listener_of_others_stays(aws: None) -> None:
    make("staging")
    elb, ec2 = boto3.client("elbv2", REGION), boto3.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.8.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]

    def marks(name: str) -> list[dict[str, str]]:
        given = {"pear:environment": "staging", "pear:service": "scores", "pear:target-group": name}
        return [{"Key": key, "Value": value} for key, value in given.items()]

    def group(name: str, protocol: str, tags: list[dict[str, str]]) -> str:
        more = {"Protocol": protocol, "Port": 7000, "VpcId": vpc, "TargetType": "ip", "Tags": tags}
        return str(elb.create_target_group(Name=name, **more)["TargetGroups"][0]["TargetGroupArn"])

    def forward(arn: str) -> list[dict[str, Any]]:
        return [{"Type": "forward", "TargetGroupArn": arn}]

    balancers = {
        kind: elb.create_load_balancer(Name=f"corp-{kind}", Type=kind, Subnets=subnets)["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        for kind in ("network", "application")
    }
    theirs = group("theirs", "TCP", [{"Key": "Owner", "Value": "platform"}])
    game = group("staging-scores-game", "TCP", marks("game"))
    internal = group("staging-scores-internal", "HTTP", marks("internal"))
    for port, arn, tags in ((7000, game, marks("game")), (7001, theirs, [{"Key": "Owner", "Value": "platform"}])):
        elb.create_listener(
            LoadBalancerArn=balancers["network"], Protocol="TCP", Port=port, DefaultActions=forward(arn), Tags=tags
        )
    listener = elb.create_listener(
        LoadBalancerArn=balancers["application"], Protocol="HTTP", Port=80, DefaultActions=forward(theirs)
    )["Listeners"][0]["ListenerArn"]
    conditions = [{"Field": "host-header", "Values": ["a"]}]
    elb.create_rule(
        ListenerArn=listener, Priority=1, Conditions=conditions, Actions=forward(internal), Tags=marks("internal")
    )
    listed = invoke(check_mode=True)["removed"]
    assert {"listener TCP 7000 of corp-network", "target group staging-scores-game"} <= set(listed)
    gone = invoke(confirm="scores", service="scores")["removed"]
    assert len([resource for resource in gone if resource.startswith("listener rule host a")]) == 1
    assert "listener TCP 7000 of corp-network" in gone and "target group staging-scores-internal" in gone
    ports = [one["Port"] for one in elb.describe_listeners(LoadBalancerArn=balancers["network"])["Listeners"]]
    assert ports == [7001]
    assert [one["IsDefault"] for one in elb.describe_rules(ListenerArn=listener)["Rules"]] == [True]
    left = [one["TargetGroupName"] for one in elb.describe_target_groups()["TargetGroups"]]
    assert "theirs" in left and not [name for name in left if "scores" in name]


def test_further_load_balancers_of_the_environment_go_by_name_and_tag(aws: None) -> None:
    make("staging")
    elb = boto3.client("elbv2", REGION)
    first = elb.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]
    subnets = [zone["SubnetId"] for zone in first["AvailabilityZones"]]
    ours = [{"Key": "pear:environment", "Value": "staging"}]
    for name, kind, tags in (
        ("staging-games", "network", ours),
        ("staging-theirs", "network", [{"Key": "Owner", "Value": "x"}]),
    ):
        elb.create_load_balancer(Name=name, Type=kind, Subnets=subnets, Tags=tags)
    route53 = boto3.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    for name, host in (("staging-games", "play"), ("staging-theirs", "theirs")):
        balancer = elb.describe_load_balancers(Names=[name])["LoadBalancers"][0]
        target = {
            "HostedZoneId": balancer["CanonicalHostedZoneId"],
            "DNSName": balancer["DNSName"],
            "EvaluateTargetHealth": True,
        }
        record = {"Name": f"{host}.example.com", "Type": "A", "AliasTarget": target}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    listed = invoke(check_mode=True, zones=["example.com"])["removed"]
    assert "load balancer staging-games" in listed and "load balancer staging-theirs" not in listed
    assert "DNS record play.example.com. A" in listed and "DNS record theirs.example.com. A" not in listed
    of_one = invoke(check_mode=True, service="scores", names=["play.example.com"], zones=["example.com"])["removed"]
    assert "load balancer staging-games" not in of_one and "DNS record play.example.com. A" in of_one
