# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies of deployers, for the role deployer. The input is the text of a policy file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.aws.arns import ArnScope
from ..module_utils.environment import deployer, github_trust


def deployer_policy(
    text: str,
    environment: Mapping[str, Any],
    github: Mapping[str, Any] | None = None,
    roles: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document with region, account, environment, the roles that are passed and GitHub's subjects filled in."""
    place = ArnScope(environment["region"], environment["account"], environment["caller"].split(":")[1])
    try:
        subjects = github_trust.github_subjects(github_trust.Workflows.of(github)) if github else []
        named = roles or {}
        granted = deployer.grants(
            place, environment["name"], named.get("services") or [], named.get("task_roles") or []
        )
        granted = replace(
            granted,
            boundary=named.get("boundary") or "",
            subjects=tuple(subjects),
            topics=(*granted.topics, *(named.get("topics") or [])),
            deployers=named.get("prefix") or "",
            others=deployer.Others.of(place, named),
            zones=tuple(zone.lower().rstrip(".") for zone in named.get("zones") or []),
        )
        return deployer.render(text, place, environment["name"], granted)
    except (KeyError, ValueError) as refused:
        raise AnsibleFilterError(f"The policy cannot be filled in: {refused}") from refused


def deployer_trust(
    own: Mapping[str, Any], text: str, environment: Mapping[str, Any], github: Mapping[str, Any]
) -> dict[str, Any]:
    """The trust policy of the roles: one's own, unless it lets in workflows of others; or the one for a repository on GitHub."""
    if own:
        findings = github_trust.too_wide(own)
        if findings:
            raise AnsibleFilterError(f"deployer_trust_policy is too wide: {'; '.join(findings)}")
        return dict(own)
    if not github:
        raise AnsibleFilterError(
            "Nobody could take the roles: set deployer_github to the repository whose workflows may, or deployer_trust_policy"
        )
    return deployer_policy(text, environment, github)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"deployer_policy": deployer_policy, "deployer_trust": deployer_trust}
