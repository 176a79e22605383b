# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of deployers, for the role deployer. The input is the text of a policy file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.aws.arns import ArnScope
from ..module_utils.environment import deployer


def deployer_policy(
    text: str,
    environment: Mapping[str, Any],
    github: Mapping[str, Any] | None = None,
    roles: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document with region, account, environment, the roles that are passed and GitHub's subjects filled in."""
    place = ArnScope(environment["region"], environment["account"], environment["caller"].split(":")[1])
    try:
        subjects = (
            deployer.github_subjects(
                github["repository"], github.get("branches") or [], github.get("environments") or []
            )
            if github
            else []
        )
        named = roles or {}
        granted = deployer.grants(
            place, environment["name"], named.get("services") or [], named.get("task_roles") or []
        )
        topics = (*granted.topics, *(named.get("topics") or []))
        granted = replace(granted, boundary=named.get("boundary") or "", subjects=tuple(subjects), topics=topics)
        return deployer.render(text, place, environment["name"], granted)
    except (KeyError, ValueError) as refused:
        raise AnsibleFilterError(f"The policy cannot be filled in: {refused}") from refused


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"deployer_policy": deployer_policy}
