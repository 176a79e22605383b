"""What a person would type in an incident: one ModifyRule that gives all weight to the other target group.

usage: python -m bench.modify_rule RULE_ARN TARGET_GROUP_ARN OTHER_TARGET_GROUP_ARN
"""

from __future__ import annotations

import sys

import boto3


def main(rule: str, gets_all: str, gets_none: str) -> None:
    weights = [{"TargetGroupArn": gets_all, "Weight": 100}, {"TargetGroupArn": gets_none, "Weight": 0}]
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    boto3.client("elbv2").modify_rule(RuleArn=rule, Actions=[forward])


if __name__ == "__main__":
    main(*sys.argv[1:])
