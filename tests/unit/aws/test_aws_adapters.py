"""The adapters against botocore's own models (Stubber) and moto: missing is a value, failures are sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, ecs, elbv2, logs
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.options import AWS_OPTIONS
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import Progress
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_task_role import run as ensure_role
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from ansible_collections.pear.fargate.plugins.module_utils.service.policies import trust_policy
from ansible_collections.pear.fargate.plugins.modules.ecs_task_role import ARGUMENT_SPEC
from botocore.stub import Stubber
from moto import mock_aws

REGION = "eu-central-1"
ARN = f"arn:aws:ecs:{REGION}:123456789012"
SERVICE = {
    "serviceName": "app-blue",
    "serviceArn": f"{ARN}:service/local/app-blue",
    "status": "ACTIVE",
    "taskDefinition": f"{ARN}:task-definition/local-app:2",
    "desiredCount": 2,
    "runningCount": 2,
    "pendingCount": 0,
    "deployments": [
        {
            "id": "ecs-svc/2",
            "status": "PRIMARY",
            "taskDefinition": f"{ARN}:task-definition/local-app:2",
            "desiredCount": 2,
            "runningCount": 1,
            "pendingCount": 1,
            "failedTasks": 1,
            "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": "in progress",
        }
    ],
    "events": [{"id": "1", "createdAt": datetime(2025, 1, 1, tzinfo=UTC), "message": "(service app-blue) has started"}],
    "tags": [{"key": "team", "value": "games"}],
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Aws({"region": REGION})


@pytest.fixture
def stub(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.client("ecs")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_services_are_read_ten_at_a_time_and_deleted_ones_are_missing(aws: Aws, stub: Stubber) -> None:
    names = [f"s{n}" for n in range(12)]
    for some in (names[:10], names[10:]):
        expected = {"cluster": "local", "services": some, "include": ["TAGS"]}
        gone = {**SERVICE, "serviceName": some[0], "status": "INACTIVE"}
        answer = {"services": [{**SERVICE, "serviceName": some[1]}, gone], "failures": []}
        stub.add_response("describe_services", answer, expected)
    found = ecs.services(aws, "local", names)
    assert set(found) == {"s1", "s11"}
    primary = found["s1"].primary
    assert primary is not None
    assert (primary.running, primary.failed_tasks, primary.rollout_state) == (1, 1, "IN_PROGRESS")
    assert found["s1"].tags == {"team": "games"}


def test_a_cluster_that_does_not_exist_has_no_services(aws: Aws, stub: Stubber) -> None:
    stub.add_client_error("describe_services", "ClusterNotFoundException")
    assert ecs.services(aws, "local", ["app-blue"]) == {}


def test_a_family_without_revisions_is_none_but_another_refusal_is_told(aws: Aws, stub: Stubber) -> None:
    stub.add_client_error("describe_task_definition", "ClientException", "Unable to describe task definition.")
    assert ecs.task_definition(aws, "local-app") is None
    stub.add_client_error("describe_task_definition", "ClientException", "Something else.")
    with pytest.raises(AwsError, match=r"Failed to read task definition local-app: .*Something else"):
        ecs.task_definition(aws, "local-app")


def test_stopped_tasks_say_why(aws: Aws, stub: Stubber) -> None:
    arn = f"{ARN}:task/local/0123456789abcdef"
    task: dict[str, Any] = {
        "taskArn": arn,
        "taskDefinitionArn": f"{ARN}:task-definition/local-app:2",
        "startedBy": "ecs-svc/2",
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "attachments": [
            {"type": "ElasticNetworkInterface", "details": [{"name": "privateIPv4Address", "value": "10.0.0.7"}]}
        ],
        "containers": [
            {"name": "agent", "exitCode": 0},
            {"name": "app", "exitCode": 137, "reason": "OutOfMemoryError"},
        ],
    }
    stub.add_response(
        "list_tasks", {"taskArns": [arn]}, {"cluster": "local", "serviceName": "app-blue", "desiredStatus": "STOPPED"}
    )
    stub.add_response("describe_tasks", {"tasks": [task], "failures": []}, {"cluster": "local", "tasks": [arn]})
    (found,) = ecs.tasks(aws, "local", "app-blue", "STOPPED")
    assert found.ended_badly
    assert found.address == "10.0.0.7"
    assert found.culprits[0].name == "app"
    assert found.cause == (
        "Essential container in task exited; container app: exit code 137 (SIGKILL), OutOfMemoryError"
    )


def test_a_task_that_is_told_to_stop_is_counted_until_its_containers_have_stopped(aws: Aws, stub: Stubber) -> None:
    """ECS's running count is 0 as soon as it tells the last task to stop."""
    said = {"running": [], "stopped": ["STOPPING", "DEPROVISIONING", "STOPPED"]}
    for desired, states in said.items():
        arns = [f"{ARN}:task/local/{state}" for state in states]
        asked = {"cluster": "local", "serviceName": "app-blue", "desiredStatus": desired.upper()}
        stub.add_response("list_tasks", {"taskArns": arns}, asked)
        tasks = [
            {"taskArn": arn, "taskDefinitionArn": "arn:1", "lastStatus": state, "containers": []}
            for arn, state in zip(arns, states, strict=True)
        ]
        if tasks:
            stub.add_response("describe_tasks", {"tasks": tasks, "failures": []}, {"cluster": "local", "tasks": arns})
    location = cast(ServiceLocation, SimpleNamespace(cluster="local", of_connections=False, test=None))
    fleet = ServiceFleet(aws, location, cast(Progress, None))
    idle = ecs.service_state({**SERVICE, "desiredCount": 0, "runningCount": 0})
    fleet.services = {Colour.BLUE: idle}
    assert [fleet._unended(colour) for colour in (Colour.BLUE, Colour.GREEN)] == [1, 0]


def test_the_last_log_lines_come_oldest_first_and_none_where_nothing_was_written(aws: Aws) -> None:
    with mock_aws():
        client = boto3.client("logs", REGION)
        client.create_log_group(logGroupName="/pear/local/app")
        assert logs.last_lines(aws, "/pear/local/app", "app", "t1") == []
        client.create_log_stream(logGroupName="/pear/local/app", logStreamName="ecs/app/t1")
        now = int(datetime.now(UTC).timestamp() * 1000)
        events = [{"timestamp": now + n, "message": f"line {n}\n"} for n in range(20)]
        client.put_log_events(logGroupName="/pear/local/app", logStreamName="ecs/app/t1", logEvents=events)
        assert logs.last_lines(aws, "/pear/local/app", "app", "t1", limit=2) == ["line 18", "line 19"]


def test_autoscaling_owns_the_count_only_where_it_has_a_target(aws: Aws) -> None:
    with mock_aws():
        assert not autoscaling.owns_desired_count(aws, "local", "app-blue")


def test_dynamic_scale_in_is_suspended_alone_and_the_rest_of_the_target_stays(aws: Aws) -> None:
    with mock_aws():
        boto3.client("ecs", REGION).create_cluster(clusterName="local")
        boto3.client("ecs", REGION).create_service(cluster="local", serviceName="app-blue", desiredCount=3)
        scaling = boto3.client("application-autoscaling", REGION)
        target = {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": "service/local/app-blue",
        }
        before = {"ScheduledScalingSuspended": True, "DynamicScalingInSuspended": False}
        scaling.register_scalable_target(**target, MinCapacity=2, MaxCapacity=9, SuspendedState=before)
        for suspended in (True, False):
            autoscaling.set_scale_in(aws, "local", "app-blue", suspended)
            assert autoscaling.scalable_targets(aws, "local", ["app-blue"]) == {"app-blue": Bounds(2, 9, suspended)}
            (found,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
            assert found["SuspendedState"]["ScheduledScalingSuspended"]
        autoscaling.set_scale_in(aws, "local", "app-green", True)
        assert len(scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]) == 1


def test_more_services_than_one_call_takes_are_read_in_several(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"app{number}-blue" for number in range(120)]
    client = aws.client("application-autoscaling")
    monkeypatch.setattr(aws, "client", lambda service: client)
    with Stubber(client) as stub:
        for start in range(0, 120, 50):
            resources = [f"service/local/{name}" for name in names[start : start + 50]]
            expected = {
                "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceIds": resources,
            }
            targets = [_scalable_target(resource) for resource in resources]
            stub.add_response("describe_scalable_targets", {"ScalableTargets": targets}, expected)
        assert list(autoscaling.scalable_targets(aws, "local", names)) == names


def _scalable_target(resource: str) -> dict[str, Any]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
        "RoleARN": "arn:aws:iam::123456789012:role/scaling",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
    }


def test_a_role_is_made_once_then_changed_only_where_it_differs(aws: Aws) -> None:
    def ensure(check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        options = {
            "name": "local-app-task",
            "trust_policy": trust_policy(ArnScope(REGION, "123456789012")),
            "policy": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
            },
            "policy_name": "task",
            "tags": {"team": "games"},
            **changes,
        }
        validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
        return ensure_role(Invocation(validated.validated_parameters, aws, check_mode))

    with mock_aws(config={"iam": {"load_aws_managed_policies": False}}):
        predicted = ensure(check_mode=True)
        assert (predicted["changed"], predicted["arn"]) == (True, None)
        assert ensure()["arn"] == "arn:aws:iam::123456789012:role/local-app-task"
        assert not ensure()["changed"]
        assert list(ensure(check_mode=True, tags={"team": "ops"})["diff"]["after"]) == ["tags"]
        assert ensure(policy=None)["diff"]["after"] == {"policy": None}
        assert not ensure(policy=None)["changed"]


def test_a_boundary_is_left_where_none_is_named_and_goes_where_it_is_named_empty(aws: Aws) -> None:
    bounds = "arn:aws:iam::123456789012:policy/bounds"
    role = {
        "name": "local-app-task",
        "trust_policy": trust_policy(ArnScope(REGION, "123456789012")),
        "policy_name": "task",
    }

    def changed(**more: str) -> bool:
        validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**role, **more})
        return bool(ensure_role(Invocation(validated.validated_parameters, aws, False))["changed"])

    def boundary() -> Any:
        found = aws.client("iam").get_role(RoleName="local-app-task")["Role"]
        return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")

    with mock_aws(config={"iam": {"load_aws_managed_policies": False}}):
        assert changed(permissions_boundary=bounds) and boundary() == bounds
        assert not changed() and boundary() == bounds
        assert changed(permissions_boundary="") and boundary() is None
        assert not changed(permissions_boundary="")


def test_options_are_those_of_every_aws_module() -> None:
    assert aws_argument_spec() == AWS_OPTIONS


def test_target_groups_by_arn_are_read_in_parts_of_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    arns = [f"arn:aws:elasticloadbalancing:{REGION}:123456789012:targetgroup/g{n}/1" for n in range(45)]
    check = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 4}
    group = {"Protocol": "HTTP", "TargetType": "ip", **check, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2}
    aws = Aws({"region": REGION})
    with Stubber(aws.client("elbv2")) as stub:
        for start in (0, 20, 40):
            part = arns[start : start + 20]
            groups = [{**group, "TargetGroupArn": arn, "TargetGroupName": arn.split("/")[1]} for arn in part]
            stub.add_response("describe_target_groups", {"TargetGroups": groups}, {"TargetGroupArns": part})
        assert list(elbv2.target_groups_by_arn(aws, arns)) == arns
