"""GitHub's identity provider, the roles and their policies as IAM reports them; the manual change: a trust that is too wide, a policy
that is gone, and a role that the inventory does not name."""

from __future__ import annotations

import base64
import json
import time

import boto3
from botocore.exceptions import ClientError

PREFIX = "pear-deployer-local-eu-central-1"
HOST = "token.actions.githubusercontent.com"
KINDS = {"read-only", "release", "provision"}
FURTHER = {
    "provision-network", "provision-services", "provision-data", "provision-experiments", "provision-balancing", "provision-traces",
}  # fmt: skip
# As GitHub names a repository in its tokens: one of before July 2026, and any later one.
SUBJECTS = [
    f"repo:{name}:{end}"
    for name in ("example/scoreboard", "example@1234/scoreboard@5678")
    for end in ("ref:refs/heads/main", "environment:production")
]
OTHERS = [
    "repo:example/scoreboard:ref:refs/heads/side",
    "repo:example/other:environment:production",
    # The same names, taken by others after the repository was deleted.
    "repo:example@1234/scoreboard@5679:environment:production",
]


def verify() -> None:
    iam = boto3.client("iam")
    account = boto3.client("sts").get_caller_identity()["Account"]
    provider = f"arn:aws:iam::{account}:oidc-provider/{HOST}"
    assert [entry["Arn"] for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [provider]
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert found["ClientIDList"] == ["sts.amazonaws.com"] and found["Url"] == HOST, found
    assert found["Tags"] == [{"Key": "pear:component", "Value": "deployer"}], found

    roles = [role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    ours = {role["RoleName"]: role for role in roles if role["RoleName"].startswith(f"{PREFIX}-")}
    assert set(ours) == {f"{PREFIX}-{kind}" for kind in KINDS}, sorted(ours)
    equals = {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": SUBJECTS}
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "GitHubActions",
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": equals},
            }
        ],
    }
    for name, role in ours.items():
        assert role["AssumeRolePolicyDocument"] == trust, role
        kind = name.removeprefix(f"{PREFIX}-")
        assert iam.list_role_policies(RoleName=name)["PolicyNames"] == [kind]
        document = iam.get_role_policy(RoleName=name, PolicyName=kind)["PolicyDocument"]
        assert "${" not in json.dumps(document)
        attached = {entry["PolicyName"] for entry in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]}
        assert attached == ({f"{PREFIX}-{each}" for each in FURTHER} if kind == "provision" else set()), attached
    released = iam.get_role_policy(RoleName=f"{PREFIX}-release", PolicyName="release")["PolicyDocument"]
    passed = [entry["Resource"] for entry in released["Statement"] if "iam:PassRole" in entry["Action"]]
    tasks = [f"arn:aws:iam::{account}:role/local-eu-central-1-website-{kind}" for kind in ("task", "execution")]
    assert tasks in passed, passed
    _only_workflows_of_the_repository(f"arn:aws:iam::{account}:role/{PREFIX}-release")


def _only_workflows_of_the_repository(role: str) -> None:
    """GitHub's tokens as STS takes them: of the branch and of the environment, and of no other."""
    deadline = time.monotonic() + 60
    for subject in SUBJECTS:
        # A role that was just made, or whose trust was just changed, is not known everywhere.
        while not _taken(role, subject):
            assert time.monotonic() < deadline, subject
            time.sleep(0.5)
    for subject in OTHERS:
        assert not _taken(role, subject), subject
    assert not _taken(role, SUBJECTS[0], audience="https://github.com/example")


def _taken(role: str, subject: str, audience: str = "sts.amazonaws.com") -> bool:
    try:
        boto3.client("sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="workflow", WebIdentityToken=token(subject, audience)
        )
    except ClientError as refused:
        if refused.response["Error"]["Code"] not in {"AccessDenied", "InvalidIdentityToken"}:
            raise
        return False
    return True


def token(subject: str, audience: str) -> str:
    """A token with GitHub's claims; the sandbox reads them, and checks no signature."""
    claims = {"iss": f"https://{HOST}", "sub": subject, "aud": audience}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "signature"])


def side_effect() -> None:
    iam = boto3.client("iam")
    name = f"{PREFIX}-release"
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    subject = {f"{HOST}:sub": "repo:example/*"}
    statement["Condition"] = {"StringLike": subject}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    policy = next(
        entry["PolicyArn"]
        for entry in iam.list_attached_role_policies(RoleName=f"{PREFIX}-provision")["AttachedPolicies"]
    )
    iam.detach_role_policy(RoleName=f"{PREFIX}-provision", PolicyArn=policy)
    extra = iam.create_role(
        RoleName=f"{PREFIX}-destroy",
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=[{"Key": "pear:component", "Value": "deployer"}],
    )["Role"]["RoleName"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=extra, PolicyName="destroy", PolicyDocument=json.dumps(document))
