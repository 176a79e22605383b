# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of deployers: the files of the role deployer with their names filled in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from ..aws.arns import ArnScope
from ..aws.naming import DeployerNames, EnvironmentNames, RoleNames
from ..aws.route53 import metrics_region


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
        "boundary": granted.boundary,
        "deployers": granted.deployers or DeployerNames(environment, place.region).prefix,
        "environment": environment,
        "health_region": metrics_region(place.region),
        "partition": place.partition,
        "region": place.region,
    }
    lists = {
        "${infrastructure_roles}": granted.infrastructure_roles,
        "${release_topics}": granted.topics,
        "${schedule_roles}": granted.schedule_roles,
        "${subjects}": granted.subjects,
        "${task_roles}": granted.task_roles,
    }
    document = json.loads(text)
    if not granted.boundary:
        document = {**document, "Statement": [_without_boundary(statement) for statement in document["Statement"]]}
    return {key: _filled(value, names, lists) for key, value in document.items()}


def _without_boundary(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement whose condition on the permissions boundary is gone."""
    conditions = {
        operator: {key: value for key, value in keys.items() if value != "${boundary}"}
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
