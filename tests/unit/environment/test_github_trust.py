"""Whose workflows may take a deployer's role: subjects that are named exactly, and trust policies that are too wide."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pear.fargate.plugins.filter.deployer import deployer_trust
from ansible_collections.pear.fargate.plugins.module_utils.environment.github_trust import (
    HOST,
    Workflows,
    github_subjects,
    too_wide,
)

TEXT = (Path(__file__).resolve().parents[3] / "roles/deployer/files/github-trust.json").read_text()
ENVIRONMENT = {
    "name": "staging",
    "region": "eu-central-1",
    "account": "123456789012",
    "caller": "arn:aws:iam::123456789012:user/admin",
}
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"


def trust(conditions: dict[str, Any] | None, provider: str = PROVIDER, effect: str = "Allow") -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Effect": effect,
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    return {"Version": "2012-10-17", "Statement": statement | ({"Condition": conditions} if conditions else {})}


def claims(operator: str, subject: Any) -> dict[str, Any]:
    """Conditions on the subject by an operator, and on the audience."""
    audience = {f"{HOST}:aud": "sts.amazonaws.com"}
    if operator == "StringEquals":
        return {operator: {f"{HOST}:sub": subject, **audience}}
    return {operator: {f"{HOST}:sub": subject}, "StringEquals": audience}


def test_subjects_name_branches_and_environments() -> None:
    assert github_subjects(Workflows("example/scores", ("main",), ("production", "eu:live"))) == [
        "repo:example/scores:ref:refs/heads/main",
        "repo:example/scores:environment:production",
        "repo:example/scores:environment:eu%3Alive",
    ]


def test_with_its_numbers_a_repository_is_named_as_older_and_as_newer_tokens_name_it() -> None:
    github = {"repository": "example/scores", "owner_id": 1234, "repository_id": "5678", "branches": ["main"]}
    assert github_subjects(Workflows.of(github)) == [
        "repo:example/scores:ref:refs/heads/main",
        "repo:example@1234/scores@5678:ref:refs/heads/main",
    ]


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        pytest.param({"owner_id": 1234}, "repository_id", id="only the owner's"),
        pytest.param({"repository_id": 5678}, "owner_id", id="only the repository's"),
        pytest.param({"owner_id": 1234, "repository_id": "scores"}, "repository_id", id="a name"),
        pytest.param({"owner_id": -1, "repository_id": 5678}, "owner_id", id="negative"),
    ],
)
def test_numbers_are_both_or_none(ids: dict[str, Any], key: str) -> None:
    github = {"repository": "example/scores", "branches": ["main"], **ids}
    with pytest.raises(ValueError, match=rf"deployer_github\.{key} is .*gh api repos/example/scores"):
        github_subjects(Workflows.of(github))


@pytest.mark.parametrize(
    ("repository", "branches", "environments", "why"),
    [
        pytest.param("example/scores", [], [], "neither", id="nobody"),
        pytest.param("example/scores", ["*"], [], "would match others", id="every branch"),
        pytest.param("example/scores", [], ["prod?"], "would match others", id="a pattern of environments"),
        pytest.param("example/*", ["main"], [], "would match others", id="every repository"),
        pytest.param("scores", ["main"], [], "must be ORGANISATION/NAME", id="no organisation"),
        pytest.param("example@1/scores@2", ["main"], [], "must be ORGANISATION/NAME", id="numbers among the names"),
        pytest.param("example/scores:ref", ["main"], [], "must be ORGANISATION/NAME", id="more than a name"),
    ],
)
def test_subjects_that_are_too_wide_are_refused(
    repository: str, branches: list[str], environments: list[str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        github_subjects(Workflows(repository, tuple(branches), tuple(environments)))


@pytest.mark.parametrize(
    "conditions",
    [
        pytest.param(claims("StringEquals", "repo:example/scores:ref:refs/heads/main"), id="a branch"),
        pytest.param(claims("StringEquals", ["repo:example/scores:environment:live"]), id="an environment"),
        pytest.param(claims("StringEquals", "repo:example@1234/scores@5678:environment:live"), id="with numbers"),
        pytest.param(claims("StringLike", "repo:example/scores:ref:refs/tags/v*"), id="tags that begin alike"),
        pytest.param(claims("StringEquals", "repo:example/scores:pull_request"), id="pull requests"),
    ],
)
def test_a_trust_policy_of_ones_own_may_name_a_repository(conditions: dict[str, Any]) -> None:
    assert too_wide(trust(conditions)) == []


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        pytest.param(None, "every repository on GitHub could take the role", id="no condition"),
        pytest.param({"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com"}}, "every repository", id="only aud"),
        pytest.param(
            {"StringEquals": {f"{HOST}:sub": "repo:example/scores:environment:live"}},
            "no condition on .*:aud",
            id="only sub",
        ),
        pytest.param(claims("StringLike", "*"), "must name the repository", id="any subject"),
        pytest.param(claims("StringLike", "repo:example/*"), "must name the repository", id="any repository"),
        pytest.param(
            claims("StringLike", "repo:example@1234/scores@*:environment:live"),
            "must name the repository",
            id="any number",
        ),
        pytest.param(
            claims("StringLike", "repo:example/scores:*"), "at least the beginning", id="anything of a repository"
        ),
        pytest.param(
            claims("StringLike", ["repo:example/scores:environment:live", "repo:example/scores:ref:*"]),
            "at least the beginning",
            id="one of several",
        ),
        pytest.param(
            claims("StringEqualsIfExists", "repo:example/scores:environment:live"),
            "every repository",
            id="if it exists",
        ),
    ],
)
def test_a_trust_policy_of_ones_own_that_lets_others_in_is_told(conditions: dict[str, Any] | None, why: str) -> None:
    assert any(re.search(why, finding) for finding in too_wide(trust(conditions)))


def test_what_does_not_allow_github_is_none_of_its_business() -> None:
    assert too_wide(trust(None, effect="Deny")) == []
    assert too_wide(trust(None, provider="arn:aws:iam::123456789012:oidc-provider/gitlab.com")) == []
    account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    assert too_wide({"Statement": [account, {**account, "Principal": "*"}]}) == []


def test_the_roles_trust_policy_is_ones_own_or_that_of_the_repository() -> None:
    own = trust(claims("StringEquals", "repo:example/scores:environment:live"))
    assert deployer_trust(own, TEXT, ENVIRONMENT, {}) == own
    github = {"repository": "example/scores", "environments": ["production"]}
    made = deployer_trust({}, TEXT, ENVIRONMENT, github)
    (statement,) = made["Statement"]
    assert statement["Principal"] == {"Federated": PROVIDER}
    assert statement["Condition"]["StringEquals"] == {
        f"{HOST}:aud": "sts.amazonaws.com",
        f"{HOST}:sub": ["repo:example/scores:environment:production"],
    }
    assert too_wide(made) == []
    with pytest.raises(AnsibleFilterError, match="deployer_trust_policy is too wide"):
        deployer_trust(trust(None), TEXT, ENVIRONMENT, github)
    with pytest.raises(AnsibleFilterError, match="set deployer_github"):
        deployer_trust({}, TEXT, ENVIRONMENT, {})
