# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions of a listener rule: the weights in them, and the same actions with other weights. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def weights(actions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Weights by target group ARN; empty where no action forwards."""
    forward = next((action for action in actions if action["Type"] == "forward"), None)
    if forward is None:
        return {}
    if "ForwardConfig" in forward:
        # ELB returns a single target group without a weight, or with weight 1.
        return {group["TargetGroupArn"]: group.get("Weight", 1) for group in forward["ForwardConfig"]["TargetGroups"]}
    return {forward["TargetGroupArn"]: 1}


def with_weights(actions: Sequence[Mapping[str, Any]], desired: Mapping[str, int]) -> list[dict[str, Any]]:
    """The request for these weights that keeps everything else: authentication, stickiness, order."""
    kept = [_as_request(action) for action in actions if action["Type"] != "forward"]
    forward = next((action for action in actions if action["Type"] == "forward"), None)
    return [*kept, _forward(forward or {}, desired)]


def _forward(current: Mapping[str, Any], desired: Mapping[str, int]) -> dict[str, Any]:
    stickiness = current.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {"Enabled": False}
    return {
        "Type": "forward",
        **({"Order": current["Order"]} if "Order" in current else {}),
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in desired.items()],
            "TargetGroupStickinessConfig": dict(stickiness),
        },
    }


def _as_request(action: Mapping[str, Any]) -> dict[str, Any]:
    """ELB does not return a client secret. It keeps the one it has where that is asked for.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
    """
    oidc = action.get("AuthenticateOidcConfig")
    if not oidc:
        return dict(action)
    config = {key: value for key, value in oidc.items() if key != "ClientSecret"}
    return {**action, "AuthenticateOidcConfig": {**config, "UseExistingClientSecret": True}}
