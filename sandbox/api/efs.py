"""EFS: file systems are shared directories below the sandbox's home, whose growth costs credits; and calls that moto does not answer."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from ..errors import ApiError
from ..fargate.file_systems import files_of, no_such_file_system
from ..laws import burst_credits
from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..periodic import Periodic
from .overlay import OverlayMismatch, patch
from .state import Sandbox

# The tag calls from before TagResource: AWS still answers them, and the stock module still makes them.
_LEGACY_TAGS = (
    "/2015-02-01/tags/<file_system_id>/",
    "/2015-02-01/create-tags/<file_system_id>",
    "/2015-02-01/delete-tags/<file_system_id>",
)

# https://docs.aws.amazon.com/efs/latest/ug/efs-metrics.html
NAMESPACE = "AWS/EFS"
_SAMPLE_SECONDS = 20  # of CloudWatch's time


class BurstCredits:
    """Samples the burst credits of every file system in the mode bursting, three times a minute of CloudWatch's time.

    A file system spends what its files grow by. They are earned by this machine's clock, as bytes are written by it.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # By file system: when it was sampled last, its credits then, and the size of each file.
        self._before: dict[str, tuple[float, float, dict[str, int]]] = {}
        pause = max(1.0, sandbox.metrics.of(sandbox.settings.region).seconds(_SAMPLE_SECONDS))
        # Tasks may have many files.
        self._loop = Periodic("file systems", pause, lambda: self.sample(time.time()), share=0.1)
        sandbox.keep("burst credits", self, "_before", growing=True)

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def sample(self, now: float) -> None:
        # Looked up for each sample: restoring a snapshot replaces the store.
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        with self._sandbox.lock:
            systems = self._sandbox.backend("efs").file_systems_by_id
            bursting = [key for key, system in systems.items() if system.throughput_mode == "bursting"]
        found = {}
        for file_system_id in bursting:
            sizes = _sizes(files_of(self._sandbox, file_system_id))
            at, credits, before = self._before.get(file_system_id, (now, burst_credits.FIRST, {}))
            grown = sum(max(0, size - before.get(path, 0)) for path, size in sizes.items())
            credits = burst_credits.balance(credits, now - at, sum(sizes.values()), grown)
            found[file_system_id] = (now, credits, sizes)
            metric = Metric.of(NAMESPACE, "BurstCreditBalance", {"FileSystemId": file_system_id})
            store.add(metric, now, sampled(credits), "Bytes")
        self._before = found
        store.told_until(NAMESPACE, now)


def _sizes(top: Path) -> dict[str, int]:
    """Of each file, by its path. Tasks change them meanwhile."""
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with contextlib.suppress(FileNotFoundError):
                found[path] = os.lstat(path).st_size
    return found


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
        if files_of(sandbox, file_system_id).exists():
            shutil.rmtree(files_of(sandbox, file_system_id))

    @patch(
        EFSBackend,
        "create_access_point",
        ("self", "client_token", "tags", "file_system_id", "posix_user", "root_directory"),
    )
    def once_per_token(
        original: Any, self: Any, client_token: str, tags: Any, file_system_id: str, **named: Any
    ) -> Any:
        if file_system_id not in self.file_systems_by_id:
            raise no_such_file_system(file_system_id)
        for point in self.access_points.values():
            if point.client_token == client_token:
                raise ApiError(
                    "AccessPointAlreadyExists", f"{point.access_point_id} was made with this client token already.", 409
                )
        return original(self, client_token, tags=tags, file_system_id=file_system_id, **named)

    sandbox.starts.append(BurstCredits(sandbox).start)


def _system(response: Any) -> Any:
    file_system_id = response._get_param("FileSystemId")
    systems = response.efs_backend.file_systems_by_id
    if file_system_id not in systems:
        raise no_such_file_system(file_system_id)
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
