# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Service Quotas: one function per call."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html: Fargate On-Demand vCPU resource count
_VCPU_QUOTA = "L-3032A538"


@aws_call("read the Fargate quota (servicequotas:GetServiceQuota)")
def vcpus_allowed(aws: Aws) -> float:
    answer = aws.client("service-quotas").get_service_quota(ServiceCode="fargate", QuotaCode=_VCPU_QUOTA)
    return float(answer["Quota"]["Value"])
