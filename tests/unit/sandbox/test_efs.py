"""Which directory a task mounts for a file system, and when it gets none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.engine import Engine
from sandbox.errors import ApiError
from sandbox.fargate.file_systems import directory

OWNED = {"OwnerUid": 0, "OwnerGid": 0, "Permissions": "0750"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    settings = Settings(home=tmp_path, prefix="127.77", engine="podman", network="none")
    return Sandbox(settings, Engine(settings))


@pytest.fixture
def file_system(sandbox: Sandbox, request: pytest.FixtureRequest) -> str:
    made = sandbox.backend("efs").create_file_system(
        creation_token=request.node.nodeid,
        performance_mode=None,
        encrypted=True,
        kms_key_id=None,
        throughput_mode=None,
        provisioned_throughput_in_mibps=None,
        availability_zone_name=None,
        backup=False,
        tags=[],
    )
    return str(made.file_system_id)


def access_point(sandbox: Sandbox, file_system: str, path: str, creation: dict[str, Any] | None) -> str:
    root = {"Path": path, **({"CreationInfo": creation} if creation else {})}
    made = sandbox.backend("efs").create_access_point(
        client_token=path, tags=[], file_system_id=file_system, posix_user={"Uid": 0, "Gid": 0}, root_directory=root
    )
    return str(made.access_point_id)


def refused(*arguments: Any) -> str:
    with pytest.raises(ApiError) as said:
        directory(*arguments)
    return said.value.code


def test_an_access_point_opens_its_part_and_makes_it_once(sandbox: Sandbox, file_system: str) -> None:
    point = access_point(sandbox, file_system, "/scores/live", OWNED)
    folder = directory(sandbox, file_system, point, "/")
    assert folder == sandbox.settings.home / "efs" / file_system / "scores" / "live"
    assert folder.stat().st_mode & 0o7777 == 0o750
    folder.chmod(0o700)
    assert directory(sandbox, file_system, point, "/").stat().st_mode & 0o7777 == 0o700


def test_without_an_access_point_the_root_directory_is_mounted(sandbox: Sandbox, file_system: str) -> None:
    top = directory(sandbox, file_system, None, "/")
    assert refused(sandbox, file_system, None, "/scores") == "NoSuchDirectory"
    (top / "scores").mkdir()
    assert directory(sandbox, file_system, None, "/scores") == top / "scores"


def test_nothing_is_mounted_of_what_does_not_exist(sandbox: Sandbox, file_system: str) -> None:
    assert refused(sandbox, "fs-00000000", None, "/") == "FileSystemNotFound"
    assert refused(sandbox, file_system, "fsap-00000000", "/") == "AccessPointNotFound"
    assert refused(sandbox, file_system, access_point(sandbox, file_system, "/unowned", None), "/") == "NoSuchDirectory"


def test_a_zone_without_a_mount_target_cannot_reach_the_file_system(sandbox: Sandbox, file_system: str) -> None:
    assert refused(sandbox, file_system, None, "/", "eu-central-1a") == "MountTargetNotFound"


def test_a_link_that_leads_out_is_not_followed(sandbox: Sandbox, file_system: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (directory(sandbox, file_system, None, "/") / "link").symlink_to(outside)
    assert refused(sandbox, file_system, None, "/link") == "BadRequest"
    assert refused(sandbox, file_system, None, "/../../outside") == "BadRequest"
