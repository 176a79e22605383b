"""IAM: AWS's own policies, in the partition that a sandbox has; audiences of identity providers; trust in shared ones.

moto makes all of them for each of seven partitions when it first looks an access key up: seconds of every start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse
from moto.utilities.utils import get_partition

from ..laws.iam.shared_providers import missing_control
from .overlay import OverlayMismatch, patch
from .state import Sandbox

_CREATE_ROLE = (
    "self", "role_name", "assume_role_policy_document", "path", "permissions_boundary", "description", "tags",
    "max_session_duration", "linked_service",
)  # fmt: skip


def install(sandbox: Sandbox) -> None:
    """Make no policies of other partitions; take trust policies as IAM takes them."""
    own = get_partition(sandbox.settings.region)

    @patch(IAMBackend, "_init_aws_policies", ("self",))
    def only_of_its_own_partition(original: Callable[..., Any], self: Any) -> Any:
        return original(self) if get_partition(self.region_name) == own else []

    @patch(IAMBackend, "create_role", _CREATE_ROLE)
    def create_role(
        original: Callable[..., Any], self: Any, role_name: str, document: str, *rest: Any, **more: Any
    ) -> Any:
        require_controls(document)
        return original(self, role_name, document, *rest, **more)

    @patch(IAMBackend, "update_assume_role_policy", ("self", "role_name", "policy_document"))
    def update_trust(original: Callable[..., Any], self: Any, role_name: str, policy_document: str) -> None:
        require_controls(policy_document)
        original(self, role_name, policy_document)

    for name, call in CALLS.items():
        if hasattr(IamResponse, name):
            raise OverlayMismatch(f"moto has IamResponse.{name} now: the overlay's can go")
        setattr(IamResponse, name, call)


def require_controls(document: str) -> None:
    """Raise MalformedPolicyDocument for trust in GitHub and the like that lets everybody there in."""
    if key := missing_control(document):
        raise MalformedPolicyDocument(
            f"Missing required condition key {key} for the identity provider in the trust policy."
        )


def _add_client_id(self: Any) -> Any:
    audiences, audience = _audiences(self), self._get_param("ClientID")
    if audience not in audiences:
        audiences.append(audience)
    return EmptyResult()


def _remove_client_id(self: Any) -> Any:
    audiences, audience = _audiences(self), self._get_param("ClientID")
    if audience in audiences:
        audiences.remove(audience)
    return EmptyResult()


def _audiences(self: Any) -> list[str]:
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    found: list[str] = provider.client_id_list
    return found


CALLS = {
    "add_client_id_to_open_id_connect_provider": _add_client_id,
    "remove_client_id_from_open_id_connect_provider": _remove_client_id,
}
