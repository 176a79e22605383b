"""EFS: file systems are shared directories; and the three calls that moto does not have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .overlay import ApiError, OverlayMismatch
from .server import Sandbox


def directory(sandbox: Sandbox, file_system_id: str, access_point_id: str | None, root_directory: str) -> Path:
    """The directory to mount. An access point's own directory is made, with its owner, when it is first used.

    Raises ApiError where the file system, the access point, or a root directory without owner does not exist.
    """
    with sandbox.lock:
        backend = sandbox.backend("efs")
        if file_system_id not in backend.file_systems_by_id:
            raise ApiError("FileSystemNotFound", f"File system '{file_system_id}' does not exist.", 404)
        point = None
        if access_point_id is not None:
            point = backend.access_points.get(access_point_id)
            if point is None or point.file_system_id != file_system_id:
                raise ApiError("AccessPointNotFound", f"Access Point {access_point_id} does not exist.", 404)
    top = sandbox.settings.home / "efs" / file_system_id
    top.mkdir(parents=True, exist_ok=True)
    root: dict[str, Any] = point.root_directory if point else {"Path": root_directory}
    folder = top / root["Path"].lstrip("/")
    if not folder.exists():
        creation = root.get("CreationInfo")
        if creation is None:
            raise ApiError(
                "AccessPointNotFound",
                f"{root['Path']} does not exist on {file_system_id}, and nothing says who would own it.",
            )
        folder.mkdir(parents=True)
        os.chown(folder, int(creation["OwnerUid"]), int(creation["OwnerGid"]))
        folder.chmod(int(creation["Permissions"], 8))
    return folder


def install(sandbox: Sandbox) -> None:
    from moto.efs.responses import EFSResponse

    for owner, name in ((EFSResponse, "put_backup_policy"), (EFSResponse, "update_file_system")):
        if hasattr(owner, name):
            raise OverlayMismatch(f"moto has {owner.__name__}.{name} now: the overlay of EFS can go")
    if not hasattr(sandbox.backend("efs"), "file_systems_by_id"):
        raise OverlayMismatch("moto keeps file systems in another way now")

    def put_backup_policy(self: Any) -> Any:
        system = _system(self)
        wanted = self._get_param("BackupPolicy")["Status"]
        system.backup_policy = {"Status": wanted}
        return _json({"BackupPolicy": system.backup_policy})

    def update_file_system(self: Any) -> Any:
        system = _system(self)
        system.throughput_mode = self._get_param("ThroughputMode") or system.throughput_mode
        system.provisioned_throughput_in_mibps = self._get_param("ProvisionedThroughputInMibps")
        return _json(system.info_json())

    EFSResponse.put_backup_policy = put_backup_policy  # type: ignore[attr-defined]
    EFSResponse.update_file_system = update_file_system  # type: ignore[attr-defined]


def _system(response: Any) -> Any:
    file_system_id = response._get_param("FileSystemId") or response._get_param("file_system_id")
    systems = response.efs_backend.file_systems_by_id
    if file_system_id not in systems:
        raise ApiError("FileSystemNotFound", f"File system '{file_system_id}' does not exist.", 404)
    return systems[file_system_id]


def _json(answer: dict[str, Any]) -> Any:
    import json

    return json.dumps(answer, default=str), {"Content-Type": "application/json"}
