"""What a failed call means: every documented code is listed, unreadable answers are failures, fenced writes are sent once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import autoscaling, dynamodb, ecs, elbv2, error_codes
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.aws.error_codes import Meaning
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, meaning_of
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.port_calls import port_call
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.release.runner import ports
from ansible_collections.pear.fargate.plugins.module_utils.rollout import lease as leases
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, CredentialRetrievalError, MetadataRetrievalError, ReadTimeoutError

PLUGINS = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
RULE = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/a/1/2/3"
SCALING = "application-autoscaling"
CLUSTER_ARN = "arn:aws:ecs:eu-central-1:123456789012:cluster/c"


def documented_codes() -> Iterator[tuple[str, str, str]]:
    """Service, operation and code, of every operation that a file names which has a client of the service."""
    session = botocore.session.Session()
    for path in sorted(PLUGINS.rglob("*.py")):
        text = path.read_text()
        called = set(re.findall(r"\.([a-z_0-9]+)\(|get_paginator\(\"([a-z_0-9]+)\"", text))
        names = {name for pair in called for name in pair if name}
        for service in set(re.findall(r"client\(\"([a-z0-9-]+)\"", text)):
            model = session.get_service_model(service)
            for operation in model.operation_names:
                if xform_name(operation) in names:
                    for shape in model.operation_model(operation).error_shapes:
                        yield service, operation, shape.error_code


def test_every_documented_code_of_every_call_has_a_meaning() -> None:
    codes = list(documented_codes())
    assert len({service for service, _operation, _code in codes}) > 15
    unlisted = {
        f"{service} {operation}: {code}" for service, operation, code in codes if code not in error_codes.MEANINGS
    }
    assert not unlisted


def test_no_code_is_listed_twice() -> None:
    listed = [code for codes in error_codes._CODES.values() for code in codes.split()]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("ThrottlingException", 400, Meaning.THROTTLED),
        ("ProvisionedThroughputExceededException", 400, Meaning.THROTTLED),
        ("ConcurrentUpdateException", 400, Meaning.BUSY),
        ("TransactionInProgressException", 400, Meaning.BUSY),
        ("SomethingNew", 503, Meaning.FAULT),
        ("SomethingNew", 400, Meaning.UNKNOWN),
        ("ServerException", 500, Meaning.FAULT),
        ("ClientException", 400, Meaning.INVALID),
        ("AccessDeniedException", 400, Meaning.DENIED),
    ],
)
def test_what_a_code_means(code: str, status: int, meaning: Meaning) -> None:
    error = ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Anything")
    assert meaning_of(error) is meaning
    assert AwsError("do it", error).transient is (meaning in (Meaning.THROTTLED, Meaning.BUSY, Meaning.FAULT))


@pytest.mark.parametrize(
    "cause",
    [
        CredentialRetrievalError(provider="custom-process", error_msg="timed out"),
        MetadataRetrievalError(error_msg="Received non 200 response (503)"),
    ],
)
def test_credentials_that_could_not_be_read_now_may_be_read_the_next_time(cause: Exception) -> None:
    error = AwsError("do it", cause)
    assert error.transient and not error.may_arrive, "nothing was sent"


@pytest.mark.parametrize(
    ("reasons", "meaning"),
    [
        (["None", "TransactionConflict"], Meaning.BUSY),
        (["ThrottlingError", "None"], Meaning.THROTTLED),
        (["ProvisionedThroughputExceeded"], Meaning.THROTTLED),
        (["ConditionalCheckFailed", "TransactionConflict"], Meaning.STATE),
        (["ValidationError"], Meaning.STATE),
        ([], Meaning.STATE),
    ],
)
def test_a_cancelled_transaction_may_be_repeated_if_all_of_its_reasons_pass(
    reasons: list[str], meaning: Meaning
) -> None:
    error = ClientError(
        {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in reasons],
        },
        "TransactWriteItems",
    )
    assert meaning_of(error) is meaning


class Answering:
    """Answers the requests of a client with bodies, the last one for ever, and counts."""

    def __init__(self, status: int, *bodies: bytes) -> None:
        self.status, self.bodies, self.sent = status, bodies, 0

    def __call__(self, request: Any, **_event: Any) -> AWSResponse:
        answer = AWSResponse(request.url, self.status, {}, None)
        answer._content = self.bodies[min(self.sent, len(self.bodies) - 1)]
        self.sent += 1
        return answer


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Aws({"region": "eu-central-1", "aws_config": {"retries": {"mode": "standard", "total_max_attempts": 7}}})


PAGE = b"<!DOCTYPE html><html><body>captive portal</body></html>"
ZONES = b"<GetHostedZoneCountResponse><HostedZoneCount>7</HostedZoneCount></GetHostedZoneCountResponse>"
KEY = {"service": {"S": "a"}, "entry": {"S": "lease"}}
READS = [
    ("dynamodb", lambda aws: dynamodb.get(aws, "t", KEY)),
    ("dynamodb", lambda aws: dynamodb.put(aws, "t", KEY)),
    ("elbv2", lambda aws: elbv2.rule(aws, RULE)),
    ("ecs", lambda aws: ecs.services(aws, "c", ["s"])),
    (SCALING, lambda aws: autoscaling.scalable_targets(aws, "c", ["s"])),
]


@pytest.mark.parametrize(("service", "call"), READS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PAGE, id="page"),
        pytest.param(b'{"Item": {"owner"', id="half of JSON"),
        pytest.param(b"<a><b>", id="half of XML"),
        pytest.param(b'{"error": "blocked by policy"}', id="JSON of others"),
        pytest.param(b"<error><reason>blocked by policy</reason></error>", id="XML of others"),
        pytest.param(b'{"Item": ' + b"[" * 100_000, id="nested too deeply"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_transient_failure(aws: Aws, service: str, call: Any, body: bytes) -> None:
    aws.client(service).meta.events.register("before-send", Answering(200, body))
    with pytest.raises(PortError) as failed:
        port_call(call)(aws)
    assert failed.value.transient
    assert failed.value.may_arrive


@pytest.mark.parametrize(("service", "call"), READS[3:])
def test_an_answer_that_holds_nothing_of_what_aws_always_sends_is_one_too(aws: Aws, service: str, call: Any) -> None:
    aws.client(service).meta.events.register("before-send", Answering(200, b"{}"))
    with pytest.raises(
        PortError, match=r"The answer holds no '\w+'\. The answer is not AWS's: check proxies"
    ) as failed:
        port_call(call)(aws)
    assert failed.value.transient


RULES = b"<DescribeRulesResponse><DescribeRulesResult><Rules/></DescribeRulesResult></DescribeRulesResponse>"
REPEATED = [
    ("elbv2", lambda aws: aws.client("elbv2").describe_rules(RuleArns=[RULE])["Rules"], RULES, []),
    ("dynamodb", lambda aws: dynamodb.get(aws, "t", KEY), b"{}", None),
    ("route53", lambda aws: aws.client("route53").get_hosted_zone_count()["HostedZoneCount"], ZONES, 7),
    (
        "ec2",
        lambda aws: aws.client("ec2").describe_vpcs()["Vpcs"],
        b"<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>",
        [],
    ),
    ("efs", lambda aws: aws.client("efs").describe_file_systems()["FileSystems"], b'{"FileSystems": []}', []),
]


@pytest.mark.parametrize(("service", "call", "good", "found"), REPEATED, ids=[row[0] for row in REPEATED])
@pytest.mark.parametrize("half", [True, False], ids=["half", "page"])
def test_a_read_whose_answer_cannot_be_read_is_asked_again(
    aws: Aws, service: str, call: Any, good: bytes, found: Any, half: bool
) -> None:
    answering = Answering(200, good[: len(good) // 2] if half else PAGE, good)
    aws.client(service).meta.events.register("before-send", answering)
    assert call(aws) == found
    assert answering.sent == 2


def test_a_read_is_asked_again_twice_at_most_and_a_write_never(aws: Aws) -> None:
    for call, sent in ((lambda: dynamodb.get(aws, "t", KEY), 3), (lambda: dynamodb.put(aws, "t", KEY), 1)):
        answering = Answering(200, PAGE)
        client = aws.client("dynamodb")
        client.meta.events.register("before-send", answering)
        with pytest.raises(AwsError, match="was answered with"):
            call()
        assert answering.sent == sent
        client.meta.events.unregister("before-send", answering)
    once = aws.fenced(3, 7, lambda: True)
    answering = Answering(200, PAGE)
    once.client("dynamodb").meta.events.register("before-send", answering)
    with pytest.raises(AwsError, match="was answered with"):
        dynamodb.get(once, "t", KEY)
    assert answering.sent == 1


def test_an_empty_answer_to_a_read_is_no_answer(aws: Aws) -> None:
    aws.client("dynamodb").meta.events.register("before-send", Answering(200, b""))
    with pytest.raises(AwsError, match="GetItem was answered with ''"):
        dynamodb.get(aws, "t", KEY)


@pytest.mark.parametrize("status", [500, 503, 400])
def test_a_fenced_write_is_sent_once_whatever_aws_config_says(aws: Aws, status: int) -> None:
    fenced = aws.fenced(3, 7, lambda: True)
    client = fenced.client("elbv2")
    answering = Answering(
        status, b"<ErrorResponse><Error><Code>Throttling</Code><Message>slowly</Message></Error></ErrorResponse>"
    )
    client.meta.events.register("before-send", answering)
    with pytest.raises(AwsError):
        elbv2.set_weights(fenced, Rule(RULE, 10, Conditions()), {"a": 100})
    assert answering.sent == 1
    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (3, 7)
    assert aws.client("elbv2").meta.config.read_timeout == 30


def test_a_fenced_write_whose_time_is_over_is_not_sent(aws: Aws) -> None:
    fenced = aws.fenced(3, 7, lambda: False)
    answering = Answering(200, b"")
    fenced.client("elbv2").meta.events.register_last("before-send", answering)
    with pytest.raises(PortError, match=r"ModifyRule was not sent") as kept:
        port_call(elbv2.set_weights)(fenced, Rule(RULE, 10, Conditions()), {"a": 100})
    assert answering.sent == 0
    assert kept.value.transient
    assert not kept.value.may_arrive


def test_a_read_whose_look_is_over_is_not_sent_and_not_repeated(aws: Aws) -> None:
    sent: list[float] = []

    def hang(**_event: Any) -> None:
        sent.append(0.0)
        raise ReadTimeoutError(endpoint_url="https://elasticloadbalancing")

    quick = aws.quick(lambda: len(sent) < 2)
    quick.client("elbv2").meta.events.register_last("before-send", hang)
    with pytest.raises(PortError, match=r"DescribeTargetHealth was not sent: the calls before it") as kept:
        port_call(elbv2.target_health)(quick, "arn:group")
    assert (len(sent), kept.value.transient, kept.value.may_arrive) == (2, True, False)


def test_the_reads_of_a_look_end_before_the_lease_does(aws: Aws) -> None:
    config = aws.quick().client("dynamodb").meta.config
    assert config.connect_timeout + config.read_timeout <= leases.READ_SECONDS
    unrouted = ServiceLocation("live", "scoreboard", "", "", {}, Rule("", 0, Conditions()), None)
    made = ports(Invocation({}, aws), unrouted)
    made.read_deadline.until = 0.0
    with pytest.raises(PortError, match="DescribeServices was not sent"):
        made.provider.glance()


def test_a_write_that_times_out_may_still_arrive(aws: Aws) -> None:
    def hang(**_event: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://elasticloadbalancing")

    fenced = aws.fenced(3, 7, lambda: True)
    fenced.client("elbv2").meta.events.register("before-send", hang)
    with pytest.raises(PortError) as failed:
        port_call(elbv2.set_weights)(fenced, Rule(RULE, 10, Conditions()), {"a": 100})
    assert failed.value.transient
    assert failed.value.may_arrive


def test_calls_under_a_lease_end_before_it_does(aws: Aws) -> None:
    config = aws.quick().client("dynamodb").meta.config
    longest = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    # The lease is renewed at half of its time at the latest, and then such a call may begin.
    assert longest < leases.SECONDS / 2


def test_calls_of_the_ledger_are_given_up_in_time_for_traffic_to_return_within_a_minute(aws: Aws) -> None:
    unrouted = ServiceLocation("live", "scoreboard", "", "", {}, Rule("", 0, Conditions()), None)
    ledger = ports(Invocation({}, aws), unrouted).ledger
    assert isinstance(ledger, DynamoLedger)
    config = ledger.aws.client("dynamodb").meta.config
    # test_ledger_away.py goes out from calls that take up to so long.
    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) < 15


READS_OF_PROVIDERS = {
    "service", "services", "rule", "target_health", "tasks", "scale_ins", "scalable_targets", "task_definition",
    "register_task_definition", "owns_desired_count", "last_lines", "policies", "scheduled_actions",
}  # fmt: skip


def test_every_write_of_a_provider_is_fenced() -> None:
    """Registering a task definition is none: nothing runs of it by itself. Scaling by hand writes what providers write."""
    fenced = set()
    for path in (*sorted((PLUGINS / "release" / "providers").glob("*.py")), PLUGINS / "release" / "service_scale.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = node.func.value
            name = node.func.attr
            if not isinstance(of, ast.Name) or of.id not in ("ecs", "elbv2", "autoscaling", "logs"):
                continue
            if name in READS_OF_PROVIDERS:
                continue
            assert ast.unparse(node.args[0]).endswith("writing"), f"{path.name}: {ast.unparse(node)}"
            fenced.add(name)
    weights = {"set_weights", "set_default_weights"}
    assert {*weights, "update_service", "create_service", "register", "schedule", "unschedule"} <= fenced
