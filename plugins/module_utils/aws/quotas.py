# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much of Fargate an account may use, and does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .errors import aws_call
from .session import Aws

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html: Fargate On-Demand vCPU resource count
_VCPU_QUOTA = "L-3032A538"


@aws_call("read the Fargate quota (servicequotas:GetServiceQuota)")
def vcpus_allowed(aws: Aws) -> float:
    answer = aws.client("service-quotas").get_service_quota(ServiceCode="fargate", QuotaCode=_VCPU_QUOTA)
    return float(answer["Quota"]["Value"])


@aws_call("read the use of Fargate (cloudwatch:GetMetricStatistics)")
def vcpus_used(aws: Aws) -> float:
    """The most vCPUs that ran at once within the last quarter of an hour; AWS counts them once a minute."""
    now = datetime.now(UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Usage",
        MetricName="ResourceCount",
        Dimensions=[
            {"Name": "Type", "Value": "Resource"},
            {"Name": "Resource", "Value": "vCPU"},
            {"Name": "Service", "Value": "Fargate"},
            {"Name": "Class", "Value": "Standard/OnDemand"},
        ],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )
    return max((float(one["Maximum"]) for one in answer["Datapoints"]), default=0.0)


@aws_call("read the free addresses of {subnets}")
def free_addresses(aws: Aws, subnets: list[str]) -> dict[str, int]:
    """How many addresses are left, by subnet."""
    found = aws.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    return {one["SubnetId"]: int(one["AvailableIpAddressCount"]) for one in found}
