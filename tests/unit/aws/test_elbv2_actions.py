"""ModifyRule replaces all actions: the request for other weights has everything else that the rule had."""

from __future__ import annotations

from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_actions import weights, with_weights

LOGIN = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://id.example.com",
        "ClientId": "web",
        "OnUnauthenticatedRequest": "deny",
    },
}
FORWARD = {
    "Type": "forward",
    "Order": 2,
    "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": "a", "Weight": 100}, {"TargetGroupArn": "b", "Weight": 0}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 300},
    },
}


def test_authentication_and_stickiness_stay() -> None:
    login, forward = with_weights([LOGIN, FORWARD], {"a": 10, "b": 90})
    assert login["AuthenticateOidcConfig"] == {**LOGIN["AuthenticateOidcConfig"], "UseExistingClientSecret": True}  # type: ignore[dict-item]
    assert (login["Order"], forward["Order"]) == (1, 2)
    assert weights([login, forward]) == {"a": 10, "b": 90}
    assert forward["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True, "DurationSeconds": 300}


def test_an_action_of_another_kind_is_sent_as_it_was() -> None:
    cognito = {"Type": "authenticate-cognito", "Order": 1, "AuthenticateCognitoConfig": {"UserPoolArn": "p"}}
    assert with_weights([cognito, FORWARD], {"a": 1})[0] == cognito


def test_a_rule_without_actions_gets_one_that_forwards_without_stickiness() -> None:
    (forward,) = with_weights((), {"a": 100, "b": 0})
    assert "Order" not in forward
    assert forward["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": False}
