# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Application Auto Scaling: one function per call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import aws_call, passing_over
from .session import Aws

# Neither a scaling policy nor a scheduled action can carry tags: the name tells whose it is.
OWN = "pear-"
# Scheduled actions that scale an old colour in at the end of a rollback window: this, a hyphen, and the release's id.
SCALE_IN = f"{OWN}rollback-window-over"
# DescribeScalableTargets takes so many resources, and answers page by page.
_TARGETS_PER_CALL = 50
_ECS = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}


@dataclass(frozen=True)
class Bounds:
    """Minimum and maximum count of a service under autoscaling."""

    minimum: int
    maximum: int
    scale_in_suspended: bool = False


@aws_call("read the scalable target of ECS service {service}")
def owns_desired_count(aws: Aws, cluster: str, service: str) -> bool:
    """Whether autoscaling sets the desired count of the service."""
    return service in scalable_targets(aws, cluster, [service])


@aws_call("read the scalable targets of cluster {cluster}")
def scalable_targets(aws: Aws, cluster: str, services: Sequence[str]) -> dict[str, Bounds]:
    """Bounds by service; a service without autoscaling is missing."""
    return {
        target["ResourceId"].rpartition("/")[2]: Bounds(
            target["MinCapacity"],
            target["MaxCapacity"],
            target.get("SuspendedState", {}).get("DynamicScalingInSuspended", False),
        )
        for target in _targets(aws, cluster, services)
    }


def _targets(aws: Aws, cluster: str, services: Sequence[str]) -> Iterator[dict[str, Any]]:
    pages = aws.client("application-autoscaling").get_paginator("describe_scalable_targets")
    for start in range(0, len(services), _TARGETS_PER_CALL):
        resources = [_resource(cluster, service) for service in services[start : start + _TARGETS_PER_CALL]]
        for page in pages.paginate(**_ECS, ResourceIds=resources):
            yield from page["ScalableTargets"]


@aws_call("set the bounds of ECS service {service}")
def register(aws: Aws, cluster: str, service: str, bounds: Bounds) -> None:
    """Make the service scalable within bounds, or change them. Its policies stay, and so does what is suspended already."""
    suspended = {"SuspendedState": {"DynamicScalingInSuspended": True}} if bounds.scale_in_suspended else {}
    aws.client("application-autoscaling").register_scalable_target(
        **_ECS,
        ResourceId=_resource(cluster, service),
        MinCapacity=bounds.minimum,
        MaxCapacity=bounds.maximum,
        **suspended,
    )


@aws_call("suspend or resume the dynamic scale-in of ECS service {service}")
def set_scale_in(aws: Aws, cluster: str, service: str, suspended: bool) -> None:
    """Whether policies may take tasks away. What else is suspended stays so; a service without autoscaling has nothing to suspend."""
    for target in _targets(aws, cluster, [service]):
        aws.client("application-autoscaling").register_scalable_target(
            **_ECS,
            ResourceId=target["ResourceId"],
            SuspendedState={**target.get("SuspendedState", {}), "DynamicScalingInSuspended": suspended},
        )


@aws_call("end the autoscaling of ECS service {service}")
def deregister(aws: Aws, cluster: str, service: str) -> None:
    """Take the service out of autoscaling; its policies and scheduled actions go with it."""
    with passing_over("ObjectNotFoundException"):
        aws.client("application-autoscaling").deregister_scalable_target(**_ECS, ResourceId=_resource(cluster, service))


@dataclass(frozen=True)
class ScaleIn:
    """A scheduled scale-in: when, in seconds since the epoch, and for which release; empty where its name does not say."""

    at: float
    release_id: str

    @property
    def name(self) -> str:
        return f"{SCALE_IN}-{self.release_id}" if self.release_id else SCALE_IN


def is_scale_in(name: str) -> bool:
    """Whether a scheduled action belongs to a release."""
    return name == SCALE_IN or name.startswith(f"{SCALE_IN}-")


def scale_ins(aws: Aws, cluster: str, service: str) -> tuple[ScaleIn, ...]:
    """The scale-ins that releases have scheduled for a service, the earliest first."""
    found = [
        ScaleIn(_moment(action["Schedule"]), action["ScheduledActionName"][len(SCALE_IN) + 1 :])
        for action in scheduled_actions(aws, cluster, service)
        if is_scale_in(action["ScheduledActionName"])
    ]
    return tuple(sorted(found, key=lambda scale_in: (scale_in.at, scale_in.release_id)))


@aws_call("schedule the scaling of ECS service {service}")
def schedule(aws: Aws, cluster: str, service: str, name: str, at: float, bounds: Bounds) -> None:
    """Schedule a single change of the bounds. AWS moves a count outside them to the nearest bound."""
    aws.client("application-autoscaling").put_scheduled_action(
        **_ECS,
        ResourceId=_resource(cluster, service),
        ScheduledActionName=name,
        Schedule=f"at({datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S})",
        Timezone="UTC",
        ScalableTargetAction={"MinCapacity": bounds.minimum, "MaxCapacity": bounds.maximum},
    )


@aws_call("call off the scheduled scaling of ECS service {service}")
def unschedule(aws: Aws, cluster: str, service: str, name: str) -> None:
    with passing_over("ObjectNotFoundException"):
        aws.client("application-autoscaling").delete_scheduled_action(
            **_ECS, ResourceId=_resource(cluster, service), ScheduledActionName=name
        )


@aws_call("read the scaling policies of ECS service {service}")
def policies(aws: Aws, cluster: str, service: str) -> list[dict[str, Any]]:
    pages = aws.client("application-autoscaling").get_paginator("describe_scaling_policies")
    return [
        policy
        for page in pages.paginate(**_ECS, ResourceId=_resource(cluster, service))
        for policy in page["ScalingPolicies"]
    ]


@aws_call("put scaling policy {name} of ECS service {service}")
def put_policy(aws: Aws, cluster: str, service: str, name: str, configuration: Mapping[str, Any]) -> None:
    """Create or replace a policy, of the type that its configuration names, or of target tracking, whose alarms AWS makes itself."""
    settings = dict(configuration)
    kind = settings.pop("PolicyType", "TargetTrackingScaling")
    aws.client("application-autoscaling").put_scaling_policy(
        **_ECS,
        ResourceId=_resource(cluster, service),
        PolicyName=name,
        PolicyType=kind,
        **{f"{kind}PolicyConfiguration": settings},
    )


@aws_call("delete scaling policy {name} of ECS service {service}")
def delete_policy(aws: Aws, cluster: str, service: str, name: str) -> None:
    with passing_over("ObjectNotFoundException"):
        aws.client("application-autoscaling").delete_scaling_policy(
            **_ECS, ResourceId=_resource(cluster, service), PolicyName=name
        )


@aws_call("read the scheduled actions of ECS service {service}")
def scheduled_actions(aws: Aws, cluster: str, service: str) -> list[dict[str, Any]]:
    pages = aws.client("application-autoscaling").get_paginator("describe_scheduled_actions")
    return [
        action
        for page in pages.paginate(**_ECS, ResourceId=_resource(cluster, service))
        for action in page["ScheduledActions"]
    ]


@aws_call("put scheduled action {name} of ECS service {service}")
def put_schedule(aws: Aws, cluster: str, service: str, name: str, action: Mapping[str, Any]) -> None:
    aws.client("application-autoscaling").put_scheduled_action(
        **_ECS, ResourceId=_resource(cluster, service), ScheduledActionName=name, **action
    )


def _resource(cluster: str, service: str) -> str:
    return f"service/{cluster}/{service}"


def _moment(schedule_expression: str) -> float:
    """The time of an at() expression, which is in UTC as we write it."""
    written: Any = schedule_expression.removeprefix("at(").removesuffix(")")
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
