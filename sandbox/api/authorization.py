"""IAM in front of every call: the caller's policies, service-linked roles, and who may assume a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the messages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from ..errors import ApiError
from ..laws.iam.calls import ApiCall, Need, Scope
from ..laws.iam.dependencies import service_role
from ..laws.iam.needs import needs
from ..laws.iam.policies import Effect, Request, Verdict, evaluate, trusts
from . import refusals
from .account_view import AccountView
from .callers import Caller, Callers
from .overlay import Context, internal
from .requests import parameters_of
from .service_roles import ServiceRoles
from .state import Sandbox

_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# Calls without credentials: the token is the caller.
_BY_TOKEN = {"sts:AssumeRoleWithWebIdentity"}
_NOT_BY_TOKEN = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
_ASSUMING = {"sts:AssumeRole", *_BY_TOKEN}
# Calls by which services try a role at once.
_TRYING = {"scheduler:CreateSchedule", "scheduler:UpdateSchedule", "backup:CreateBackupSelection"}
_NO_ECS_ROLE = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."


@dataclass(frozen=True)
class Decision:
    """What a caller needed, and whether it was allowed."""

    caller: str
    action: str
    resource: str
    allowed: bool


class Authorization:
    """Decides on each call before it is carried out."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # With the condition keys of the first time.
        self._decisions: dict[Decision, Mapping[str, Any]] = {}
        self._routes()
        self._callers = Callers(sandbox)
        self._roles = ServiceRoles(sandbox)

    def require(self, environ: dict[str, Any], service: str, operation: str, context: Context) -> None:
        """Raise ApiError, in AWS's words, for a call that its caller is not allowed."""
        prefix = _PREFIXES.get(service, service)
        name = f"{prefix}:{operation}"
        protocol = refusals.protocol_of_request(environ, service)
        if not context.access_key and name not in _BY_TOKEN:
            if environ.get("HTTP_X_AMZ_TARGET"):
                raise refusals.unsigned()
            # Objects, links and pages that anybody may ask for: what answers then is the service itself.
            return
        with self._sandbox.lock:
            caller = self._callers.find(context.access_key) if context.access_key else None
            if caller is None and name not in _BY_TOKEN:
                raise refusals.unknown_key(protocol, service)
            scope = Scope(get_partition(context.region), context.region, context.account)
            call = ApiCall(prefix, operation, {}, scope)
            if self._is_quick(caller, call):
                return
            operation, parameters = parameters_of(environ, service, operation)
            call = ApiCall(prefix, operation, parameters, scope)
            if call.name in _ASSUMING:
                self._require_assumable(caller, call)
            elif caller is not None:
                self._require_allowed(caller, call, environ, protocol)

    def _routes(self) -> None:
        @internal("GET", "/_sandbox/decisions")
        def decisions(query: dict[str, str], body: Any) -> Any:
            with self._sandbox.lock:
                return {"decisions": [{**asdict(made), "keys": keys} for made, keys in self._decisions.items()]}

        @internal("DELETE", "/_sandbox/decisions")
        def forget(query: dict[str, str], body: Any) -> Any:
            with self._sandbox.lock:
                self._decisions.clear()
                return {}

    def _judge(self, caller: Caller, need: Need, general: Mapping[str, Any]) -> Verdict:
        context = {**general, **{key.lower(): list(values) for key, values in need.keys.items()}}
        verdict = evaluate(caller.rights, Request(need.action, need.resource, context))
        if not caller.rights.unlimited:
            self._decisions.setdefault(Decision(caller.arn, need.action, need.resource, verdict.allowed), context)
        return verdict

    def _is_quick(self, caller: Caller | None, call: ApiCall) -> bool:
        """Whether nothing is to be looked at: an administrator's call that no role depends on."""
        depends = call.name in _ASSUMING | _TRYING or service_role(call) is not None
        return caller is not None and caller.rights.unlimited and not depends

    def _require_allowed(self, caller: Caller, call: ApiCall, environ: Mapping[str, Any], protocol: str) -> None:
        account = AccountView(self._sandbox, call.scope.region)
        if not caller.rights.unlimited:
            general = {**caller.keys, **_general(call, environ)}
            for need in needs(call, account):
                verdict = self._judge(caller, need, general)
                if not verdict.allowed:
                    raise refusals.not_authorized(protocol, call.service, caller.arn, need, verdict)
        self._make_service_role(caller, call, _general(call, environ), protocol)
        if call.name in _TRYING:
            self._roles.require_usable(call)

    def _make_service_role(self, caller: Caller, call: ApiCall, general: Mapping[str, Any], protocol: str) -> None:
        role = service_role(call)
        if role is None or self._roles.exists(role):
            return
        need = Need("iam:CreateServiceLinkedRole", role.arn(call), {"iam:awsservicename": [role.service]})
        verdict = self._judge(caller, need, {**caller.keys, **general})
        if verdict.allowed:
            self._roles.make(role)
        elif call.service == "ecs" and call.name not in role.tries:
            raise ApiError("InvalidParameterException", _NO_ECS_ROLE)
        elif call.name not in role.tries:
            raise refusals.not_authorized(protocol, call.service, caller.arn, need, verdict)

    def _require_assumable(self, caller: Caller | None, call: ApiCall) -> None:
        """A role is assumed if it trusts the caller; one that trusts the whole account leaves it to the caller's policies.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
        """
        arn = "".join(call.texts("RoleArn"))
        trust = self._roles.trust(arn)
        # moto answers for roles that it does not have: AWS refuses them as those that trust nobody.
        allowed = trust is not None and not self._roles.is_new(arn)
        if caller is None:
            if not (allowed and self._trusts_token(trust, arn, call)):
                raise ApiError("AccessDenied", _NOT_BY_TOKEN, 403)
            return
        if not (allowed and self._trusts_caller(trust, arn, caller, call)):
            message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise ApiError("AccessDenied", message, 403)

    def _trusts_caller(self, trust: Any, arn: str, caller: Caller, call: ApiCall) -> bool:
        account = AccountView(self._sandbox, call.scope.region)
        keys = next(iter(needs(call, account))).keys
        request = Request("sts:AssumeRole", arn, {**caller.keys, **keys})
        named = [name for name in caller.names if name not in _whole_account(call.scope)]
        effects = [trusts(trust, request, {"AWS": names}) for names in (caller.names, named)]
        if Effect.DENY in effects:
            return False
        if effects[1] is Effect.ALLOW:
            return True
        return effects[0] is Effect.ALLOW and evaluate(caller.rights, request).allowed

    def _trusts_token(self, trust: Any, arn: str, call: ApiCall) -> bool:
        claims = _claims("".join(call.texts("WebIdentityToken")))
        issuer = str(claims.get("iss", "")).removeprefix("https://")
        provider = f"arn:{call.scope.partition}:iam::{call.scope.account}:oidc-provider/{issuer}"
        known = self._sandbox.backend("iam").open_id_providers.get(provider)
        if known is None:
            raise ApiError(
                "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{issuer}"
            )
        if claims.get("aud") not in known.client_id_list:
            raise ApiError("InvalidIdentityToken", "Incorrect token audience")
        keys = {f"{issuer}:{name}".lower(): [str(value)] for name, value in claims.items()}
        return trusts(trust, Request(call.name, arn, keys), {"Federated": [provider]}) is Effect.ALLOW


def _whole_account(scope: Scope) -> tuple[str, str]:
    return f"arn:{scope.partition}:iam::{scope.account}:root", scope.account


def _claims(token: str) -> Mapping[str, Any]:
    """What a token says of itself; its signature is not checked here."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    found: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return found


def _general(call: ApiCall, environ: Mapping[str, Any]) -> dict[str, list[str]]:
    """The keys that every call has: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    now = datetime.now(UTC)
    return {
        "aws:requestedregion": [call.scope.region],
        "aws:resourceaccount": [call.scope.account],
        "aws:currenttime": [now.strftime("%Y-%m-%dT%H:%M:%SZ")],
        "aws:epochtime": [str(int(now.timestamp()))],
        # AWS's endpoints speak TLS, whatever the sandbox's does.
        "aws:securetransport": ["true"],
        "aws:sourceip": [environ.get("REMOTE_ADDR", "127.0.0.1")],
        "aws:viaawsservice": ["false"],
    }
