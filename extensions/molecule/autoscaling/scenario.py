"""Autoscaling as Application Auto Scaling reports it; the manual change: a higher maximum."""

from __future__ import annotations

import boto3

IDS = ["service/local/website-blue"]


def verify() -> None:
    client = boto3.client("application-autoscaling")
    (target,) = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=IDS)["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    (policy,) = client.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=IDS[0])["ScalingPolicies"]
    assert (policy["PolicyType"], policy["ScalableDimension"]) == ("TargetTrackingScaling", "ecs:service:DesiredCount")
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 60 and not tracking["DisableScaleIn"], tracking
    assert tracking["PredefinedMetricSpecification"] == {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    assert "CustomizedMetricSpecification" not in tracking, tracking


def side_effect() -> None:
    boto3.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs", ResourceId=IDS[0], ScalableDimension="ecs:service:DesiredCount", MaxCapacity=40
    )
