"""Autoscaling acts on the sandbox's own metrics. A minute lasts two seconds here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import Scaled
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import policy as scaling_policy
from botocore.exceptions import ClientError

from tests.sandbox.world import World
from tests.support.waiting import eventually

CPU = {
    "TargetValue": 50.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
}


def target(name: str) -> dict[str, Any]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/tests/{name}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def count(world: World, name: str) -> int:
    return int(world.service(name)["desiredCount"])


def alarms(world: World, name: str) -> dict[str, str]:
    """The states of the alarms of a service's policies, by High and Low."""
    prefix = f"TargetTracking-service/tests/{name}-Alarm"
    found = world.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(prefix).partition("-")[0]: alarm["StateValue"] for alarm in found}


@pytest.fixture(scope="module")
def idle(world: World) -> Iterator[tuple[str, str]]:
    """Two services without load, each with two tasks."""
    names = ("idle", "held")
    for name in names:
        world.create_service(name, world.define(name), None, desired=2)
    eventually(lambda: all(world.steady(name) for name in names), message="both are up")
    yield names
    for name in names:
        world.delete_service(name)


@pytest.mark.long
def test_target_tracking_scales_in_what_is_idle_but_for_what_is_suspended(world: World, idle: tuple[str, str]) -> None:
    scaling = world.client("application-autoscaling")
    for name in idle:
        scaling.register_scalable_target(**target(name), MinCapacity=1, MaxCapacity=4)
    suspended = {"DynamicScalingInSuspended": True}
    scaling.register_scalable_target(**target("held"), SuspendedState=suspended)
    for name in reversed(idle):
        scaling.put_scaling_policy(
            **target(name),
            PolicyName="cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=CPU,
        )
    eventually(lambda: count(world, "idle") == 1, message="the idle service is scaled in")
    assert count(world, "held") == 2
    # What it sees is shown by its alarms, also where it may not act.
    eventually(lambda: alarms(world, "held") == {"High": "OK", "Low": "ALARM"}, message="the alarm below fires")
    found = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[target("held")["ResourceId"]])
    (held,) = found["ScalableTargets"]
    assert (held["MinCapacity"], held["MaxCapacity"], held["SuspendedState"]["DynamicScalingInSuspended"]) == (
        1,
        4,
        True,
    )
    scaling.register_scalable_target(**target("held"), SuspendedState={"DynamicScalingInSuspended": False})
    eventually(lambda: count(world, "held") == 1, message="it is scaled in once that is resumed")
    scaling.deregister_scalable_target(**target("held"))
    assert alarms(world, "held") == {}, "they go with the target's policies"
    assert set(alarms(world, "idle")) == {"High", "Low"}


@pytest.mark.long
def test_target_tracking_follows_the_backlog_of_a_queue(world: World, idle: tuple[str, str]) -> None:
    scaling, sqs, (name, _) = world.client("application-autoscaling"), world.client("sqs"), idle
    queue = sqs.create_queue(QueueName="mails")["QueueUrl"]
    for number in range(5):
        sqs.send_message_batch(
            QueueUrl=queue, Entries=[{"Id": str(one), "MessageBody": f"{number}-{one}"} for one in range(6)]
        )
    scaling.register_scalable_target(**target(name), MinCapacity=1, MaxCapacity=3)
    policy = {"target": 10, "metric": "backlog", "queue": "mails", "disable_scale_in": False}
    cooldowns = {"scale_in_cooldown_seconds": 60, "scale_out_cooldown_seconds": 60}
    scaling.put_scaling_policy(
        **target(name),
        PolicyName="backlog",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=scaling_policy({**policy, **cooldowns}, Scaled("tests", name)),
    )
    scaling.delete_scaling_policy(**target(name), PolicyName="cpu")
    eventually(lambda: count(world, name) == 3, message="thirty messages are ten for each of three tasks")
    sqs.purge_queue(QueueUrl=queue)
    eventually(lambda: count(world, name) == 1, message="an empty queue needs no more than the minimum")


def test_policies_and_scheduled_actions_need_a_target_and_go_with_it(world: World, idle: tuple[str, str]) -> None:
    scaling, (name, _) = world.client("application-autoscaling"), idle
    action = {
        **target(name),
        "ScheduledActionName": "night",
        "Schedule": "at(2099-01-01T00:00:00)",
        "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 1},
    }
    scaling.register_scalable_target(**target(name), MinCapacity=1, MaxCapacity=4)
    scaling.put_scheduled_action(**action)
    scaling.deregister_scalable_target(**target(name))
    of_it = {"ServiceNamespace": "ecs", "ResourceId": target(name)["ResourceId"]}
    assert scaling.describe_scheduled_actions(**of_it)["ScheduledActions"] == []
    for call in (
        lambda: scaling.put_scheduled_action(**action),
        lambda: scaling.deregister_scalable_target(**target(name)),
    ):
        with pytest.raises(ClientError, match="ObjectNotFoundException"):
            call()


def test_new_bounds_move_the_count_at_once(world: World, idle: tuple[str, str]) -> None:
    scaling = world.client("application-autoscaling")
    scaling.register_scalable_target(**target("held"), MinCapacity=3, MaxCapacity=4)
    assert count(world, "held") == 3
    scaling.register_scalable_target(**target("held"), MinCapacity=0, MaxCapacity=0)
    assert count(world, "held") == 0


@pytest.mark.long
def test_an_alarm_calls_a_step_scaling_policy(world: World) -> None:
    cloudwatch, scaling = world.client("cloudwatch"), world.client("application-autoscaling")
    world.create_service("steps", world.define("steps"), None, desired=1)
    eventually(lambda: world.steady("steps"), message="it is up")
    scaling.register_scalable_target(**target("steps"), MinCapacity=1, MaxCapacity=3)
    step = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    policy = scaling.put_scaling_policy(
        **target("steps"),
        PolicyName="queue",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [step],
            "Cooldown": 3600,
        },
    )["PolicyARN"]
    cloudwatch.put_metric_alarm(
        AlarmName="queue", Namespace="Tests", MetricName="Waiting", Statistic="Maximum", Period=60, EvaluationPeriods=1,
        Threshold=10, ComparisonOperator="GreaterThanThreshold", AlarmActions=[policy],
    )  # fmt: skip

    def fuller() -> bool:
        cloudwatch.put_metric_data(Namespace="Tests", MetricData=[{"MetricName": "Waiting", "Value": 50}])
        return count(world, "steps") == 2

    eventually(fuller, message="one more task")
    cloudwatch.delete_alarms(AlarmNames=["queue"])
    world.delete_service("steps")
