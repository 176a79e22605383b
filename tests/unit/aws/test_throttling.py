"""Calls that AWS throttles: sent again until it takes them, by what provisions; not by what holds a lease."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import throttling
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from ..clocks import QuickClock

XML = "<ErrorResponse><Error><Code>{code}</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
EC2 = "<Response><Errors><Error><Code>{code}</Code><Message>Rate exceeded</Message></Error></Errors></Response>"
DONE = b"<DeleteRuleResponse><DeleteRuleResult/></DeleteRuleResponse>"
JSON = '{{"__type": "{code}", "message": "Rate exceeded"}}'


class Throttled:
    """Answers with an error until this time, and then with nothing but success."""

    def __init__(self, clock: QuickClock, until: float, error: str) -> None:
        self.clock, self.until, self.error, self.sent = clock, until, error, 0

    def __call__(self, request: Any, **_event: Any) -> AWSResponse:
        self.sent += 1
        refused = self.clock.now() < self.until
        answer = AWSResponse(request.url, 400 if refused else 200, {}, None)
        answer._content = self.error.encode() if refused else DONE
        return answer


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> QuickClock:
    quick = QuickClock()
    monkeypatch.setattr("botocore.endpoint.time.sleep", quick.sleep)
    monkeypatch.setattr(throttling.time, "monotonic", quick.now)
    return quick


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Aws({"region": "eu-central-1"})


@pytest.mark.parametrize(
    ("service", "call", "error"),
    [
        ("ec2", lambda client: client.delete_subnet(SubnetId="subnet-1"), EC2.format(code="RequestLimitExceeded")),
        ("elbv2", lambda client: client.delete_rule(RuleArn="arn"), XML.format(code="Throttling")),
        ("sns", lambda client: client.delete_topic(TopicArn="arn:aws:sns:::x"), XML.format(code="ThrottledException")),
    ],
)
def test_what_provisions_waits_for_minutes_and_says_so(
    aws: Aws, clock: QuickClock, service: str, call: Any, error: str
) -> None:
    lines: list[str] = []
    aws.wait_for_quotas(lines.append)
    client = aws.client(service)
    answering = Throttled(clock, clock.now() + 600, error)
    client.meta.events.register("before-send", answering)
    call(client)
    assert answering.sent > 4
    assert lines and all("AWS takes no more calls of Delete" in line for line in lines)


def test_it_ends_where_the_quota_never_comes(aws: Aws, clock: QuickClock) -> None:
    aws.wait_for_quotas(lambda _line: None)
    client, began = aws.client("ecs"), clock.now()
    client.meta.events.register("before-send", Throttled(clock, float("inf"), JSON.format(code="ThrottlingException")))
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.delete_account_setting(name="x")
    assert throttling._PATIENCE_SECONDS < clock.now() - began < 2 * throttling._PATIENCE_SECONDS


@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException", "UpdateInProgressException"])
def test_no_other_error_is_waited_for(aws: Aws, clock: QuickClock, code: str) -> None:
    aws.wait_for_quotas(lambda _line: None)
    client, began = aws.client("ecs"), clock.now()
    client.meta.events.register("before-send", Throttled(clock, float("inf"), JSON.format(code=code)))
    with pytest.raises(ClientError):
        client.delete_account_setting(name="x")
    assert clock.now() - began < 60


@pytest.mark.parametrize("kind", ["quick", "brief", "fenced"])
def test_what_holds_a_lease_or_serves_a_person_who_waits_gives_up_within_seconds(
    aws: Aws, clock: QuickClock, kind: str
) -> None:
    aws.wait_for_quotas(lambda _line: None)
    derived = aws.fenced(2, 7, lambda: True) if kind == "fenced" else getattr(aws, kind)()
    client, began = derived.client("ecs"), clock.now()
    client.meta.events.register("before-send", Throttled(clock, float("inf"), JSON.format(code="ThrottlingException")))
    with pytest.raises(ClientError):
        client.delete_account_setting(name="x")
    assert clock.now() - began < 40
