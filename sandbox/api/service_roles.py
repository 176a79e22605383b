"""Roles that services need: the service-linked ones, made by the first call, and those that callers hand to them."""

from __future__ import annotations

import json

from ..errors import ApiError
from ..laws.iam.calls import ApiCall
from ..laws.iam.dependencies import PASSED, ServiceRole
from ..roles import Roles
from .state import Sandbox

# What services that try a role at once say of one that they cannot assume.
_UNUSABLE = {
    "scheduler": (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    ),
    "backup": ("InvalidParameterValueException", "IAM Role {arn} cannot be assumed by AWS Backup"),
}


class ServiceRoles(Roles):
    """Makes and looks at roles in moto's state; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._sandbox = sandbox

    def exists(self, role: ServiceRole) -> bool:
        return any(
            made.path == f"/aws-service-role/{role.service}/" for made in self._sandbox.backend("iam").roles.values()
        )

    def make(self, role: ServiceRole) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": role.service}, "Action": "sts:AssumeRole"},
            ],
        }
        self._sandbox.backend("iam").create_role(
            role.name,
            json.dumps(trust),
            f"/aws-service-role/{role.service}/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
            linked_service=role.service,
        )

    def require_usable(self, call: ApiCall) -> None:
        """Refuse roles that the service of a call tries at once, and cannot assume: ApiError in its words."""
        refusal = _UNUSABLE.get(call.service)
        if refusal is None:
            return
        for expression, service in PASSED.get(call.name, ()):
            for arn in call.texts(expression):
                if not self.may_assume(arn, service):
                    code, message = refusal
                    raise ApiError(code, message.format(arn=arn))
