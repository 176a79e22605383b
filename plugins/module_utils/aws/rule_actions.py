# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions of a listener rule: weights in its forward action, a login in front of it, and what others put beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_NOT_STICKY: Mapping[str, Any] = MappingProxyType({"Enabled": False})


_CONFIGS = {"authenticate-oidc": "AuthenticateOidcConfig", "authenticate-cognito": "AuthenticateCognitoConfig"}


@dataclass(frozen=True)
class Login:
    """An authentication in front of the forward action. `config` is ELB's, without the client secret, which it never answers."""

    kind: str
    config: Mapping[str, Any]

    def __str__(self) -> str:
        return self.kind.replace("authenticate-oidc", "login by OIDC").replace(
            "authenticate-cognito", "login by Cognito"
        )


@dataclass(frozen=True)
class RuleOptions:
    """What a rule has beside its weights. None leaves it as it is; no logins, and 0 seconds, take it away."""

    logins: tuple[Login, ...] | None = None
    sticky_seconds: int | None = None

    @property
    def needs_client_secret(self) -> bool:
        return any(login.kind == "authenticate-oidc" for login in self.logins or ())


def weights(actions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Weights by target group ARN; empty for a rule that forwards nothing."""
    forward = next((action for action in actions if action["Type"] == "forward"), None)
    if forward is None:
        return {}
    if "ForwardConfig" in forward:
        # ELB returns a single target group without a weight, or with weight 1.
        return {group["TargetGroupArn"]: group.get("Weight", 1) for group in forward["ForwardConfig"]["TargetGroups"]}
    return {forward["TargetGroupArn"]: 1}


def with_weights(
    actions: Sequence[Mapping[str, Any]],
    desired: Mapping[str, int],
    unless_said: Mapping[str, Any] | None = _NOT_STICKY,
) -> list[dict[str, Any]]:
    """The actions as ModifyRule takes them, with other weights: every other action and the stickiness stay as they are.

    `unless_said` is the stickiness that is sent where the actions have none.
    """
    before = [_again(action) for action in actions if action["Type"] != "forward"]
    old = next((action for action in actions if action["Type"] == "forward"), {})
    sticky = old.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or unless_said
    order = {"Order": old["Order"]} if "Order" in old else {}
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in desired.items()]
    forward = {"TargetGroups": groups, **({"TargetGroupStickinessConfig": dict(sticky)} if sticky else {})}
    return [*before, {"Type": "forward", **order, "ForwardConfig": forward}]


def logins(actions: Sequence[Mapping[str, Any]]) -> tuple[Login, ...]:
    """The logins of a rule. What says which secret they have is no part of what they are."""
    return tuple(
        Login(
            action["Type"],
            {
                key: value
                for key, value in action[_CONFIGS[action["Type"]]].items()
                if value != {} and key not in ("ClientSecret", "UseExistingClientSecret")
            },
        )
        for action in actions
        if action["Type"] in _CONFIGS
    )


def sticky_seconds(actions: Sequence[Mapping[str, Any]]) -> int:
    """How long a client stays with the target group that answered it; 0 where it does not."""
    forward = next((action for action in actions if action["Type"] == "forward"), {})
    sticky = forward.get("ForwardConfig", {}).get("TargetGroupStickinessConfig") or {}
    return int(sticky.get("DurationSeconds") or 3600) if sticky.get("Enabled") else 0


def differences(actions: Sequence[Mapping[str, Any]], options: RuleOptions) -> dict[str, tuple[Any, Any]]:
    """What is and what shall be, by its name."""
    found: dict[str, tuple[Any, Any]] = {}
    if options.logins is not None and logins(actions) != options.logins:
        found["login"] = (_shown(logins(actions)), _shown(options.logins))
    if options.sticky_seconds is not None and sticky_seconds(actions) != options.sticky_seconds:
        found["stickiness"] = (f"{sticky_seconds(actions)} s", f"{options.sticky_seconds} s")
    return found


def with_options(
    actions: Sequence[Mapping[str, Any]], options: RuleOptions, client_secret: str | None = None
) -> list[dict[str, Any]]:
    """The actions as ModifyRule and CreateRule take them, with these options. The weights stay as they are."""
    written = with_weights(actions, weights(actions))
    forward = written[-1]
    if options.sticky_seconds is not None:
        on = {"Enabled": True, "DurationSeconds": options.sticky_seconds}
        forward["ForwardConfig"]["TargetGroupStickinessConfig"] = on if options.sticky_seconds else dict(_NOT_STICKY)
    if options.logins is None:
        return written
    others = [action for action in written[:-1] if action["Type"] not in _CONFIGS]
    front = [_login_action(login, client_secret) for login in options.logins]
    # Orders of the old actions would leave gaps, or be given twice.
    return [{**action, "Order": number} for number, action in enumerate([*front, *others, forward], 1)]


def _login_action(login: Login, client_secret: str | None) -> dict[str, Any]:
    secret: dict[str, Any] = {}
    if login.kind == "authenticate-oidc":
        secret = {"ClientSecret": client_secret} if client_secret else {"UseExistingClientSecret": True}
    return {"Type": login.kind, _CONFIGS[login.kind]: {**login.config, **secret}}


def _shown(found: Sequence[Login]) -> Any:
    return [{str(login): dict(login.config)} for login in found] or "no login"


def _again(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action as it is sent again. ELB never answers an OIDC client secret: it keeps the one that it has.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
    """
    if action["Type"] != "authenticate-oidc":
        return dict(action)
    known = {key: value for key, value in action["AuthenticateOidcConfig"].items() if key != "ClientSecret"}
    return {**action, "AuthenticateOidcConfig": {**known, "UseExistingClientSecret": True}}
