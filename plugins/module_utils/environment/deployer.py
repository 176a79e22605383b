# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of deployers: the files of the role deployer with their names filled in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from string import Template
from typing import Any

from ..aws.arns import ArnScope
from ..aws.route53 import metrics_region

_SUBJECTS = "${subjects}"


def render(text: str, place: ArnScope, environment: str, subjects: Sequence[str] = ()) -> dict[str, Any]:
    """Return the document; raise KeyError for an unknown name."""
    names = {
        "account": place.account,
        "environment": environment,
        "health_region": metrics_region(place.region),
        "partition": place.partition,
        "region": place.region,
    }
    return {key: _filled(value, names, subjects) for key, value in json.loads(text).items()}


def _filled(value: Any, names: Mapping[str, str], subjects: Sequence[str]) -> Any:
    if value == _SUBJECTS:
        return list(subjects)
    if isinstance(value, str):
        return Template(value).substitute(names)
    if isinstance(value, list):
        return [_filled(item, names, subjects) for item in value]
    if isinstance(value, dict):
        return {_filled(key, names, subjects): _filled(item, names, subjects) for key, item in value.items()}
    return value


def github_subjects(repository: str, branches: Sequence[str], environments: Sequence[str]) -> list[str]:
    """The sub claims of GitHub's tokens: workflows of these branches, and jobs of these GitHub environments."""
    if not branches and not environments:
        raise ValueError("deployer_github names neither branches nor environments: no workflow could take the role")
    found = [f"repo:{repository}:ref:refs/heads/{branch}" for branch in branches]
    found += [f"repo:{repository}:environment:{environment}" for environment in environments]
    wild = [action for action in found if "*" in action or "?" in action]
    if wild:
        raise ValueError(f"deployer_github must name each branch and environment: {', '.join(wild)} would match others")
    return found


def allows(document: Mapping[str, Any], action: str) -> bool:
    """Whether a statement allows the action."""
    return any(
        fnmatchcase(action.lower(), allowed.lower())
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for allowed in statement["Action"]
    )
