"""Faults: which calls and targets meet them, and how AWS's protocols word a refusal."""

from __future__ import annotations

import random
from typing import Any

import botocore.parsers
import pytest
from botocore.session import Session

from sandbox.api.overlay import Context
from sandbox.api.refusals import encode, protocol_of, refusal
from sandbox.edge.health import FAILED, TIMED_OUT, code_mismatch
from sandbox.edge.spoils import Met, Spoil, Spoils
from sandbox.errors import ApiError
from sandbox.faults.model import Faults, InvalidFault


def faults(*given: dict[str, Any]) -> Faults:
    made = Faults(random.Random(1))
    for one in given:
        made.add(one)
    return made


@pytest.mark.parametrize(
    ("subject", "service", "operation", "expected"),
    [
        ("ecs:DescribeServices", "ecs", "DescribeServices", 1),
        ("ecs:Describe*", "ecs", "DescribeServices", 1),
        ("*:*", "dynamodb", "PutItem", 1),
        ("elbv2:ModifyRule", "elasticloadbalancing", "ModifyRule", 1),
        ("ecs:Describe*", "ecs", "UpdateService", 0),
        ("ecs:*", "ecr", "DescribeImages", 0),
    ],
)
def test_a_fault_concerns_the_calls_it_names(subject: str, service: str, operation: str, expected: int) -> None:
    assert len(faults({"kind": "throttle", "subject": subject}).met_by(service, operation)) == expected


def test_a_counted_fault_ends_by_itself_and_a_probable_one_happens_at_times() -> None:
    counted = faults({"kind": "error", "subject": "ecs:*", "count": 2})
    assert [len(counted.met_by("ecs", "X")) for _ in range(4)] == [1, 1, 0, 0]
    probable = faults({"kind": "error", "subject": "ecs:*", "probability": 0.25})
    met = sum(len(probable.met_by("ecs", "X")) for _ in range(2000))
    assert 400 < met < 600


def test_latencies_add_up_and_one_refusal_is_met() -> None:
    made = faults(
        {"kind": "latency", "subject": "ecs:*", "milliseconds": 5},
        {"kind": "throttle", "subject": "ecs:*"},
        {"kind": "deny", "subject": "ecs:*"},
        {"kind": "latency", "subject": "*:*", "milliseconds": 7},
    )
    assert [one.kind for one in made.met_by("ecs", "X")] == ["latency", "throttle", "latency"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "rain", "subject": "ecs:*"}, "There is no fault 'rain'; there are latency, throttle"),
        ({"kind": "deny", "subject": "ecs"}, "'ecs' names no API operation"),
        ({"kind": "latency", "subject": "ecs:*"}, "needs its --milliseconds"),
        ({"kind": "error", "subject": "ecs:*", "probability": 0}, "above 0 and at most 1, not 0"),
        ({"kind": "error", "subject": "ecs:*", "colour": 1}, "A fault has no colour"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidFault, match=said):
        faults(given)


@pytest.mark.parametrize(
    ("model", "service", "throttled", "denied"),
    [
        ("ecs", "ecs", "ThrottlingException", "AccessDeniedException"),
        ("elbv2", "elasticloadbalancing", "Throttling", "AccessDenied"),
        ("ec2", "ec2", "RequestLimitExceeded", "UnauthorizedOperation"),
        ("efs", "elasticfilesystem", "ThrottlingException", "AccessDeniedException"),
        ("route53", "route53", "Throttling", "AccessDenied"),
        ("cloudwatch", "cloudwatch", "ThrottlingException", "AccessDeniedException"),
    ],
)
def test_every_client_reads_the_code_of_a_refusal(model: str, service: str, throttled: str, denied: str) -> None:
    described = Session().get_service_model(model)
    protocol = protocol_of(
        service, targeted=described.resolved_protocol == "json", form=described.resolved_protocol in {"query", "ec2"}
    )
    operation = described.operation_model(described.operation_names[0])
    for kind, expected in (("throttle", throttled), ("deny", denied)):
        met = faults({"kind": kind, "subject": "*:*"}).met_by(service, operation.name)
        refused = refusal(met, protocol, service, operation.name, Context("1", "eu-central-1", "someone"))
        assert refused is not None
        sent = encode(refused, protocol, service)
        parser = botocore.parsers.create_parser(described.resolved_protocol)
        answer = {"status_code": sent.status, "headers": dict(sent.headers), "body": sent.body}
        error = parser.parse(answer, operation.output_shape)["Error"]
        assert error["Code"] == expected
        assert kind == "throttle" or f"{service}:{operation.name}" in error["Message"]


def test_an_errors_text_is_safe_in_xml() -> None:
    sent = encode(ApiError("ValidationError", "a < b & c"), "query")
    assert b"a &lt; b &amp; c" in sent.body


def spoil(kind: str, **given: Any) -> Spoil:
    rest = {"seconds": 0.0, "status": 500, "probability": 1.0, "health_checks": False, "address": None}
    return Spoil(**{"kind": kind, "target_group": "arn:t", **rest, **given})


def test_requests_meet_the_faults_of_their_target() -> None:
    both = Spoils((spoil("slow", seconds=0.5), spoil("erroring", status=503), spoil("vanish", address="10.0.0.9")))
    assert both.request("arn:t", "10.0.0.1").status == 503
    one = Spoils((spoil("vanish", target_group=None, address="10.0.0.9"),))
    assert one.request("arn:t", "10.0.0.9").vanished
    assert one.request("arn:t", "10.0.0.1") == Met()


def test_health_checks_meet_a_vanished_target_always_and_other_faults_on_request() -> None:
    assert Spoils((spoil("vanish"),)).check("arn:t", "a", 2, "200") == FAILED
    assert Spoils((spoil("erroring"),)).check("arn:t", "a", 2, "200") is None
    assert Spoils((spoil("erroring", health_checks=True),)).check("arn:t", "a", 2, "200") == code_mismatch(500)
    assert Spoils((spoil("slow", seconds=3, health_checks=True),)).check("arn:t", "a", 2, "200") == TIMED_OUT
    assert Spoils((spoil("slow", seconds=1, health_checks=True),)).check("arn:t", "a", 2, "200") is None
