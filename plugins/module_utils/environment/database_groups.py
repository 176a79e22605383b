# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a database stands on: the group of its subnets, and the group of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import rds
from ..common.changes import Changes
from ..common.invocation import Invocation
from . import database_settings as decide

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html: refuses connections without TLS.
_ALWAYS = {"rds.force_ssl": "1"}


def subnet_group(call: Invocation, changes: Changes) -> None:
    name, subnets, aws = call.params["name"], sorted(call.params["subnet_ids"]), call.aws
    there = rds.subnet_group(aws, name)
    if there is None:
        create = partial(rds.create_subnet_group, aws, name, subnets, dict(call.params["tags"]))
        changes.want(f"subnet group {name}", None, subnets, create)
    else:
        changes.want(f"subnet group {name}", there, subnets, partial(rds.set_subnet_group, aws, name, subnets))


def parameter_group(call: Invocation, changes: Changes, of_cluster: bool) -> None:
    """The group, and in it what is asked for; parameters that nobody asks for are left alone."""
    aws, name = call.aws, decide.parameter_group(call.params)
    there = rds.parameters(aws, name, of_cluster)
    if there is None:
        family, tags = decide.family(call.params), dict(call.params["tags"])
        create = partial(rds.create_parameter_group, aws, name, of_cluster, family, tags)
        changes.want(f"parameter group {name}", None, family, create)
        # What dynamic and what static is, the new group says.
        there = {} if call.check_mode else rds.parameters(aws, name, of_cluster) or {}
    wanted = {key: str(value) for key, value in call.params["parameters"].items()} | _ALWAYS
    is_now = {key: there.get(key, {}).get("ParameterValue") for key in wanted}
    write = partial(rds.set_parameters, aws, name, of_cluster, _requests(is_now, wanted, there))
    changes.want(f"parameter group {name} parameters", is_now, wanted, write)


def _requests(
    is_now: Mapping[str, Any], wanted: Mapping[str, str], there: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, str]]:
    """RDS refuses to apply a static parameter at once; what it does not describe may be one."""
    return [
        {
            "ParameterName": key,
            "ParameterValue": value,
            "ApplyMethod": "immediate" if there.get(key, {}).get("ApplyType") == "dynamic" else "pending-reboot",
        }
        for key, value in sorted(wanted.items())
        if is_now[key] != value
    ]
