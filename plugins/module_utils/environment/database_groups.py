# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The subnet group and the parameter group of a database."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import rds
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing
from ..common.resource import TagCalls, put_tags_right
from . import database_settings as decide

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html: refuses connections without TLS.
_ALWAYS = {"rds.force_ssl": "1"}


def taken(call: Invocation, of_cluster: bool) -> list[Existing]:
    """The groups that have the names of the database's."""
    aws, name = call.aws, call.params["name"]
    subnets, parameters = rds.subnet_group(aws, name), decide.parameter_group(call.params)
    arns = {f"database subnet group {name}": subnets.arn if subnets else ""}
    arns[f"database parameter group {parameters}"] = rds.parameter_group_arn(aws, parameters, of_cluster)
    return [
        Existing("database", what.rpartition(" ")[2], rds.tags(aws, arn), label=what.rpartition(" ")[0])
        for what, arn in arns.items()
        if arn
    ]


def subnet_group(call: Invocation, changes: Changes) -> None:
    name, subnets, aws = call.params["name"], sorted(call.params["subnet_ids"]), call.aws
    there = rds.subnet_group(aws, name)
    if there is None:
        create = partial(rds.create_subnet_group, aws, name, subnets, dict(call.params["tags"]))
        changes.want(f"subnet group {name}", None, subnets, create)
    else:
        write = partial(rds.set_subnet_group, aws, name, subnets)
        changes.want(f"subnet group {name}", there.subnets, subnets, write)
        _tags(call, changes, f"subnet group {name}", there.arn)


def _tags(call: Invocation, changes: Changes, what: str, arn: str) -> None:
    aws = call.aws
    calls = TagCalls(partial(rds.tags, aws, arn), partial(rds.tag, aws, arn), partial(rds.untag, aws, arn))
    put_tags_right(changes, call.params, calls, f"{what} tags")


def parameter_group(call: Invocation, changes: Changes, of_cluster: bool) -> None:
    """Ensure the group and the given parameters; other parameters are left unchanged."""
    aws, name = call.aws, decide.parameter_group(call.params)
    there = rds.parameters(aws, name, of_cluster)
    if there is None:
        family, tags = decide.family(call.params), dict(call.params["tags"])
        create = partial(rds.create_parameter_group, aws, name, of_cluster, family, tags)
        changes.want(f"parameter group {name}", None, family, create)
        # The new group tells which parameters are dynamic.
        there = {} if call.check_mode else rds.parameters(aws, name, of_cluster) or {}
    else:
        _tags(call, changes, f"parameter group {name}", rds.parameter_group_arn(aws, name, of_cluster))
    desired = {key: str(value) for key, value in call.params["parameters"].items()} | _ALWAYS
    current = {key: there.get(key, {}).get("ParameterValue") for key in desired}
    write = partial(rds.set_parameters, aws, name, of_cluster, _requests(current, desired, there))
    changes.want(f"parameter group {name} parameters", current, desired, write)


def _requests(
    current: Mapping[str, Any], desired: Mapping[str, str], there: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    """RDS refuses to apply a static parameter at once; an unknown parameter may be static."""
    return [
        {
            "ParameterName": key,
            "ParameterValue": value,
            "ApplyMethod": "immediate" if there.get(key, {}).get("ApplyType") == "dynamic" else "pending-reboot",
        }
        for key, value in sorted(desired.items())
        if current[key] != value
    ]
