# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The login in front of a service, and how long clients stay with a task: options, what ELB is sent, and what is wrong. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..aws.errors import Failure
from ..aws.rule_actions import Login, RuleOptions
from .routing import PRODUCTION, TEST

# Documented by the module service_routing.
LOGIN_ARGUMENTS: dict[str, Any] = {
    "oidc": {
        "type": "dict",
        "options": {
            "issuer": {"type": "str", "required": True},
            "authorization_endpoint": {"type": "str", "required": True},
            "token_endpoint": {"type": "str", "required": True, "no_log": False},
            "user_info_endpoint": {"type": "str", "required": True},
            "client_id": {"type": "str", "required": True},
            # The secret's name on AWS, never its value.
            "client_secret_arn": {"type": "str", "required": True, "no_log": False},
            "client_secret_key": {"type": "str", "no_log": False},
        },
    },
    "cognito": {
        "type": "dict",
        "options": {
            "user_pool_arn": {"type": "str", "required": True},
            "user_pool_client_id": {"type": "str", "required": True},
            "user_pool_domain": {"type": "str", "required": True},
        },
    },
    "scope": {"type": "str", "default": "openid"},
    "session_seconds": {"type": "int", "default": 604800},
    "session_cookie": {"type": "str", "default": "AWSELBAuthSessionCookie"},
    "extra_parameters": {"type": "dict", "default": {}},
    "unauthenticated": {"type": "str", "choices": ["authenticate", "allow", "deny"], "default": "authenticate"},
    "test_rule": {"type": "bool", "default": True},
}
STICKINESS_ARGUMENTS: dict[str, Any] = {
    "seconds": {"type": "int", "required": True},
    "colour_seconds": {"type": "int", "default": 1},
}
_WEEK = 604800
_EXTRA_PARAMETERS = 10


def options(params: Mapping[str, Any]) -> dict[str, RuleOptions]:
    """Login and stickiness by kind of rule. An option that is None leaves what the rule has."""
    login, sticky = params.get("login"), params.get("stickiness")
    found = None if login is None else tuple(_logins(login))
    # A client stays with a task only where its rule lets it stay with a target group.
    seconds = None if sticky is None else (sticky["colour_seconds"] if sticky["seconds"] else 0)
    under_test = found if login is None or login.get("test_rule", True) else ()
    return {PRODUCTION: RuleOptions(found, seconds), TEST: RuleOptions(under_test, seconds)}


def _logins(login: Mapping[str, Any]) -> Iterator[Login]:
    common = {
        "Scope": login.get("scope"),
        "SessionTimeout": login.get("session_seconds"),
        "SessionCookieName": login.get("session_cookie"),
        "OnUnauthenticatedRequest": login.get("unauthenticated"),
    }
    if login.get("extra_parameters"):
        extra = {str(name): str(value) for name, value in login["extra_parameters"].items()}
        common["AuthenticationRequestExtraParams"] = extra
    if oidc := login.get("oidc"):
        own = {
            "Issuer": oidc["issuer"],
            "AuthorizationEndpoint": oidc["authorization_endpoint"],
            "TokenEndpoint": oidc["token_endpoint"],
            "UserInfoEndpoint": oidc["user_info_endpoint"],
            "ClientId": oidc["client_id"],
        }
        yield Login("authenticate-oidc", {**own, **common})
    if cognito := login.get("cognito"):
        own = {
            "UserPoolArn": cognito["user_pool_arn"],
            "UserPoolClientId": cognito["user_pool_client_id"],
            "UserPoolDomain": cognito["user_pool_domain"],
        }
        yield Login("authenticate-cognito", {**own, **common})


def client_secret(text: str, key: str | None) -> str:
    """The client secret itself: the secret's text, or one key of its JSON."""
    if not key:
        return text
    try:
        found = json.loads(text)[key]
    except (json.JSONDecodeError, KeyError, TypeError):
        # Neither the text nor its keys are repeated.
        raise Failure(
            f"service_login.oidc.client_secret_key is {key!r}, and the secret's JSON has no such key."
        ) from None
    return str(found)


def findings(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each option of service_login and service_stickiness that ELB would refuse."""
    login, sticky = values.get("service_login"), values.get("service_stickiness")
    if isinstance(login, Mapping) and login:
        yield from _login_findings(login)
    if isinstance(sticky, Mapping):
        for name, lowest in (("seconds", 0), ("colour_seconds", 1)):
            value = sticky.get(name)
            if isinstance(value, int) and not lowest <= value <= _WEEK:
                yield f"service_stickiness.{name} is {value}; valid: {lowest} to {_WEEK}"


def _login_findings(login: Mapping[str, Any]) -> Iterator[str]:
    if login.get("oidc") and login.get("cognito"):
        yield "service_login has oidc and cognito; a rule takes one login"
    seconds, extra = login.get("session_seconds"), login.get("extra_parameters") or {}
    if isinstance(seconds, int) and not 1 <= seconds <= _WEEK:
        yield f"service_login.session_seconds is {seconds}; valid: 1 to {_WEEK}"
    if len(extra) > _EXTRA_PARAMETERS:
        yield f"service_login.extra_parameters holds {len(extra)}; at most {_EXTRA_PARAMETERS}"
    oidc = login.get("oidc")
    for name in ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint"):
        address = oidc.get(name) if isinstance(oidc, Mapping) else None
        if address and not str(address).startswith("https://"):
            yield f"service_login.oidc.{name} is {address!r}; it must begin with https://"
