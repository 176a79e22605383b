# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions of a listener rule: weights in its forward action, and what others put beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NOT_STICKY: Mapping[str, Any] = {"Enabled": False}


def weights(actions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Weights by target group ARN; empty for a rule that forwards nothing."""
    forward = next((action for action in actions if action["Type"] == "forward"), None)
    if forward is None:
        return {}
    if "ForwardConfig" in forward:
        # ELB returns a single target group without a weight, or with weight 1.
        return {group["TargetGroupArn"]: group.get("Weight", 1) for group in forward["ForwardConfig"]["TargetGroups"]}
    return {forward["TargetGroupArn"]: 1}


def with_weights(actions: Sequence[Mapping[str, Any]], desired: Mapping[str, int]) -> list[dict[str, Any]]:
    """The actions as ModifyRule takes them, with other weights: every other action and the stickiness stay as they are."""
    before = [_again(action) for action in actions if action["Type"] != "forward"]
    old = next((action for action in actions if action["Type"] == "forward"), {})
    sticky = old.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or _NOT_STICKY
    order = {"Order": old["Order"]} if "Order" in old else {}
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in desired.items()]
    forward = {"TargetGroups": groups, "TargetGroupStickinessConfig": dict(sticky)}
    return [*before, {"Type": "forward", **order, "ForwardConfig": forward}]


def _again(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action as it is sent again. ELB never answers an OIDC client secret: it keeps the one that it has.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
    """
    if action["Type"] != "authenticate-oidc":
        return dict(action)
    known = {key: value for key, value in action["AuthenticateOidcConfig"].items() if key != "ClientSecret"}
    return {**action, "AuthenticateOidcConfig": {**known, "UseExistingClientSecret": True}}
