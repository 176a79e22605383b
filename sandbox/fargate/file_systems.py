"""EFS as tasks see it: file systems are shared directories below the sandbox's home."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..core import Core
from ..errors import ApiError

_NFS = 2049


def directory(
    core: Core, file_system_id: str, access_point_id: str | None, root_directory: str, zone: str | None = None
) -> Path:
    """The directory to mount. An access point's own directory is made, with its owner, when it is first used.

    Raises ApiError where the file system, the access point, a mount target in the zone, or a root directory that
    nothing says how to make, does not exist.
    """
    with core.lock:
        backend = core.backend("efs")
        system = backend.file_systems_by_id.get(file_system_id)
        if system is None:
            raise no_such_file_system(file_system_id)
        point = backend.access_points.get(access_point_id) if access_point_id else None
        if access_point_id and (point is None or point.file_system_id != file_system_id):
            raise ApiError("AccessPointNotFound", f"Access Point {access_point_id} does not exist.", 404)
        zones = {target.availability_zone_name for target in system.iter_mount_targets()}
    if zone is not None and zone not in zones:
        raise ApiError(
            "MountTargetNotFound",
            f'Failed to resolve "{file_system_id}.efs.{core.settings.region}.amazonaws.com": the file system has no '
            f"mount target in {zone}",
            404,
        )
    root: dict[str, Any] = point.root_directory if point else {"Path": root_directory}
    return _folder(files_of(core, file_system_id), root)


def is_reachable(core: Core, file_system_id: str, zone: str, groups: Collection[str], address: str) -> bool:
    """Whether the security groups of the mount target of a zone let NFS in from a task; one without groups of its own does."""
    with core.lock:
        system = core.backend("efs").file_systems_by_id.get(file_system_id)
        targets = system.iter_mount_targets() if system else ()
        own = [
            group
            for target in targets
            if target.availability_zone_name == zone
            for group in target.security_groups or ()
        ]
        ec2 = core.backend("ec2")
        rules = [
            rule for group in own if (found := ec2.get_security_group_from_id(group)) for rule in found.ingress_rules
        ]
    return not own or any(_lets_in(rule, groups, address) for rule in rules)


def _lets_in(rule: Any, groups: Collection[str], address: str) -> bool:
    ports = rule.ip_protocol == "-1" or (
        rule.ip_protocol == "tcp" and int(rule.from_port or 0) <= _NFS <= int(rule.to_port or 0)
    )
    network = rule.ip_range.get("CidrIp")
    return ports and (
        rule.source_group.get("GroupId") in groups
        or (network is not None and ipaddress.ip_address(address) in ipaddress.ip_network(network))
    )


def _folder(top: Path, root: dict[str, Any]) -> Path:
    top.mkdir(parents=True, exist_ok=True)
    folder = (top / root["Path"].lstrip("/")).resolve()
    if not folder.is_relative_to(top.resolve()):
        # A link that a container left must not open the machine's own files to the next one.
        raise ApiError("BadRequest", f"{root['Path']} leads out of the file system {top.name}")
    if folder.exists():
        return folder
    creation = root.get("CreationInfo")
    if creation is None:
        raise ApiError(
            "NoSuchDirectory",
            f"mounting {top.name}:{root['Path']} failed, reason given by server: No such file or directory",
        )
    folder.mkdir(parents=True)
    os.chown(folder, int(creation["OwnerUid"]), int(creation["OwnerGid"]))
    folder.chmod(int(creation["Permissions"], 8))
    return folder


def files_of(core: Core, file_system_id: str) -> Path:
    return core.settings.home / "efs" / file_system_id


def no_such_file_system(file_system_id: str) -> ApiError:
    return ApiError("FileSystemNotFound", f"File system '{file_system_id}' does not exist.", 404)
