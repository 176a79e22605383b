# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Application Auto Scaling: one function per call."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws


@aws_call("read the scalable target of ECS service {service}")
def owns_desired_count(aws: Aws, cluster: str, service: str) -> bool:
    """Whether autoscaling sets the desired count of the service."""
    answer = aws.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs",
        ResourceIds=[f"service/{cluster}/{service}"],
        ScalableDimension="ecs:service:DesiredCount",
    )
    return bool(answer["ScalableTargets"])
