"""Token buckets: so many calls at once, so many a second on and on, and which calls share one."""

from __future__ import annotations

import pytest

from sandbox.laws.rates import QUOTAS, Rates
from tests.support.iam_calls import collection_calls

REGION, ELB = "eu-central-1", "elasticloadbalancing"


def taken(rates: Rates, service: str, operation: str, calls: int, now: float) -> int:
    return sum(rates.takes(REGION, service, operation, now) for _ in range(calls))


def test_all_describe_calls_of_load_balancers_share_one_bucket() -> None:
    rates = Rates()
    assert taken(rates, ELB, "DescribeRules", 30, 0.0) == 30
    assert taken(rates, ELB, "DescribeTargetHealth", 30, 0.0) == 10
    assert taken(rates, ELB, "ModifyRule", 50, 0.0) == 50, "writes are no Describe calls"
    assert taken(rates, ELB, "DescribeTargetHealth", 30, 1.0) == 10, "ten a second"
    assert taken(rates, ELB, "DescribeRules", 90, 3600.0) == 40, "never more than the bucket holds"
    assert rates.refused() == {f"{ELB}:DescribeTargetHealth": 40, f"{ELB}:DescribeRules": 50}


def test_each_region_has_its_own() -> None:
    rates = Rates()
    assert taken(rates, ELB, "DescribeRules", 50, 0.0) == 40
    assert rates.takes("us-east-1", ELB, "DescribeRules", 0.0)


def test_ec2_has_a_bucket_for_every_call() -> None:
    rates = Rates()
    assert taken(rates, "ec2", "DescribeSubnets", 120, 0.0) == 100
    assert taken(rates, "ec2", "DescribeVpcs", 120, 0.0) == 100
    assert taken(rates, "ec2", "CreateTags", 120, 0.0) == 100
    assert taken(rates, "ec2", "CreateSubnet", 120, 0.0) == 50
    assert taken(rates, "ec2", "CreateVpcEndpoint", 10, 0.0) == 4
    assert taken(rates, "ec2", "CreateVpcEndpoint", 10, 3.4) == 1


def test_a_registration_a_second_is_sustained() -> None:
    rates = Rates()
    assert taken(rates, "ecs", "RegisterTaskDefinition", 50, 0.0) == 20
    assert [rates.takes(REGION, "ecs", "RegisterTaskDefinition", second) for second in (0.5, 1.0, 1.5, 2.0)] == [
        False,
        True,
        False,
        True,
    ]


def test_fargate_launches_twenty_tasks_a_second_and_stops_more() -> None:
    rates = Rates()
    assert taken(rates, "ecs", "RunTask", 150, 0.0) == 100
    assert taken(rates, "ecs", "RunTask", 50, 1.0) == 20
    assert taken(rates, "ecs", "StopTask", 150, 1.0) == 100


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iam", "PutRolePolicy"),
        ("application-autoscaling", "RegisterScalableTarget"),
        ("dynamodb", "GetItem"),
        ("s3", "GetObject"),
    ],
)
def test_what_publishes_no_figure_is_not_throttled(service: str, operation: str) -> None:
    assert service not in QUOTAS
    assert taken(Rates(), service, operation, 500, 0.0) == 500


def test_calls_of_sts_with_credentials_share_one_bucket() -> None:
    rates = Rates()
    assert taken(rates, "sts", "AssumeRole", 500, 0.0) == 500
    assert taken(rates, "sts", "GetCallerIdentity", 500, 0.0) == 100
    assert taken(rates, "sts", "AssumeRoleWithWebIdentity", 500, 0.0) == 500


def test_no_call_of_the_collection_is_left_out_where_its_service_publishes_figures() -> None:
    """But writes of load balancers, and calls about groups and lists of schedules, of which the pages say nothing."""
    unlimited = {
        name
        for name in collection_calls()
        for service, operation in [name.split(":")]
        if service in QUOTAS and not any(quota.concerns(operation) for quota in QUOTAS[service])
    }
    lists = {
        f"scheduler:{call}" for call in ("GetScheduleGroup", "ListSchedules", "ListTagsForResource", "TagResource")
    }
    assert {name for name in unlimited if not name.startswith("elasticloadbalancing:")} <= lists
    assert not any(name.startswith("elasticloadbalancing:Describe") for name in unlimited)
