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
    """Ensure the group and the given parameters; other parameters are left unchanged."""
    aws, name = call.aws, decide.parameter_group(call.params)
    there = rds.parameters(aws, name, of_cluster)
    if there is None:
        family, tags = decide.family(call.params), dict(call.params["tags"])
        create = partial(rds.create_parameter_group, aws, name, of_cluster, family, tags)
        changes.want(f"parameter group {name}", None, family, create)
        # The new group tells which parameters are dynamic.
        there = {} if call.check_mode else rds.parameters(aws, name, of_cluster) or {}
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
