# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EBS volumes of a service's tasks as the inventory gives them, and what EBS and ECS would refuse in them. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ebs-volumes.html
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SIZES = {
    "gp2": (1, 16384),
    "gp3": (1, 16384),
    "io1": (4, 16384),
    "io2": (4, 16384),
    "sc1": (125, 16384),
    "st1": (125, 16384),
}
_IOPS = {"gp3": (3000, 16000), "io1": (100, 64000), "io2": (100, 256000)}
# Operations a second for each GiB at most.
_RATIOS = {"gp3": 500, "io1": 50, "io2": 1000}
_THROUGHPUT = (125, 1000)
# What makes a volume one of a file system.
_FILES = ("access_point", "file_system_id")
_OLD_PLATFORMS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


def findings(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """A sentence for each thing that would keep a task from starting: of a release's options, or of variables with their prefix."""
    volumes = [
        volume
        for volume in options.get(f"{prefix}volumes") or []
        if isinstance(volume, Mapping) and isinstance(volume.get("ebs"), Mapping)
    ]
    if not volumes:
        return
    names = [str(volume.get("name")) for volume in volumes]
    if len(volumes) > 1:
        yield f"{prefix}volumes: {' and '.join(names)} have ebs; a task on Fargate has one EBS volume at most"
    if options.get(f"{prefix}schedules"):
        yield (
            f"{prefix}schedules is set, and {names[0]} of {prefix}volumes has ebs: EventBridge Scheduler cannot say how a task's volume is "
            "made, so that no scheduled task would start. Put the schedules into a service without it"
        )
    platform = options.get(f"{prefix}platform_version")
    if platform in _OLD_PLATFORMS:
        yield f"{prefix}platform_version is {platform}, and {names[0]} of {prefix}volumes has ebs, which needs 1.4.0 or later"
    for volume in volumes:
        where = f"{prefix}volumes: ebs of {volume.get('name')}"
        if other := next((option for option in _FILES if volume.get(option)), ""):
            yield f"{where}: the volume has {other} too; it is one or the other"
        yield from (f"{where}: {wrong}" for wrong in _of_one(volume["ebs"]))


def _of_one(ebs: Mapping[str, Any]) -> Iterator[str]:
    kind = str(ebs.get("type") or "gp3")
    size, iops, throughput = (ebs.get(key) for key in ("size_gib", "iops", "throughput_mib"))
    if kind not in _SIZES or not all(isinstance(number, int | None) for number in (size, iops, throughput)):
        # Found by the specification.
        return
    if size is None and not ebs.get("snapshot_id"):
        yield "neither size_gib nor snapshot_id is set"
    yield from _outside("size_gib", size, _SIZES[kind], kind)
    if iops is None and kind in ("io1", "io2"):
        yield f"type {kind} needs iops"
    if iops is not None and kind not in _IOPS:
        yield f"iops is {iops}; type {kind} has none to choose, only gp3, io1 and io2 have"
    elif iops is not None:
        yield from _outside("iops", iops, _IOPS[kind], kind)
        if size is not None and iops > size * _RATIOS[kind] and iops > _IOPS[kind][0]:
            yield f"iops is {iops}; {size} GiB of type {kind} have at most {size * _RATIOS[kind]}"
    if throughput is not None and kind != "gp3":
        yield f"throughput_mib is {throughput}; only type gp3 has one to choose"
    elif throughput is not None:
        yield from _outside("throughput_mib", throughput, _THROUGHPUT, kind)


def _outside(option: str, number: int | None, bounds: tuple[int, int], kind: str) -> Iterator[str]:
    least, most = bounds
    if number is not None and not least <= number <= most:
        yield f"{option} is {number}; valid for type {kind}: {least} to {most}"


def uses_them(values: Mapping[str, Any]) -> bool:
    return any(isinstance(volume, Mapping) and volume.get("ebs") for volume in values.get("service_volumes") or [])
