"""Who may call at all, before any policy is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.api.authorization import Authorization
from sandbox.api.overlay import Context
from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.errors import ApiError

NOBODY = Context("123456789012", "eu-central-1", "")


def test_a_call_that_nobody_has_signed_is_refused(tmp_path: Path) -> None:
    """Or a container without a role could do everything."""
    authorization = Authorization(Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock()))
    call: dict[str, Any] = {"HTTP_X_AMZ_TARGET": "AmazonEC2ContainerServiceV20141113.DeleteService"}
    with pytest.raises(ApiError) as refused:
        authorization.require(call, "ecs", "DeleteService", NOBODY)
    assert refused.value.code == "MissingAuthenticationTokenException"
    # A link that anybody may open, such as that of a subscription.
    authorization.require({}, "sns", "ConfirmSubscription", NOBODY)
