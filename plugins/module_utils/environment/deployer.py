# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of deployers: the files of the role deployer with their names filled in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from string import Template
from typing import Any

from ..aws.arns import ArnScope, load_balancer_of
from ..aws.naming import DeployerNames, EnvironmentNames, RoleNames
from ..aws.route53 import metrics_region


@dataclass(frozen=True)
class Others:
    """What others made and the inventory names: a cluster, a load balancer, log groups, repositories, a VPC with its subnets."""

    cluster: str = ""
    load_balancer: str = ""
    log_groups: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    # Of tasks, their execution and their volumes.
    roles: tuple[str, ...] = ()

    @classmethod
    def of(cls, place: ArnScope, named: Mapping[str, Any]) -> Others:
        """From the names, IDs and ARNs of the inventory: ARNs, and the names that policies are filled in with."""
        network = named.get("network") or {}
        tasks_in = [*(network.get("private_subnet_ids") or []), *(network.get("data_subnet_ids") or [])]
        balancer = load_balancer_of(named.get("load_balancer") or "")
        return cls(
            (named.get("cluster") or "").rpartition("/")[2],
            balancer.split("/")[2] if balancer else "",
            tuple(place.arn("logs", f"log-group:{name}:*") for name in named.get("log_groups") or []),
            tuple(place.arn("ecr", f"repository/{name}") for name in named.get("repositories") or []),
            tuple(
                place.arn("ec2", resource)
                for resource in (
                    *([f"vpc/{network['vpc_id']}"] if network else []),
                    *(f"subnet/{subnet}" for subnet in tasks_in),
                )
            ),
            tuple(named.get("task_roles") or []),
        )


@dataclass(frozen=True)
class Grants:
    """Whose roles are passed on, which boundary made roles must have, and which of GitHub's tokens are taken."""

    task_roles: tuple[str, ...]
    schedule_roles: tuple[str, ...]
    infrastructure_roles: tuple[str, ...]
    # Topics that are told of releases.
    topics: tuple[str, ...] = ()
    boundary: str = ""
    subjects: tuple[str, ...] = ()
    # What the names of the deployers' own roles begin with, if not as usual.
    deployers: str = ""
    others: Others = Others()
    # The zones in which names are led to the environment.
    zones: tuple[str, ...] = ()


def grants(place: ArnScope, environment: str, services: Sequence[str] = (), more: Sequence[str] = ()) -> Grants:
    """The roles of these services, and task roles of others; of every service that the environment has if none is named."""
    named, names = services or ("*",), RoleNames(environment, place.region)
    task_roles = [role for service in named for role in (names.task(service), names.execution(service))]
    return Grants(
        (*_roles(place, *task_roles), *more),
        _roles(place, *map(names.schedule, named)),
        (*_roles(place, *map(names.infrastructure, named)), *more),
        (place.arn("sns", EnvironmentNames(environment).release_topic),),
    )


def _roles(place: ArnScope, *names: str) -> tuple[str, ...]:
    return tuple(place.role(name) for name in names)


def render(text: str, place: ArnScope, environment: str, granted: Grants | None = None) -> dict[str, Any]:
    """Return the document; raise KeyError for an unknown name."""
    granted = granted or grants(place, environment)
    names = {
        "account": place.account,
        "balancer": granted.others.load_balancer or environment,
        "boundary": granted.boundary,
        "cluster": granted.others.cluster or environment,
        "deployers": granted.deployers or DeployerNames(environment, place.region).prefix,
        "environment": environment,
        "health_region": metrics_region(place.region),
        # Behind a load balancer of others a rule is known by its tag; behind the environment's own all are its.
        "of_shared_balancer": environment if granted.others.load_balancer else "",
        "partition": place.partition,
        "region": place.region,
    }
    lists = {
        "${infrastructure_roles}": granted.infrastructure_roles,
        "${log_groups}": granted.others.log_groups,
        "${names_in_dns}": tuple(name for zone in granted.zones for name in (zone, f"*.{zone}")),
        "${network}": granted.others.network,
        "${others_roles}": granted.others.roles,
        "${release_topics}": granted.topics,
        "${repositories}": granted.others.repositories,
        "${schedule_roles}": granted.schedule_roles,
        "${subjects}": granted.subjects,
        "${task_roles}": granted.task_roles,
    }
    document = _filled(_without_empty_conditions(json.loads(text), names), names, lists)
    # A statement about what the inventory does not name would be refused by IAM.
    return {**document, "Statement": [statement for statement in document["Statement"] if _says_what(statement)]}


def _says_what(statement: Mapping[str, Any]) -> bool:
    """Whether its lists have something in them."""
    conditions = statement.get("Condition", {}).values()
    return statement.get("Resource") != [] and not any(value == [] for keys in conditions for value in keys.values())


def _without_empty_conditions(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The document without conditions on a name that is empty: a boundary, or a load balancer of others."""
    empty = {f"${{{name}}}" for name, value in names.items() if not value}
    return {**document, "Statement": [_without(statement, empty) for statement in document["Statement"]]}


def _without(statement: Mapping[str, Any], values: Set[str]) -> dict[str, Any]:
    """A statement whose conditions on these values are gone."""
    conditions = {
        operator: {key: value for key, value in keys.items() if isinstance(value, list) or value not in values}
        for operator, keys in statement.get("Condition", {}).items()
    }
    left = {operator: keys for operator, keys in conditions.items() if keys}
    rest = {key: value for key, value in statement.items() if key != "Condition"}
    return rest | ({"Condition": left} if left else {})


def _filled(value: Any, names: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> Any:
    if isinstance(value, str):
        return list(lists[value]) if value in lists else Template(value).substitute(names)
    if isinstance(value, list):
        return [
            item
            for each in value
            for item in (lists[each] if isinstance(each, str) and each in lists else [_filled(each, names, lists)])
        ]
    if isinstance(value, dict):
        return {_filled(key, names, lists): _filled(item, names, lists) for key, item in value.items()}
    return value
