"""CloudWatch and Application Auto Scaling against botocore's models: requests, missing values, batching."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, cloudwatch
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds, ScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.aws.cloudwatch import Metric, Window
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from botocore.stub import ANY, Stubber

ECS = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
BLUE = "service/local/app-blue"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Aws({"region": "eu-central-1"})


@pytest.fixture
def scaling(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.client("application-autoscaling")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def watch(aws: Aws) -> Iterator[Stubber]:
    with Stubber(aws.client("cloudwatch")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_scale_in_is_scheduled_in_utc(aws: Aws, scaling: Stubber) -> None:
    scaling.add_response(
        "put_scheduled_action",
        {},
        {
            **ECS,
            "ResourceId": BLUE,
            "ScheduledActionName": "pear-window",
            "Schedule": "at(2033-05-18T03:33:20)",
            "Timezone": "UTC",
            "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 0},
        },
    )
    autoscaling.schedule(aws, "local", "app-blue", "pear-window", 2e9, Bounds(0, 0))


def test_a_scheduled_scale_in_is_read_back_as_the_same_moment(aws: Aws, scaling: Stubber) -> None:
    action = {
        **ECS,
        "ScheduledActionName": "pear-rollback-window-over-deploy-7",
        "ScheduledActionARN": "arn",
        "ResourceId": BLUE,
        "Schedule": "at(2033-05-18T03:33:20)",
        "CreationTime": 1,
    }
    without_release = {
        **action,
        "ScheduledActionName": "pear-rollback-window-over",
        "Schedule": "at(2033-05-18T03:33:19)",
    }
    of_the_user = {**action, "ScheduledActionName": "pear-rollback-window-overnight", "Schedule": "cron(0 1 * * ? *)"}
    # With a scalable dimension the API requires the resource.
    scaling.add_response(
        "describe_scheduled_actions",
        {"ScheduledActions": [action, of_the_user, without_release]},
        {**ECS, "ResourceId": BLUE},
    )
    found = autoscaling.scale_ins(aws, "local", "app-blue")
    assert found == (ScaleIn(2e9 - 1, ""), ScaleIn(2e9, "deploy-7"))
    assert [scale_in.name for scale_in in found] == [
        "pear-rollback-window-over",
        "pear-rollback-window-over-deploy-7",
    ]


@pytest.mark.parametrize("call", ["unschedule", "deregister"])
def test_what_is_not_there_need_not_be_taken_away(aws: Aws, scaling: Stubber, call: str) -> None:
    operation = {"unschedule": "delete_scheduled_action", "deregister": "deregister_scalable_target"}[call]
    scaling.add_client_error(operation, "ObjectNotFoundException")
    if call == "unschedule":
        autoscaling.unschedule(aws, "local", "app-blue", "pear-window")
    else:
        autoscaling.deregister(aws, "local", "app-blue")


def test_bounds_are_read_for_both_colours_in_one_call(aws: Aws, scaling: Stubber) -> None:
    target = {**ECS, "ResourceId": BLUE, "MinCapacity": 2, "MaxCapacity": 9, "RoleARN": "r", "CreationTime": 1}
    resources = [BLUE, "service/local/app-green"]
    scaling.add_response("describe_scalable_targets", {"ScalableTargets": [target]}, {**ECS, "ResourceIds": resources})
    assert autoscaling.scalable_targets(aws, "local", ["app-blue", "app-green"]) == {"app-blue": Bounds(2, 9)}


def test_alarms_of_both_kinds_are_read_and_a_missing_one_is_missing(aws: Aws, watch: Stubber) -> None:
    names = ["errors", "everything", "gone"]
    watch.add_response(
        "describe_alarms",
        {
            "MetricAlarms": [{"AlarmName": "errors", "StateValue": "OK"}],
            "CompositeAlarms": [{"AlarmName": "everything", "StateValue": "ALARM"}],
        },
        {"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]},
    )
    assert cloudwatch.alarm_states(aws, names) == {"errors": "OK", "everything": "ALARM"}


def test_metrics_are_read_together_and_one_without_data_is_empty(aws: Aws, watch: Stubber) -> None:
    requests = Metric("AWS/ApplicationELB", "RequestCount", "Sum", {"TargetGroup": "targetgroup/a/1"})
    first, second = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(60, UTC)
    answers = [{"Id": "m0", "Timestamps": [first], "Values": [5.0]}, {"Id": "m1", "Timestamps": [], "Values": []}]
    more = [{"Id": "m0", "Timestamps": [second], "Values": [7.0]}]
    expected = {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "ScanBy": "TimestampAscending"}
    watch.add_response("get_metric_data", {"MetricDataResults": answers, "NextToken": "t"}, expected)
    watch.add_response("get_metric_data", {"MetricDataResults": more}, {**expected, "NextToken": "t"})
    found = cloudwatch.values(aws, {"requests": requests, "errors": requests}, Window(0.0, 60.0, 60))
    assert found == {"requests": (5.0, 7.0), "errors": ()}
