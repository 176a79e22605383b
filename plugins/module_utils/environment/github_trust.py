# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose workflows a trust policy lets in: the subjects of GitHub's tokens, and what is too wide. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws.policy_document import federated, listed, statements

HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_ID = re.compile(r"[1-9][0-9]*")
# What may be left open: the end of a branch's, a tag's or an environment's name.
_NARROW = re.compile(r"repo:[^*?/:]+/[^*?/:]+:(ref:refs/(heads|tags)/[^*?].*|environment:[^*?].*|pull_request)")
# Operators that hold only where the token has the claim.
_OPERATORS = ("stringequals", "stringlike")


@dataclass(frozen=True)
class Workflows:
    """Workflows of a repository on GitHub: of these branches, and jobs of these GitHub environments."""

    repository: str
    branches: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    owner_id: str = ""
    repository_id: str = ""

    @classmethod
    def of(cls, github: Mapping[str, Any]) -> Workflows:
        """From deployer_github."""
        return cls(
            github["repository"],
            tuple(github.get("branches") or ()),
            tuple(github.get("environments") or ()),
            *(str(github.get(key) or "") for key in ("owner_id", "repository_id")),
        )

    def names(self) -> Iterator[str]:
        """The repository as tokens name it: by its names, and by names and IDs where these are known."""
        yield self.repository
        if self.owner_id:
            owner, _slash, name = self.repository.partition("/")
            yield f"{owner}@{self.owner_id}/{name}@{self.repository_id}"


def github_subjects(workflows: Workflows) -> list[str]:
    """The sub claims of GitHub's tokens. A repository that was made, renamed or transferred since 15 July 2026 has the one with IDs.

    https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
    https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
    """
    repository, branches, environments = workflows.repository, workflows.branches, workflows.environments
    if not branches and not environments:
        raise ValueError("deployer_github names neither branches nor environments: no workflow could take the role")
    ends = [f"ref:refs/heads/{branch}" for branch in branches]
    # GitHub writes a colon within an environment's name so.
    ends += [f"environment:{environment.replace(':', '%3A')}" for environment in environments]
    found = [f"repo:{name}:{end}" for name in workflows.names() for end in ends]
    wild = [subject for subject in found if "*" in subject or "?" in subject]
    if wild:
        raise ValueError(f"deployer_github must name each branch and environment: {', '.join(wild)} would match others")
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(f"deployer_github.repository is {repository!r}; it must be ORGANISATION/NAME")
    ids = {"owner_id": workflows.owner_id, "repository_id": workflows.repository_id}
    if any(ids.values()):
        for key, value in ids.items():
            if not _ID.fullmatch(value):
                raise ValueError(
                    f"deployer_github.{key} is {value!r}; owner_id and repository_id must both be GitHub's numbers, "
                    f"as `gh api repos/{repository} --jq '.owner.id, .id'` prints them"
                )
    return found


def too_wide(trust_policy: Mapping[str, Any]) -> list[str]:
    """Why workflows of others could take a role with this trust policy; nothing where it does not name GitHub."""
    return [
        finding
        for statement in statements(trust_policy)
        if statement.get("Effect") == "Allow"
        and any(name.endswith(f":oidc-provider/{HOST}") for name in federated(statement))
        for finding in _findings(statement)
    ]


def _findings(statement: Mapping[str, Any]) -> Iterator[str]:
    audiences, subjects = (_claims(statement, claim) for claim in ("aud", "sub"))
    if not audiences:
        yield f"it has no condition on {HOST}:aud, which must be {AUDIENCE}"
    if not subjects:
        yield f"it has no condition on {HOST}:sub: every repository on GitHub could take the role"
    for subject in subjects:
        if not _NARROW.fullmatch(subject):
            yield (
                f"subject {subject!r} must name the repository, and at least the beginning of a branch, a tag or an environment "
                "(repo:ORGANISATION/NAME:environment:production)"
            )


def _claims(statement: Mapping[str, Any], claim: str) -> list[str]:
    """The values that a condition asks of a claim."""
    return [
        str(value)
        for operator, keys in (statement.get("Condition") or {}).items()
        if operator.lower().removeprefix("foranyvalue:") in _OPERATORS
        for key, values in keys.items()
        if key.lower() == f"{HOST}:{claim}"
        for value in listed(values)
    ]
