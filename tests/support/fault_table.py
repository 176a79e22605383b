"""Every call of a release with every single fault, and how the release ends: what docs/failures.md promises."""

from __future__ import annotations

from .fault_proxy import Fault, Kind

SINGLE = (Kind.DROP, Kind.LOSE, Kind.HOLD, Kind.THROTTLE, Kind.ERROR, Kind.TRUNCATE, Kind.PAGE, Kind.DENY)
# Longer than a write waits for its answer, so that it arrives after its repetition.
HOLD_SECONDS = 15.0
# How a release ends that is denied the call once; everything else is made good within the release.
# "not begun": it is called before anything is changed, and nothing is.
DENIED = {
    "ModifyRule": "interrupted",
    "UpdateService": "interrupted",
    "RegisterTaskDefinition": "interrupted",
    "RegisterScalableTarget": "succeeded",
    "DeregisterScalableTarget": "interrupted",
    "PutScheduledAction": "succeeded",
    "DeleteScheduledAction": "interrupted",
    "TransactWriteItems": "not begun",
    "PutItem": "not begun",
    "GetItem": "not begun",
    "Query": "not begun",
    # The preflight looks at these first, and says that it could not.
    "DescribeRules": "succeeded",
    "DescribeListeners": "succeeded",
    "DescribeLoadBalancers": "succeeded",
    "DescribeTargetGroups": "succeeded",
    "DescribeTargetHealth": "not begun",
    "DescribeTags": "not begun",
    "DescribeServices": "not begun",
    "DescribeTaskDefinition": "not begun",
    "DescribeScalableTargets": "not begun",
    "DescribeScalingPolicies": "interrupted",
    "DescribeScheduledActions": "not begun",
    "DescribeRepositories": "not begun",
    "DescribeImages": "not begun",
    "BatchGetImage": "succeeded",
    "GetDownloadUrlForLayer": "succeeded",
    "DescribeSubnets": "not begun",
    "DescribeSecurityGroups": "not begun",
    "DescribeVpcs": "not begun",
    "GET /2015-02-01/file-systems": "not begun",
    "GET /2015-02-01/access-points": "not begun",
    "GetRole": "succeeded",
    "GetServiceQuota": "succeeded",
    "GetMetricStatistics": "succeeded",
    "GetDashboard": "succeeded",
    "PutDashboard": "succeeded",
    "GetCallerIdentity": "not begun",
}
OPERATIONS = tuple(DENIED)


def fault(operation: str, kind: Kind) -> Fault:
    return Fault(operation, kind, seconds=HOLD_SECONDS)


def promised(operation: str, kind: Kind) -> str:
    return DENIED[operation] if kind is Kind.DENY else "succeeded"
