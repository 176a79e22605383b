"""What fails in an account that is new: the first cluster, while ECS's service-linked role is being made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from sandbox.api.first_calls import FirstCluster
from sandbox.api.service_roles import ServiceRoles
from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.laws.iam.dependencies import SERVICE_ROLES

ECS = next(role for role in SERVICE_ROLES if role.service == "ecs.amazonaws.com")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
    made.backend("iam").roles.clear()
    yield made
    made.backend("iam").roles.clear()


def test_the_first_cluster_waits_until_ecs_can_take_its_new_role(sandbox: Sandbox) -> None:
    ServiceRoles(sandbox).make(ECS)
    first = FirstCluster(sandbox)
    assert first.is_refused(1000.0) and first.is_refused(1004.0)
    assert not first.is_refused(1005.0)


def test_without_its_role_ecs_makes_no_cluster_with_capacity_providers_however_long_one_waits(sandbox: Sandbox) -> None:
    """Who may not make the role makes a cluster without them; the call itself does not fail for that permission."""
    first = FirstCluster(sandbox)
    assert first.is_refused(1000.0) and first.is_refused(9000.0)
    ServiceRoles(sandbox).make(ECS)
    assert first.is_refused(9001.0), "it has just been made"
    assert not first.is_refused(9006.0)
