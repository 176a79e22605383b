"""Roles as services take them: who is trusted, roles that are too new, and the credentials of a task's roles."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .laws.iam.policies import Effect, Request, document, trusts
from .laws.propagation import lasts

if TYPE_CHECKING:
    from .core import Core

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
_NEW_SECONDS = 10.0
# STS gives at most twelve hours to a role; Fargate renews them, variables cannot be renewed.
_LIFE_SECONDS = 12 * 3600


class RoleRefused(Exception):
    """ECS cannot assume a role of a task; its words for the task's stopped reason."""

    def __init__(self, arn: str) -> None:
        super().__init__(
            f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the role being passed"
            " has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
        )


class Roles:
    """Looks at roles in moto's state."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def of(self, arn: str) -> Any:
        """The role of an ARN; None for one that does not exist."""
        return next((role for role in self._core.backend("iam").roles.values() if role.arn == arn), None)

    def is_new(self, arn: str) -> bool:
        """Whether a role was made so recently that nothing can assume it yet."""
        role = self.of(arn)
        seconds = lasts(_NEW_SECONDS, self._core.settings.time_factor)
        return role is not None and time.time() - role.create_date.timestamp() < seconds

    def trust(self, arn: str) -> Mapping[str, Any] | None:
        """The trust policy of a role; None for one that does not exist."""
        role = self.of(arn)
        return document(role.assume_role_policy_document) if role is not None else None

    def may_assume(self, arn: str, service: str) -> bool:
        """Whether a service can take a role now."""
        trust = self.trust(arn)
        if trust is None or self.is_new(arn):
            return False
        account = self._core.settings.account
        # Conditions of such trust policies are about what the service does it for: something of its own, in this account.
        own = service.partition(".")[0].removesuffix("-tasks")
        keys = {
            "aws:sourceaccount": [account],
            "aws:sourcearn": [f"arn:aws:{own}:{self._core.settings.region}:{account}:*"],
        }
        return trusts(trust, Request("sts:AssumeRole", arn, keys), {"Service": [service]}) is Effect.ALLOW

    def of_task(self, arn: str, task_id: str) -> Any:
        """Credentials of a task's role, as moto keeps them. Raises RoleRefused."""
        return self.session(arn, "ecs-tasks.amazonaws.com", task_id)

    def session(self, arn: str, service: str, name: str) -> Any:
        """Credentials of a role that a service takes, one session per name. Raises RoleRefused."""
        with self._core.lock:
            if not self.may_assume(arn, service):
                raise RoleRefused(arn)
            sts = self._core.backend("sts")
            known = (
                assumed for assumed in sts.assumed_roles if (assumed.role_arn, assumed.session_name) == (arn, name)
            )
            region = self._core.settings.region
            return next(known, None) or sts.assume_role(region, name, arn, "", _LIFE_SECONDS, "")
