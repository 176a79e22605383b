"""Policies are evaluated as AWS documents it: conditions, wildcards, denies, boundaries and sessions."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.laws.iam.conditions import UnknownOperator, holds
from sandbox.laws.iam.policies import Effect, Request, Rights, effect_of, evaluate, trusts

CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/live"
KEYS = {"ecs:cluster": [CLUSTER], "aws:tagkeys": ["a", "b"], "aws:requestedregion": ["eu-central-1"]}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}, True, id="equal"),
        pytest.param({"StringEquals": {"AWS:requestedREGION": ["x", "eu-central-1"]}}, True, id="any value, any case of the key"),
        pytest.param({"StringEquals": {"aws:RequestedRegion": "eu-*"}}, False, id="no wildcard in StringEquals"),
        pytest.param({"StringLike": {"aws:RequestedRegion": "eu-*"}}, True, id="wildcard in StringLike"),
        pytest.param({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-central-1"}}, True, id="ignoring case"),
        pytest.param({"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-central-1"]}}, False, id="none of the values"),
        pytest.param({"ArnEquals": {"ecs:cluster": "arn:aws:ecs:*:123456789012:cluster/live"}}, True, id="wildcard in ArnEquals"),
        pytest.param({"ArnLike": {"ecs:cluster": "arn:aws:ecs:*/live"}}, False, id="ARNs part by part"),
        pytest.param({"StringEquals": {"aws:ResourceTag/x": "y"}}, False, id="a missing key matches nothing"),
        pytest.param({"StringNotEquals": {"aws:ResourceTag/x": "y"}}, True, id="a missing key is unequal"),
        pytest.param({"StringEqualsIfExists": {"aws:ResourceTag/x": "y"}}, True, id="IfExists with a missing key"),
        pytest.param({"StringEqualsIfExists": {"aws:RequestedRegion": "y"}}, False, id="IfExists with another value"),
        pytest.param({"Null": {"aws:ResourceTag/x": "true"}}, True, id="Null of a missing key"),
        pytest.param({"Null": {"ecs:cluster": "false"}}, True, id="not Null"),
        pytest.param({"Null": {"ecs:cluster": True}}, False, id="Null of a key that is there"),
        pytest.param({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b", "c"]}}, True, id="all values"),
        pytest.param({"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}}, False, id="not all values"),
        pytest.param({"ForAllValues:StringEquals": {"aws:Missing": ["a"]}}, True, id="all of no values"),
        pytest.param({"ForAnyValue:StringEquals": {"aws:TagKeys": ["b"]}}, True, id="any value of the request"),
        pytest.param({"ForAnyValue:StringEquals": {"aws:Missing": ["b"]}}, False, id="any of no values"),
        pytest.param({"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}}, True, id="one value is another"),
        pytest.param({"StringLike": {"ecs:cluster": "*${aws:RequestedRegion}*"}}, True, id="a policy variable"),
        pytest.param({"StringEquals": {"aws:RequestedRegion": "${aws:Missing}"}}, False, id="a variable without a value"),
        pytest.param({"StringEquals": {"aws:RequestedRegion": "${aws:Missing, 'eu-central-1'}"}}, True, id="its default"),
        pytest.param(
            {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}, "Null": {"ecs:cluster": "true"}}, False, id="all operators"
        ),
    ],
)  # fmt: skip
def test_a_condition_holds_or_not(conditions: dict[str, Any], expected: bool) -> None:
    assert holds(conditions, KEYS) is expected


@pytest.mark.parametrize(
    ("conditions", "keys", "expected"),
    [
        pytest.param({"NumericLessThanEquals": {"x:n": "5"}}, {"x:n": ["5"]}, True, id="numbers"),
        pytest.param({"Bool": {"aws:SecureTransport": False}}, {"aws:securetransport": ["true"]}, False, id="booleans"),
        pytest.param(
            {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": ["10.1.2.3"]}, True, id="networks"
        ),
        pytest.param(
            {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": ["10.1.2.3"]}, False, id="other networks"
        ),
        pytest.param(
            {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01"}},
            {"aws:currenttime": ["2026-02-01T00:00:00Z"]},
            True,
            id="dates",
        ),
    ],
)
def test_values_are_compared_by_their_type(conditions: Any, keys: Any, expected: bool) -> None:
    assert holds(conditions, keys) is expected


def test_an_operator_that_iam_does_not_have_is_an_error() -> None:
    with pytest.raises(UnknownOperator, match="StringEqual"):
        holds({"StringEqual": {"ecs:cluster": CLUSTER}}, KEYS)


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": "ecs:*", "Resource": "*", **elements}]}


SERVICE = Request("ecs:UpdateService", "arn:aws:ecs:eu-central-1:123456789012:service/live/web", KEYS)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(statement(), Effect.ALLOW, id="all of a service"),
        pytest.param(statement(Action=["ECS:updateservice"]), Effect.ALLOW, id="any case of the action"),
        pytest.param(statement(Action="ecs:Describe*"), Effect.NEITHER, id="another action"),
        pytest.param(
            {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}, Effect.ALLOW, id="NotAction"
        ),
        pytest.param(
            statement(Resource="arn:aws:ecs:eu-central-1:123456789012:service/live/*"), Effect.ALLOW, id="by name"
        ),
        pytest.param(
            statement(Resource="arn:aws:ecs:eu-central-1:123456789012:service/other/*"), Effect.NEITHER, id="other"
        ),
        pytest.param(
            statement(Resource="arn:aws:ecs:*:123456789012:service/liv?/web"), Effect.ALLOW, id="one character"
        ),
        pytest.param(statement("Deny"), Effect.DENY, id="a deny"),
    ],
)
def test_a_statement_concerns_a_request_or_not(document: Any, expected: Effect) -> None:
    assert effect_of([document], SERVICE) is expected


@pytest.mark.parametrize(
    ("rights", "reason"),
    [
        pytest.param(Rights((statement(),)), "", id="allowed"),
        pytest.param(Rights(unlimited=True), "", id="an administrator"),
        pytest.param(
            Rights(), "because no identity-based policy allows the ecs:UpdateService action", id="no policy at all"
        ),
        pytest.param(
            Rights((statement(), statement("Deny"))),
            "with an explicit deny in an identity-based policy",
            id="deny wins",
        ),
        pytest.param(
            Rights((statement(),), boundary=(statement(Action="s3:*"),)),
            "because no permissions boundary allows the ecs:UpdateService action",
            id="outside the boundary",
        ),
        pytest.param(
            Rights((statement(),), boundary=(statement(),), session=(statement("Deny"),)),
            "with an explicit deny in a session policy",
            id="denied by the session",
        ),
        pytest.param(
            Rights((), boundary=(statement(),)),
            "because no identity-based policy allows the ecs:UpdateService action",
            id="a boundary grants nothing",
        ),
    ],
)
def test_the_verdict_names_the_policy_that_is_the_cause(rights: Rights, reason: str) -> None:
    verdict = evaluate(rights, SERVICE)
    assert (verdict.allowed, verdict.reason) == (reason == "", reason)


def test_a_trust_policy_names_its_principals() -> None:
    trust = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
            },
        ]
    }
    request = Request("sts:AssumeRole", "arn:aws:iam::123456789012:role/x", {"aws:sourceaccount": ["123456789012"]})
    assert trusts(trust, request, {"AWS": ["arn:aws:iam::123456789012:root"]}) is Effect.ALLOW
    assert trusts(trust, request, {"AWS": ["arn:aws:iam::210987654321:root"]}) is Effect.NEITHER
    assert trusts(trust, request, {"Service": ["ecs-tasks.amazonaws.com"]}) is Effect.ALLOW
    assert trusts(trust, Request("sts:AssumeRole", "x", {}), {"Service": ["ecs-tasks.amazonaws.com"]}) is Effect.NEITHER
