"""EFS: file systems are shared directories below the sandbox's home; and the calls that moto does not answer."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from .overlay import ApiError, OverlayMismatch, patch
from .server import Sandbox

# The tag calls from before TagResource: AWS still answers them, and the stock module still makes them.
_LEGACY_TAGS = (
    "/2015-02-01/tags/<file_system_id>/",
    "/2015-02-01/create-tags/<file_system_id>",
    "/2015-02-01/delete-tags/<file_system_id>",
)


def directory(
    sandbox: Sandbox, file_system_id: str, access_point_id: str | None, root_directory: str, zone: str | None = None
) -> Path:
    """The directory to mount. An access point's own directory is made, with its owner, when it is first used.

    Raises ApiError where the file system, the access point, a mount target in the zone, or a root directory that
    nothing says how to make, does not exist.
    """
    with sandbox.lock:
        backend = sandbox.backend("efs")
        system = backend.file_systems_by_id.get(file_system_id)
        if system is None:
            raise _no_file_system(file_system_id)
        point = backend.access_points.get(access_point_id) if access_point_id else None
        if access_point_id and (point is None or point.file_system_id != file_system_id):
            raise ApiError("AccessPointNotFound", f"Access Point {access_point_id} does not exist.", 404)
        zones = {target.availability_zone_name for target in system.iter_mount_targets()}
    if zone is not None and zone not in zones:
        raise ApiError(
            "MountTargetNotFound",
            f'Failed to resolve "{file_system_id}.efs.{sandbox.settings.region}.amazonaws.com": the file system has no '
            f"mount target in {zone}",
            404,
        )
    root: dict[str, Any] = point.root_directory if point else {"Path": root_directory}
    return _folder(_top(sandbox, file_system_id), root)


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


def _top(sandbox: Sandbox, file_system_id: str) -> Path:
    return sandbox.settings.home / "efs" / file_system_id


def install(sandbox: Sandbox) -> None:
    from moto.efs import urls
    from moto.efs.models import EFSBackend
    from moto.efs.responses import EFSResponse

    if not hasattr(sandbox.backend("efs"), "file_systems_by_id"):
        raise OverlayMismatch("moto keeps file systems in another way now")
    for path in _LEGACY_TAGS:
        urls.url_paths[path] = EFSResponse.dispatch
    for call in (_put_backup_policy, _update_file_system, _describe_tags, _create_tags, _delete_tags):
        name = call.__name__[1:]
        if hasattr(EFSResponse, name):
            raise OverlayMismatch(f"moto has EFSResponse.{name} now: the overlay's can go")
        setattr(EFSResponse, name, call)

    @patch(EFSBackend, "delete_file_system", ("self", "file_system_id"))
    def with_its_files(original: Any, self: Any, file_system_id: str) -> None:
        original(self, file_system_id)
        if _top(sandbox, file_system_id).exists():
            shutil.rmtree(_top(sandbox, file_system_id))

    @patch(
        EFSBackend,
        "create_access_point",
        ("self", "client_token", "tags", "file_system_id", "posix_user", "root_directory"),
    )
    def once_per_token(
        original: Any, self: Any, client_token: str, tags: Any, file_system_id: str, **named: Any
    ) -> Any:
        if file_system_id not in self.file_systems_by_id:
            raise _no_file_system(file_system_id)
        for point in self.access_points.values():
            if point.client_token == client_token:
                raise ApiError(
                    "AccessPointAlreadyExists", f"{point.access_point_id} was made with this client token already.", 409
                )
        return original(self, client_token, tags=tags, file_system_id=file_system_id, **named)


def _no_file_system(file_system_id: str) -> ApiError:
    return ApiError("FileSystemNotFound", f"File system '{file_system_id}' does not exist.", 404)


def _system(response: Any) -> Any:
    file_system_id = response._get_param("FileSystemId")
    systems = response.efs_backend.file_systems_by_id
    if file_system_id not in systems:
        raise _no_file_system(file_system_id)
    return systems[file_system_id]


def _put_backup_policy(response: Any) -> Any:
    # DescribeBackupPolicy of moto knows two states only: a policy, which is ENABLED, and none.
    wanted: dict[str, str] = response._get_param("BackupPolicy")
    _system(response)._backup = wanted["Status"] == "ENABLED"
    return _json({"BackupPolicy": wanted})


def _update_file_system(response: Any) -> Any:
    system = _system(response)
    system.throughput_mode = response._get_param("ThroughputMode") or system.throughput_mode
    system.provisioned_throughput_in_mibps = response._get_param("ProvisionedThroughputInMibps")
    return _json(system.info_json(), 202)


def _describe_tags(response: Any) -> Any:
    return _json({"Tags": response.efs_backend.list_tags_for_resource(_system(response).file_system_id)})


def _create_tags(response: Any) -> Any:
    tags = {tag["Key"]: tag["Value"] for tag in response._get_param("Tags")}
    response.efs_backend.tag_resource(_system(response).file_system_id, tags)
    return _json({}, 204)


def _delete_tags(response: Any) -> Any:
    response.efs_backend.untag_resource(_system(response).file_system_id, response._get_param("TagKeys"))
    return _json({}, 204)


def _json(answer: dict[str, Any], status: int = 200) -> Any:
    return json.dumps(answer), {"status": status, "Content-Type": "application/json"}
