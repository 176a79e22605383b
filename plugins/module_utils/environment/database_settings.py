# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Desired state of an environment's database, its differences from RDS, and which of them need a restart. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws import naming
from ..aws.rds_shapes import AURORA
from . import windows

SERVERLESS = "db.serverless"
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html: what RDS keeps for the
# maintenance window unless ApplyImmediately is set, and which of it is an outage. Everything else is applied at once, online.
_IN_THE_WINDOW = {
    "instance": {"engine_version", "instance_class", "allocated_gib", "storage_type", "multi_az"},
    "cluster": {"engine_version"},
    "member": {"instance_class"},
}
_OUTAGE = {"engine_version", "instance_class"}


@dataclass(frozen=True)
class Difference:
    """A property whose current value is not the desired one."""

    word: str
    current: Any
    desired: Any


def cluster_wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    """An Aurora cluster. Its storage grows automatically; its instances are separate."""
    return {
        **_both_wanted(params),
        "capacity": [float(params["capacity"]["min_units"]), float(params["capacity"]["max_units"])],
    }


def instance_wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    """A single PostgreSQL instance."""
    return {
        **_both_wanted(params),
        **_compute_wanted(params, params["instance_class"]),
        "allocated_gib": params["allocated_gib"],
        "max_allocated_gib": params["max_allocated_gib"],
        "storage_type": params["storage_type"],
        "multi_az": params["multi_az"],
    }


def member_wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    """An instance of an Aurora cluster."""
    return {
        **_compute_wanted(params, SERVERLESS),
        "maintenance_window": params["maintenance_window"].lower(),
    }


def _both_wanted(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "engine_version": params["engine_version"],
        "backup_retention_days": params["backup_retention_days"],
        "backup_window": params["backup_window"],
        "maintenance_window": params["maintenance_window"].lower(),
        "deletion_protection": params["deletion_protection"],
        "copy_tags_to_snapshot": True,
        "security_group_ids": sorted(params["security_group_ids"]),
        "parameter_group": parameter_group(params),
        "log_exports": sorted(params["log_exports"]),
        "managed_password": True,
    }


def _compute_wanted(params: Mapping[str, Any], instance_class: str) -> dict[str, Any]:
    return {
        "instance_class": instance_class,
        "auto_minor_version_upgrade": params["auto_minor_version_upgrade"],
        "performance_insights_days": params["performance_insights_days"],
        "publicly_accessible": False,
    }


def family(params: Mapping[str, Any]) -> str:
    """RDS's name for the parameters of a major version."""
    return f"{params['engine']}{_version(params['engine_version'])[0]}"


def parameter_group(params: Mapping[str, Any]) -> str:
    return naming.parameter_group(params["name"], params["engine"], params["engine_version"])


def differences(
    current: Mapping[str, Any], waiting: Mapping[str, Any], desired: Mapping[str, Any], at_once: bool
) -> list[Difference]:
    """The differences to request. A change that is already pending is not requested again, unless it is to be applied at once."""
    found = []
    for word, value in desired.items():
        is_as_asked = current[word] if at_once or word not in waiting else waiting[word]
        # A pending change that is no longer desired would be applied together with the next immediate one.
        unwanted = word in waiting and not satisfied(word, waiting[word], value)
        if unwanted or not satisfied(word, is_as_asked, value):
            found.append(Difference(word, current[word], value))
    return found


def satisfied(word: str, current: Any, desired: Any) -> bool:
    """RDS grows storage and raises minor versions by itself: a higher value than the desired one is no difference."""
    if word == "allocated_gib":
        return bool(current >= desired)
    if word == "engine_version":
        has, requested = _version(current), _version(desired)
        return has[0] == requested[0] and has >= requested
    return bool(current == desired)


def later(kind: str, found: Sequence[Difference]) -> list[Difference]:
    """The differences that RDS keeps for the maintenance window."""
    return [difference for difference in found if difference.word in _IN_THE_WINDOW[kind]]


def waiting_changes(identifier: str, current: Mapping[str, Any], waiting: Mapping[str, Any]) -> list[str]:
    """A sentence per pending change."""
    window = current["maintenance_window"]
    return [
        f"{identifier}: {word} {current[word]} becomes {value} in the maintenance window {window} UTC"
        f"{', with a restart' if word in _OUTAGE else ''}"
        for word, value in sorted(waiting.items())
    ]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def refusals(params: Mapping[str, Any], lenient: bool = False) -> Iterator[str]:
    """Findings about the options alone: option, value, what would be valid.

    Lenient is for check mode, where the network may not be there yet.
    """
    name, version = params["name"], params["engine_version"]
    if "--" in name or name.endswith("-") or len(name) > 60:
        yield f"name is {name!r}; RDS wants at most 60 characters here, no two hyphens in a row and none at the end"
    if not all(part.isdecimal() for part in version.split(".")):
        yield f"engine_version is {version!r}; it is a major version such as 17, or a minor one such as 17.6"
    if len(set(params["subnet_ids"])) < 2 and not (lenient and not params["subnet_ids"]):
        yield "subnet_ids has fewer than two subnets; RDS wants them in two zones or more"
    if not (params["security_group_ids"] or lenient):
        yield "security_group_ids is empty; RDS would take the VPC's default group"
    limit = params["max_allocated_gib"]
    if params["engine"] != AURORA and limit and limit <= params["allocated_gib"]:
        yield (
            f"max_allocated_gib is {limit}, allocated_gib {params['allocated_gib']}; the limit lies above, or is 0 for none"
        )
    least, most = params["capacity"]["min_units"], params["capacity"]["max_units"]
    halves = (2 * least) % 1 == 0 and (2 * most) % 1 == 0
    if params["engine"] == AURORA and not (halves and 0 <= least <= most <= 256 and most >= 1):
        yield f"capacity is {least:g} to {most:g}; units are halves from 0 to 256, and max_units is 1 or more"
    if params["engine"] == AURORA and "upgrade" in params["log_exports"]:
        yield f"log_exports has upgrade, which {AURORA} does not have"
    lowest = 1 if params["engine"] == AURORA else 0
    if not lowest <= params["backup_retention_days"] <= 35:
        yield f"backup_retention_days is {params['backup_retention_days']}; {params['engine']} takes {lowest} to 35"
    yield from windows.problems(params["backup_window"], params["maintenance_window"].lower())
    days = params["performance_insights_days"]
    if days not in {0, 7, 731} and not (days % 31 == 0 and 31 <= days <= 713):
        yield f"performance_insights_days is {days}; RDS takes 0 (off), 7, 731, and multiples of 31 from 31 to 713"


def impossible(params: Mapping[str, Any], found: Mapping[str, Any], other_kind: bool) -> Iterator[str]:
    """Findings about changes that RDS cannot make to the existing database."""
    name = params["name"]
    if other_kind:
        yield (
            f"{name} is there, but not as {params['engine']}. Restore engine, or move the data: a database of one kind "
            "does not become the other"
        )
        return
    if not found.get("StorageEncrypted"):
        yield (
            f"{name} is not encrypted, and RDS cannot encrypt a database that exists. Copy a snapshot of it with a KMS "
            "key and restore that"
        )
    key = params["kms_key_arn"]
    if key and not key.startswith("alias/") and ":alias/" not in key and not found.get("KmsKeyId", "").endswith(key):
        yield f"{name} is encrypted with {found.get('KmsKeyId')}; kms_key_arn is {key}, and the key cannot be changed"
    port = (
        (found.get("Endpoint") or {}).get("Port") if isinstance(found.get("Endpoint"), Mapping) else found.get("Port")
    )
    for option, value in (
        ("database_name", found.get("DBName", found.get("DatabaseName"))),
        ("master_username", found.get("MasterUsername")),
        ("port", port),
    ):
        if value is not None and value != params[option]:
            yield f"{option} is {params[option]!r}, {name} has {value!r}, which is not changed here: restore the option"
    has, requested = _version(found["EngineVersion"]), _version(params["engine_version"])
    if has[0] != requested[0]:
        yield (
            f"engine_version is {params['engine_version']}, {name} has {found['EngineVersion']}. A new major version is an "
            "outage that cannot be taken back, so it is done by hand, rehearsed on a restored snapshot (docs/database.md); "
            "then the option follows"
        )
