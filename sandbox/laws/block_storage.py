"""EBS volumes of ECS tasks: what EBS and ECS refuse, as pure functions. Messages are the sandbox's.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ebs-volumes.html
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceManagedEBSVolumeConfiguration.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Sizes in GiB and operations a second that a type of volume can have. Magnetic volumes are not for Fargate.
_SIZES = {
    "gp2": (1, 16384),
    "gp3": (1, 16384),
    "io1": (4, 16384),
    "io2": (4, 16384),
    "sc1": (125, 16384),
    "st1": (125, 16384),
}
_IOPS = {"gp3": (3000, 16000), "io1": (100, 64000), "io2": (100, 256000)}
_THROUGHPUT = (125, 1000)
_OLDEST_PLATFORM = (1, 4, 0)


def launch_volumes(definition: Mapping[str, Any]) -> set[str]:
    """The volumes of a task definition that are configured when a task is started."""
    return {volume["name"] for volume in definition.get("volumes") or [] if volume.get("configuredAtLaunch")}


def problems(
    configurations: Sequence[Mapping[str, Any]], definition: Mapping[str, Any], platform: str
) -> Iterator[str]:
    """Why ECS starts no task of this definition with these configurations."""
    named, wanted = {configured["name"] for configured in configurations}, launch_volumes(definition)
    if named != wanted:
        yield (
            f"The task definition configures the volumes {sorted(wanted)} at launch, and volumeConfigurations names {sorted(named)}."
        )
    if configurations and platform not in ("", "LATEST") and _version(platform) < _OLDEST_PLATFORM:
        yield f"Amazon EBS volumes need platform version 1.4.0 or later, not {platform}."
    for configured in configurations:
        yield from _of_one(configured.get("managedEBSVolume") or {})


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _of_one(volume: Mapping[str, Any]) -> Iterator[str]:
    kind, size = volume.get("volumeType") or "gp3", volume.get("sizeInGiB")
    if kind not in _SIZES:
        yield f"Volume type {kind} is not supported by tasks on Fargate."
        return
    if size is None and not volume.get("snapshotId"):
        yield "Either sizeInGiB or snapshotId must be specified."
    if size is not None and not _SIZES[kind][0] <= size <= _SIZES[kind][1]:
        yield f"The size of a {kind} volume is {_SIZES[kind][0]} to {_SIZES[kind][1]} GiB, not {size}."
    iops = volume.get("iops")
    if iops is None:
        if kind in ("io1", "io2"):
            yield f"iops is required for {kind} volumes."
    elif kind not in _IOPS:
        yield f"iops is not supported for {kind} volumes."
    elif not _IOPS[kind][0] <= iops <= _IOPS[kind][1]:
        yield f"iops of a {kind} volume is {_IOPS[kind][0]} to {_IOPS[kind][1]}, not {iops}."
    throughput = volume.get("throughput")
    if throughput is not None and kind != "gp3":
        yield f"throughput is not supported for {kind} volumes."
    elif throughput is not None and not _THROUGHPUT[0] <= throughput <= _THROUGHPUT[1]:
        yield f"throughput is {_THROUGHPUT[0]} to {_THROUGHPUT[1]}, not {throughput}."
