"""A weight write sends a rule's other actions and its stickiness again: ModifyRule replaces what it is not sent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2, rule_actions
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import SilentProgress
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.listener import ListenerProvider
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Weights
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from botocore.stub import Stubber
from moto import mock_aws

REGION = "eu-central-1"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"
RULE = f"{ARN}:listener-rule/app/corp/1/2/3"
BLUE, GREEN = (f"{ARN}:targetgroup/corp-web-{colour}/1" for colour in ("blue", "green"))
OIDC = {
    "Issuer": "https://id.example.com",
    "AuthorizationEndpoint": "https://id.example.com/authorize",
    "TokenEndpoint": "https://id.example.com/token",
    "UserInfoEndpoint": "https://id.example.com/userinfo",
    "ClientId": "web",
    "OnUnauthenticatedRequest": "authenticate",
}
COGNITO = {
    "UserPoolArn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_a",
    "UserPoolClientId": "web",
    "UserPoolDomain": "login",
}


def forward(sticky: dict[str, Any], order: int = 2, **weights: int) -> dict[str, Any]:
    arns = {"blue": BLUE, "green": GREEN}
    groups = [{"TargetGroupArn": arns[colour], "Weight": weight} for colour, weight in weights.items()]
    return {
        "Type": "forward",
        "Order": order,
        "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky},
    }


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        pytest.param(
            {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": OIDC},
            # Without this ELB asks for the secret, which it never answers.
            {
                "Type": "authenticate-oidc",
                "Order": 1,
                "AuthenticateOidcConfig": {**OIDC, "UseExistingClientSecret": True},
            },
            id="an OIDC login, whose secret ELB keeps",
        ),
        pytest.param(
            {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": COGNITO},
            {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": COGNITO},
            id="a Cognito login",
        ),
    ],
)
@pytest.mark.parametrize("sticky", [{"Enabled": False}, {"Enabled": True, "DurationSeconds": 600}])
def test_a_weight_write_keeps_the_login_and_the_stickiness(
    monkeypatch: pytest.MonkeyPatch, login: dict[str, Any], sent: dict[str, Any], sticky: dict[str, Any]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws = Aws({"region": REGION})
    read = {"RuleArn": RULE, "Priority": "10", "Conditions": [], "IsDefault": False}
    with Stubber(aws.client("elbv2")) as stubber:
        before = {**read, "Actions": [login, forward(sticky, blue=100, green=0)]}
        after = {**read, "Actions": [login, forward(sticky, blue=90, green=10)]}
        stubber.add_response("describe_rules", {"Rules": [before]}, {"RuleArns": [RULE]})
        expected = {"RuleArn": RULE, "Actions": [sent, forward(sticky, blue=90, green=10)]}
        stubber.add_response("modify_rule", {"Rules": [after]}, expected)
        written = elbv2.set_weights(aws, elbv2.rule(aws, RULE), {BLUE: 90, GREEN: 10})
        stubber.assert_no_pending_responses()
    assert written.weights == {BLUE: 90, GREEN: 10}


def test_a_rule_that_forwards_to_one_target_group_becomes_a_weighted_one() -> None:
    written = rule_actions.with_weights([{"Type": "forward", "TargetGroupArn": BLUE}], {BLUE: 100, GREEN: 0})
    assert rule_actions.weights(written) == {BLUE: 100, GREEN: 0}
    assert "TargetGroupArn" not in written[0]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("elbv2", REGION)


def test_a_login_that_is_added_while_a_release_shifts_traffic_is_kept(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws({"region": REGION})
    subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]]
    balancer = cloud.create_load_balancer(Name="corp", Subnets=subnets)["LoadBalancers"][0]
    boto3.client("ecs", REGION).create_cluster(clusterName="corp")
    for colour in Colour:
        cloud.create_target_group(
            Name=f"corp-web-{colour}", Protocol="HTTP", Port=80, VpcId=balancer["VpcId"], TargetType="ip"
        )
    groups = elbv2.target_groups(aws, [f"corp-web-{colour}" for colour in Colour])
    by_colour = {colour: groups[f"corp-web-{colour}"] for colour in Colour}
    blue, green = (by_colour[colour].arn for colour in Colour)
    default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listener = cloud.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=default
    )["Listeners"][0]["ListenerArn"]
    made = elbv2.create_rule(
        aws, listener, 10, Conditions.of([], ["/*"]), rule_actions.with_weights((), {blue: 100, green: 0}), {}
    )
    location = ServiceLocation("corp", "web", listener, balancer["DNSName"], by_colour, made, made)
    fleet = ServiceFleet(aws, location, SilentProgress(), write_until=math.inf)
    raw = cloud.describe_rules(RuleArns=[made.arn])["Rules"][0]["Actions"]
    login = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": COGNITO}
    cloud.modify_rule(RuleArn=made.arn, Actions=[login, {**raw[0], "Order": 2}])
    fleet.read()
    ListenerProvider(fleet).shift(Weights(0, 100))
    now = cloud.describe_rules(RuleArns=[made.arn])["Rules"][0]["Actions"]
    assert [action["Type"] for action in now] == ["authenticate-cognito", "forward"]
    assert elbv2.rule(aws, made.arn).weights == {blue: 0, green: 100}
    # Weights that the answer does not have are not taken for written.
    monkeypatch.setattr(elbv2, "set_weights", lambda *_request: made)
    with pytest.raises(PortError, match=r"has blue 100 % green 0 % after blue 0 % green 100 % was written") as failed:
        ListenerProvider(fleet).shift(Weights(0, 100))
    assert failed.value.transient


def test_a_listener_is_sent_the_stickiness_that_it_said_and_else_none() -> None:
    single = [{"Type": "forward", "TargetGroupArn": "blue"}]
    (written,) = rule_actions.with_weights(single, {"blue": 0, "green": 100}, unless_said=None)
    assert set(written["ForwardConfig"]) == {"TargetGroups"}
    said = [{"Type": "forward", "ForwardConfig": {"TargetGroupStickinessConfig": {"Enabled": True}}}]
    (written,) = rule_actions.with_weights(said, {"blue": 0, "green": 100}, unless_said=None)
    assert written["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True}
