"""Every call of a release with every single fault, and how the release ends: what docs/failures.md promises."""

from __future__ import annotations

from .fault_proxy import Kind

SINGLE = (Kind.DROP, Kind.LOSE, Kind.THROTTLE, Kind.ERROR, Kind.TRUNCATE, Kind.PAGE, Kind.DENY)
# How a release ends that is denied the call once; everything else is made good within the release.
DENIED = {
    "ModifyRule": "interrupted",
    "UpdateService": "interrupted",
    "PutScheduledAction": "succeeded",
    "RegisterScalableTarget": "succeeded",
    "TransactWriteItems": "interrupted",
    "PutItem": "interrupted",
    "GetItem": "interrupted",
    "Query": "interrupted",
    # The preflight looks at rules first, and says that it could not.
    "DescribeRules": "succeeded",
    "DescribeServices": "interrupted",
    "DescribeTargetHealth": "interrupted",
}
OPERATIONS = tuple(DENIED)


def promised(operation: str, kind: Kind) -> str:
    return DENIED[operation] if kind is Kind.DENY else "succeeded"
