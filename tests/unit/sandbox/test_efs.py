"""Which directory a task mounts for a file system, when it gets none, and what its files cost in burst credits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.api.efs import NAMESPACE, BurstCredits
from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.engine import Engine
from sandbox.errors import ApiError
from sandbox.fargate.file_systems import directory, files_of, is_reachable
from sandbox.laws.burst_credits import FIRST, balance, baseline
from sandbox.metrics.store import Metric

MIB, GIB, TIB = 2**20, 2**30, 2**40
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


def mount_target(sandbox: Sandbox, file_system: str, *groups: str) -> str:
    """Its zone."""
    subnet = next(iter(sandbox.backend("ec2").subnets["eu-central-1a"].values()))
    sandbox.backend("efs").create_mount_target(file_system, subnet.id, None, list(groups) or None)
    return str(subnet.availability_zone)


def group(sandbox: Sandbox, name: str, **rule: Any) -> str:
    ec2 = sandbox.backend("ec2")
    made = ec2.create_security_group(name, name, vpc_id=next(iter(ec2.vpcs)))
    if rule:
        ec2.authorize_security_group_ingress(
            made.id, "tcp", "2049", "2049", **{"ip_ranges": [], "source_groups": [], **rule}
        )
    return str(made.id)


def test_a_mount_target_lets_in_what_its_security_groups_say(sandbox: Sandbox, file_system: str) -> None:
    tasks, others = group(sandbox, "tasks"), group(sandbox, "others")
    by_group = group(sandbox, "by-group", source_groups=[{"GroupId": tasks}])
    by_address = group(sandbox, "by-address", ip_ranges=[{"CidrIp": "10.1.0.0/16"}])
    zone = mount_target(sandbox, file_system, by_group, by_address)
    assert is_reachable(sandbox, file_system, zone, [tasks], "10.9.0.4")
    assert is_reachable(sandbox, file_system, zone, [others], "10.1.0.4")
    assert not is_reachable(sandbox, file_system, zone, [others], "10.9.0.4")


def test_a_mount_target_without_a_group_of_its_own_lets_all_in(sandbox: Sandbox, file_system: str) -> None:
    zone = mount_target(sandbox, file_system)
    assert is_reachable(sandbox, file_system, zone, [], "10.9.0.4")


@pytest.mark.parametrize(
    ("before", "seconds", "stored", "moved", "after"),
    [
        pytest.param(FIRST, 60, 0, 0, FIRST, id="a small one has no more than it begins with"),
        pytest.param(FIRST, 60, 0, 100 * MIB, FIRST - 100 * MIB, id="what is moved is spent"),
        pytest.param(TIB, 60, 1, 0, TIB + 60 * MIB, id="a small one earns 1 MiB a second"),
        pytest.param(TIB, 10, 100 * GIB, 0, TIB + 10 * 5000 * 1024, id="a larger one 50 KiB a second for each GiB"),
        pytest.param(3 * TIB, 60, 2 * TIB, 0, 3 * TIB + 60 * 100 * MIB, id="one of 2 TiB may have twice as many"),
        pytest.param(10 * MIB, 1, 0, 100 * MIB, 0, id="nobody has less than none"),
    ],
)
def test_burst_credits_are_earned_and_spent(
    before: float, seconds: float, stored: int, moved: int, after: float
) -> None:
    assert balance(before, seconds, stored, moved) == pytest.approx(after)


def credits_of(sandbox: Sandbox, file_system: str, now: float) -> list[float]:
    """The smallest of each minute."""
    store = sandbox.metrics.of(sandbox.settings.region)
    metric = Metric.of(NAMESPACE, "BurstCreditBalance", {"FileSystemId": file_system})
    return [samples.least for samples in store.query(metric, 0, now, 60, now).values()]


def test_what_files_grow_by_is_spent(sandbox: Sandbox, file_system: str) -> None:
    sampler, now = BurstCredits(sandbox), 1_700_000_040.0
    sampler.sample(now)
    top = files_of(sandbox, file_system)
    top.mkdir(parents=True)
    (top / "scores").write_bytes(bytes(30 * MIB))
    sampler.sample(now + 60)
    # Neither what is there already nor what is removed.
    (top / "scores").write_bytes(bytes(5 * MIB))
    sampler.sample(now + 70)
    sampler.sample(now + 120)
    spent = [FIRST - credits for credits in credits_of(sandbox, file_system, now + 120)]
    assert spent == [0, pytest.approx(30 * MIB)]
    sampler.sample(now + 180)
    assert FIRST - credits_of(sandbox, file_system, now + 180)[-1] == pytest.approx(0, abs=1)
    assert baseline(0) == MIB


def test_only_file_systems_in_the_mode_bursting_have_credits(sandbox: Sandbox, file_system: str) -> None:
    sandbox.backend("efs").file_systems_by_id[file_system].throughput_mode = "elastic"
    BurstCredits(sandbox).sample(1_700_000_040.0)
    assert credits_of(sandbox, file_system, 1_700_000_100.0) == []
