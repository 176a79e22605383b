"""Who calls: the account's administrator, a user or an assumed role, and the policies that it is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import ACCESS_KEY
from ..laws.iam.policies import Rights, document
from .state import Sandbox


@dataclass(frozen=True)
class Caller:
    """An identity, its policies, and the condition keys that it brings to each of its calls."""

    arn: str
    rights: Rights
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    # What a trust policy may name it by.
    names: tuple[str, ...] = ()


class Callers:
    """Finds the caller of an access key in moto's state; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._account = sandbox.settings.account

    def find(self, access_key: str) -> Caller | None:
        """The caller; None for a key that nobody has."""
        if access_key == ACCESS_KEY:
            return self._administrator()
        session = self._sandbox.backend("sts").get_assumed_role_from_access_key(access_key)
        return self._session(session) if session is not None else self._user(access_key)

    def _administrator(self) -> Caller:
        arn = f"arn:aws:sts::{self._account}:user/moto"
        return self._named(arn, Rights(unlimited=True), "User", arn)

    def _named(self, arn: str, rights: Rights, kind: str, principal: str, **keys: str) -> Caller:
        known = {"aws:principalarn": principal, "aws:principalaccount": self._account, "aws:principaltype": kind} | {
            name.replace("__", ":"): value for name, value in keys.items()
        }
        names = tuple(dict.fromkeys((arn, principal, self._root, self._account)))
        return Caller(arn, rights, {key: [value] for key, value in known.items()}, names)

    @property
    def _root(self) -> str:
        return f"arn:aws:iam::{self._account}:root"

    def _session(self, session: Any) -> Caller:
        iam = self._sandbox.backend("iam")
        role = next((role for role in iam.roles.values() if role.arn == session.role_arn), None)
        name = session.role_arn.rpartition("/")[2]
        arn = f"arn:aws:sts::{self._account}:assumed-role/{name}/{session.session_name}"
        # A session policy limits what the role may; without one nothing is limited.
        limits = (document(session.policy),) if session.policy else None
        if role is None:
            # Credentials of a role that is gone allow nothing.
            return self._named(arn, Rights(session=limits), "AssumedRole", session.role_arn)
        identity = [*role.policies.values(), *(text_of(policy) for policy in role.managed_policies.values())]
        rights = Rights(documents(identity), self._boundary(role.permissions_boundary_arn), limits)
        return self._named(arn, rights, "AssumedRole", role.arn, aws__userid=f"{role.id}:{session.session_name}")

    def _user(self, access_key: str) -> Caller | None:
        iam = self._sandbox.backend("iam")
        keys = ((user, key) for user in iam.users.values() for key in user.access_keys)
        user = next((user for user, key in keys if key.access_key_id == access_key and key.status == "Active"), None)
        if user is None:
            return None
        groups = iam.get_groups_for_user(user.name)
        identity = [
            text
            for owner in (user, *groups)
            for text in (*owner.policies.values(), *(text_of(policy) for policy in owner.managed_policies.values()))
        ]
        rights = Rights(documents(identity), self._boundary(getattr(user, "permissions_boundary_arn", None)))
        return self._named(user.arn, rights, "User", user.arn, aws__userid=user.id, aws__username=user.name)

    def _boundary(self, arn: str | None) -> tuple[Mapping[str, Any], ...] | None:
        if not arn:
            return None
        policy = self._sandbox.backend("iam").managed_policies.get(arn)
        return documents([text_of(policy)]) if policy is not None else ()


def text_of(policy: Any) -> str:
    """The default version of a managed policy."""
    found: str = next(version.document for version in policy.versions if version.is_default)
    return found


def documents(texts: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
    return tuple(document(text) for text in texts)
