# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an environment's database: read once, refuse what cannot be, change what differs, wait."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..aws import rds, rds_shapes
from ..aws.errors import Failure
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right
from . import database_settings as decide
from . import teardown_rds
from .absent import remove_all
from .database_groups import parameter_group, subnet_group, taken
from .database_parts import Part, await_up, is_up, make, put_right, restart

_RESTART = "{}: parameters wait for a restart (database_apply_immediately restarts it)"


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the database; return how to reach it, and what waits for the maintenance window."""
    params, aws = call.params, call.aws
    name, aurora = params["name"], params["engine"] == rds_shapes.AURORA
    instance, cluster = rds.instance(aws, name), rds.cluster(aws, name)
    found = cluster if aurora else instance
    there = cluster or instance
    if there:
        claim(call, run, params["tags"], [Existing("database", name, tags_of(there))])
    if params["state"] == "absent":
        return _absent(call, there)
    wrong = [*decide.refusals(params, lenient=call.check_mode)]
    if not wrong and (instance or cluster):
        wrong += decide.impossible(params, found or {}, other_kind=found is None)
    if wrong:
        text = "\n".join(f"  - {problem}" for problem in wrong)
        raise Failure(f"Nothing was changed in database {name}:\n{text}", findings=wrong)
    claim(call, run, params["tags"], taken(call, aurora))
    if found is None:
        params = {**params, "engine_version": _version(call)}
        call = replace(call, params=params)
    changes = Changes(call.check_mode)
    subnet_group(call, changes)
    parameter_group(call, changes, aurora)
    found, waits = (_cluster if aurora else _instance)(call, changes, found)
    return _answer(call, changes, found, waits)


def _absent(call: Invocation, found: dict[str, Any] | None) -> dict[str, Any]:
    """Nothing of a database goes unless its data may, with a final snapshot unless that is switched off."""
    params = call.params
    resources = teardown_rds.of_database(call.aws, params["name"]) if found else []
    if not params["final_snapshot"]:
        resources = [teardown_rds.without_snapshot(resource) for resource in resources]
    changes, kept = remove_all(call, resources, ["database"] if params["delete_data"] else [])
    return {**_answer(call, changes, found, []), "kept": kept}


def _answer(call: Invocation, changes: Changes, found: dict[str, Any] | None, waits: list[str]) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "identifier": call.params["name"],
        **rds_shapes.connection(found or {}),
        "pending": waits,
        "kept": [],
    }


def _version(call: Invocation) -> str:
    """RDS takes a major version alone for some engines only: for a new database it is asked which minor one that is."""
    engine, requested = call.params["engine"], call.params["engine_version"]
    version = requested if "." in requested else rds.default_version(call.aws, engine, requested)
    if version is None:
        raise Failure(
            f"Nothing was changed: RDS has no version {requested} of {engine} in {call.aws.region}. `aws rds "
            f"describe-db-engine-versions --engine {engine} --query 'DBEngineVersions[].EngineVersion'` lists those that it has."
        )
    return version


@dataclass(frozen=True)
class _Kind:
    """What an instance and a cluster have in common, each by its own calls and keys."""

    name: str
    read: Callable[..., dict[str, Any] | None]
    create: Callable[..., None]
    modify: Callable[..., None]
    desired: Callable[[Mapping[str, Any]], dict[str, Any]]
    database_key: str
    arn_key: str

    def part(self, call: Invocation) -> Part:
        aws, name = call.aws, call.params["name"]
        return Part(
            self.name,
            name,
            partial(self.read, aws, name),
            lambda request: self.create(aws, name, request, dict(call.params["tags"])),
            partial(self.modify, aws, name),
        )


_INSTANCE = _Kind(
    "instance",
    rds.instance,
    rds.create_instance,
    rds.modify_instance,
    decide.instance_wanted,
    "DBName",
    "DBInstanceArn",
)
_CLUSTER = _Kind(
    "cluster",
    rds.cluster,
    rds.create_cluster,
    rds.modify_cluster,
    decide.cluster_wanted,
    "DatabaseName",
    "DBClusterArn",
)


def _create(call: Invocation, changes: Changes, kind: _Kind) -> None:
    first = {kind.database_key: call.params["database_name"], **_first(call.params)}
    request = {**rds_shapes.request(kind.name, kind.desired(call.params)), **first}
    make(call, changes, kind.part(call), request)


def _changed(
    call: Invocation, changes: Changes, kind: _Kind, found: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Tags and settings put right; and what of them waits for the maintenance window."""
    name = call.params["name"]
    _tags(call, changes, name, found[kind.arn_key], found)
    found = put_right(call, changes, kind.part(call), found, kind.desired(call.params))
    now, deferred = rds_shapes.now(kind.name, found), rds_shapes.deferred(kind.name, found)
    return found, decide.waiting_changes(name, now, deferred)


def _instance(
    call: Invocation, changes: Changes, found: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, list[str]]:
    if found is None:
        _create(call, changes, _INSTANCE)
        if call.check_mode:
            return None, []
    part = _INSTANCE.part(call)
    found, waits = _changed(call, changes, _INSTANCE, _up(call, part, found))
    if "pending-reboot" in rds_shapes.parameter_states(found):
        waits += _restart(call, changes, part)
    return found, waits


def _cluster(
    call: Invocation, changes: Changes, found: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, list[str]]:
    aws, name = call.aws, call.params["name"]
    if found is None:
        _create(call, changes, _CLUSTER)
    members = _members(call, changes, found)
    if found is None and call.check_mode:
        return None, []
    up = _up(call, _CLUSTER.part(call), found)
    for member in members if not call.check_mode else ():
        await_up(call, member)
    found, waits = _changed(call, changes, _CLUSTER, up)
    there = {
        member["DBInstanceIdentifier"] for member in rds.members(aws, name) if rds_shapes.status(member) != "deleting"
    }
    for identifier in sorted(rds_shapes.waiting_members(found) & there):
        waits += _restart(call, changes, _member(call, identifier))
    return found, waits


def _members(call: Invocation, changes: Changes, cluster: Mapping[str, Any] | None) -> list[Part]:
    """Ensure a writer and, with Multi-AZ, a reader for failover. Leave other instances unchanged. Return the new ones."""
    aws, name = call.aws, call.params["name"]
    desired = decide.member_wanted(call.params)
    there = {member["DBInstanceIdentifier"]: member for member in rds.members(aws, name)} if cluster else {}
    ours = {key: member for key, member in there.items() if re.fullmatch(rf"{re.escape(name)}-\d+", key)}
    # One that is going has its name for a while, and counts no more.
    ours = {key: member for key, member in ours.items() if rds_shapes.status(member) != "deleting"}
    count = 2 if call.params["multi_az"] else 1
    surplus = sorted(rds_shapes.readers(cluster or {}) & set(ours), reverse=True)[: max(0, len(ours) - count)]
    for identifier in surplus:
        changes.want(f"instance {identifier}", "there", None, partial(rds.delete_member, aws, identifier))
    for identifier in sorted(set(ours) - set(surplus)):
        put_right(call, changes, _member(call, identifier), ours[identifier], desired)
    free = [
        candidate
        for candidate in (f"{name}-{number}" for number in range(1, count + len(there) + 1))
        if candidate not in there
    ]
    created = [_member(call, identifier) for identifier in free[: max(0, count - len(ours))]]
    request = {"Engine": call.params["engine"], "DBClusterIdentifier": name, **rds_shapes.request("member", desired)}
    for part in created:
        make(call, changes, part, request)
    return created


def _member(call: Invocation, identifier: str) -> Part:
    aws = call.aws
    return Part(
        "member",
        identifier,
        partial(rds.instance, aws, identifier),
        lambda request: rds.create_instance(aws, identifier, request, dict(call.params["tags"])),
        partial(rds.modify_instance, aws, identifier),
    )


def _up(call: Invocation, part: Part, found: dict[str, Any] | None) -> dict[str, Any]:
    """It may be on its way still, begun a moment ago or by a run that was interrupted."""
    if found and (call.check_mode or is_up(found)):
        return found
    return await_up(call, part)


def _first(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is said at the creation only."""
    keys = {"KmsKeyId": params["kms_key_arn"], "MasterUserSecretKmsKeyId": params["secret_kms_key_arn"]}
    return {
        "Engine": params["engine"],
        "MasterUsername": params["master_username"],
        "Port": params["port"],
        "StorageEncrypted": True,
        "DBSubnetGroupName": params["name"],
        **{key: value for key, value in keys.items() if value},
    }


def _restart(call: Invocation, changes: Changes, part: Part) -> list[str]:
    if not call.params["apply_immediately"]:
        return [_RESTART.format(part.identifier)]
    restart(call, changes, part)
    return []


def _tags(call: Invocation, changes: Changes, name: str, arn: str, found: Mapping[str, Any]) -> None:
    known = {tag["Key"]: tag["Value"] for tag in found.get("TagList", [])}
    calls = TagCalls(lambda: known, partial(rds.tag, call.aws, arn), partial(rds.untag, call.aws, arn))
    put_tags_right(changes, call.params, calls, f"{name} tags")
