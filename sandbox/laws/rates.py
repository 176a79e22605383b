"""How many calls AWS takes: token buckets per region, by service and by the group of calls that share one. Pure.

The figures are those of AWS's pages, where a page has some; a quota "per second" has a bucket of one second. Where none is
published the service has no bucket here: AWS throttles IAM and Application Auto Scaling by buckets too, and says of neither how large they
are. The pages of their quotas count policies, roles and scalable targets, no calls.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-quotas.html
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Quota:
    """Calls that share one bucket: how many at once, and how many a second on and on. `each`: a bucket for every call."""

    calls: tuple[str, ...]
    burst: float
    sustained: float
    each: bool = False

    def concerns(self, operation: str) -> bool:
        return any(fnmatch.fnmatchcase(operation, pattern) for pattern in self.calls)


# The first quota of a service that a call matches is the one that counts it.
QUOTAS: dict[str, tuple[Quota, ...]] = {
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
    "elasticloadbalancing": (Quota(("Describe*",), 40, 10),),
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html#throttling-quotas
    "ecs": (
        Quota(("CreateCluster", "DeleteCluster", "PutClusterCapacityProviders", "UpdateCluster*"), 20, 1),
        Quota(("DescribeClusters", "ListClusters"), 50, 20),
        Quota(("RegisterTaskDefinition", "DeregisterTaskDefinition"), 20, 1),
        Quota(("DescribeTaskDefinition", "ListTaskDefinition*"), 50, 20),
        Quota(("DeleteTaskDefinitions",), 5, 1),
        Quota(("CreateCapacityProvider", "DeleteCapacityProvider", "UpdateCapacityProvider"), 10, 1),
        Quota(("DescribeCapacityProviders",), 50, 20),
        Quota(("TagResource", "UntagResource"), 20, 10),
        Quota(("ListTagsForResource",), 50, 20),
        Quota(("DeleteAccountSetting", "PutAccountSetting*"), 10, 1),
        Quota(("ListAccountSettings",), 50, 20),
        Quota(("CreateService", "UpdateService", "DeleteService"), 50, 5),
        Quota(("DescribeServices", "ListServices"), 100, 20),
        Quota(("DescribeServiceDeployments", "ListServiceDeployments"), 50, 20),
        Quota(("DescribeServiceRevisions",), 50, 20),
        Quota(("DescribeTasks", "ListTasks", "DescribeContainerInstances", "ListContainerInstances"), 100, 20),
        # Fargate's own rate of launches, which RunTask is throttled by besides: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
        Quota(("RunTask",), 100, 20),
        Quota(("StartTask", "StopTask", "ExecuteCommand"), 100, 40),
    ),
    # https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html#throttling-limits-rate-based
    "ec2": (
        Quota(("CreateVpcEndpoint", "DeleteVpcEndpoints", "ModifyVpcEndpoint"), 4, 0.3, each=True),
        Quota(("CreateNatGateway", "DeleteNatGateway"), 10, 1, each=True),
        Quota(("CreateTags", "DeleteTags"), 100, 10, each=True),
        Quota(
            ("CreateNetworkInterface", "DeleteNetworkInterface", "ModifyNetworkInterfaceAttribute"), 100, 5, each=True
        ),
        Quota(("Describe*", "Get*", "List*", "Search*"), 100, 20, each=True),
        Quota(("*",), 50, 5, each=True),
    ),
    # Five requests a second, of an account: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
    "route53": (Quota(("*",), 5, 5),),
    # https://docs.aws.amazon.com/general/latest/gr/cw_region.html#limits_cloudwatch
    "cloudwatch": (
        Quota(("GetMetricData", "PutMetricData"), 500, 500, each=True),
        Quota(("GetMetricStatistics",), 400, 400),
        Quota(("PutMetricAlarm", "PutCompositeAlarm", "DeleteAlarms", "SetAlarmState"), 3, 3, each=True),
        Quota(("EnableAlarmActions", "DisableAlarmActions"), 3, 3, each=True),
        Quota(("DescribeAlarms", "DescribeAlarmsForMetric"), 9, 9, each=True),
        Quota(("DescribeAlarmHistory",), 20, 20),
        Quota(("PutDashboard", "GetDashboard", "ListDashboards", "DeleteDashboards"), 10, 10, each=True),
        Quota(("ListMetrics",), 25, 25),
        Quota(("TagResource", "UntagResource"), 20, 20, each=True),
        Quota(("ListTagsForResource",), 10, 10),
    ),
    # https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html#api-rate-limits
    "acm": (
        Quota(
            ("DescribeCertificate", "GetCertificate", "DeleteCertificate", "ListTagsForCertificate"), 10, 10, each=True
        ),
        Quota(("ListCertificates",), 8, 8),
        Quota(("RequestCertificate", "AddTagsToCertificate", "RemoveTagsFromCertificate"), 5, 5, each=True),
        Quota(("ImportCertificate",), 1, 1),
    ),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: of an account and region, for all calls with credentials
    "sts": (
        Quota(
            (
                "AssumeRole",
                "DecodeAuthorizationMessage",
                "GetAccessKeyInfo",
                "GetCallerIdentity",
                "GetFederationToken",
                "GetSessionToken",
            ),
            600,
            600,
        ),
    ),
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html: the figures of the smaller regions
    "scheduler": (
        Quota(("CreateScheduleGroup", "DeleteScheduleGroup"), 10, 10, each=True),
        Quota(("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"), 250, 250, each=True),
    ),
}
QUOTAS["monitoring"] = QUOTAS["cloudwatch"]


@dataclass
class Bucket:
    tokens: float
    at: float

    def take(self, quota: Quota, now: float) -> bool:
        self.tokens = min(quota.burst, self.tokens + max(0.0, now - self.at) * quota.sustained)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Rates:
    """The buckets of one account, and how many calls found theirs empty."""

    _buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, region: str, service: str, operation: str, now: float) -> bool:
        """Whether a call is carried out now. One that is not costs no token."""
        quota = next((quota for quota in QUOTAS.get(service, ()) if quota.concerns(operation)), None)
        if quota is None:
            return True
        name = operation if quota.each else quota.calls[0]
        with self._lock:
            bucket = self._buckets.setdefault((region, service, name), Bucket(quota.burst, now))
            taken = bucket.take(quota, now)
            if not taken:
                self._refused[f"{service}:{operation}"] = self._refused.get(f"{service}:{operation}", 0) + 1
            return taken

    def refused(self) -> dict[str, int]:
        """How many calls were throttled, by service and operation."""
        with self._lock:
            return dict(self._refused)
