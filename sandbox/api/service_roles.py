"""Roles that services need: the service-linked ones, made by the first call, and those that callers hand to them."""

from __future__ import annotations

import json
import time
from typing import Any

from ..errors import ApiError
from ..laws.iam.calls import ApiCall
from ..laws.iam.dependencies import PASSED, ServiceRole
from ..laws.iam.policies import Effect, Request, trusts
from .callers import document
from .state import Sandbox

# In CloudWatch's time: seconds on AWS, some of them here too with a time factor.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
_NEW_SECONDS = 10.0
# What services that try a role at once say of one that they cannot assume.
_UNUSABLE = {
    "scheduler": (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    ),
    "backup": ("InvalidParameterValueException", "IAM Role {arn} cannot be assumed by AWS Backup"),
}


class ServiceRoles:
    """Makes and looks at roles in moto's state; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @property
    def _iam(self) -> Any:
        return self._sandbox.backend("iam")

    def exists(self, role: ServiceRole) -> bool:
        return any(made.path == f"/aws-service-role/{role.service}/" for made in self._iam.roles.values())

    def make(self, role: ServiceRole) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": role.service}, "Action": "sts:AssumeRole"},
            ],
        }
        self._iam.create_role(
            role.name,
            json.dumps(trust),
            f"/aws-service-role/{role.service}/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
            linked_service=role.service,
        )

    def is_new(self, arn: str) -> bool:
        """Whether a role was made so recently that nothing can assume it yet."""
        role = self._by_arn(arn)
        lasts = min(_NEW_SECONDS / self._sandbox.settings.time_factor, 5.0)
        return role is not None and time.time() - role.create_date.timestamp() < lasts

    def _by_arn(self, arn: str) -> Any:
        return next((role for role in self._iam.roles.values() if role.arn == arn), None)

    def trust(self, arn: str) -> Any:
        """The trust policy of a role; None for one that does not exist."""
        role = self._by_arn(arn)
        return document(role.assume_role_policy_document) if role is not None else None

    def require_usable(self, call: ApiCall) -> None:
        """Refuse roles that the service of a call tries at once, and cannot assume: ApiError in its words."""
        refusal = _UNUSABLE.get(call.service)
        if refusal is None:
            return
        for expression, service in PASSED.get(call.name, ()):
            for arn in call.texts(expression):
                if not self._may_assume(arn, service):
                    code, message = refusal
                    raise ApiError(code, message.format(arn=arn))

    def _may_assume(self, arn: str, service: str) -> bool:
        trust = self.trust(arn)
        if trust is None or self.is_new(arn):
            return False
        account = self._sandbox.settings.account
        # Conditions of such trust policies are about what the service does it for, in this account.
        keys = {"aws:sourceaccount": [account], "aws:sourcearn": [f"arn:aws:{service.partition('.')[0]}:*:{account}:*"]}
        request = Request("sts:AssumeRole", arn, keys)
        return trusts(trust, request, {"Service": [service]}) is Effect.ALLOW
