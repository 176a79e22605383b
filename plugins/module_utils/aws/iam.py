# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Identity and Access Management: one function per call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import aws_call
from .policy_document import federated_principals
from .session import Aws
from .tags import tag_list, tags_of


@dataclass(frozen=True)
class OidcProvider:
    """An OpenID Connect identity provider of the account."""

    arn: str
    audiences: tuple[str, ...]
    tags: Mapping[str, str]


@aws_call("read role {name}")
def role(aws: Aws, name: str) -> dict[str, Any] | None:
    """A role with its trust policy and tags; None where it does not exist."""
    client = aws.client("iam")
    try:
        return client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        return None


@aws_call("create role {name}")
def create_role(
    aws: Aws, name: str, description: str, trust: Mapping[str, Any], boundary: str | None, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Create a role and wait until IAM can read it."""
    client = aws.client("iam")
    optional = {"PermissionsBoundary": boundary} if boundary else {}
    made = client.create_role(
        RoleName=name,
        Description=description,
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=tag_list(tags),
        **optional,
    )["Role"]
    client.get_waiter("role_exists").wait(RoleName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return made


@aws_call("change who may take role {name}")
def set_trust(aws: Aws, name: str, trust: Mapping[str, Any]) -> None:
    aws.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


@aws_call("change the permissions boundary of role {name}")
def set_boundary(aws: Aws, name: str, boundary: str | None) -> None:
    client = aws.client("iam")
    if boundary:
        client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    else:
        client.delete_role_permissions_boundary(RoleName=name)


@aws_call("read policy {policy} of role {name}")
def role_policy(aws: Aws, name: str, policy: str) -> dict[str, Any] | None:
    client = aws.client("iam")
    try:
        return client.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    except client.exceptions.NoSuchEntityException:
        return None


@aws_call("write policy {policy} of role {name}")
def put_role_policy(aws: Aws, name: str, policy: str, document: Mapping[str, Any]) -> None:
    aws.client("iam").put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


@aws_call("delete policy {policy} of role {name}")
def delete_role_policy(aws: Aws, name: str, policy: str) -> None:
    aws.client("iam").delete_role_policy(RoleName=name, PolicyName=policy)


@aws_call("read the managed policies of role {name}")
def attached_policies(aws: Aws, name: str) -> list[str]:
    pages = aws.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=name)
    return sorted(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])


@aws_call("attach {policy_arn} to role {name}")
def attach_policy(aws: Aws, name: str, policy_arn: str) -> None:
    aws.client("iam").attach_role_policy(RoleName=name, PolicyArn=policy_arn)


@aws_call("tag role {name}")
def tag_role(aws: Aws, name: str, tags: Mapping[str, str]) -> None:
    aws.client("iam").tag_role(RoleName=name, Tags=tag_list(tags))


@aws_call("remove tags of role {name}")
def untag_role(aws: Aws, name: str, keys: list[str]) -> None:
    aws.client("iam").untag_role(RoleName=name, TagKeys=keys)


@aws_call("read the roles whose names begin with {prefix}")
def role_names(aws: Aws, prefix: str) -> list[str]:
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    return [name for name in names if name.startswith(prefix)]


@aws_call("read the tags of role {name}")
def role_tags(aws: Aws, name: str) -> dict[str, str]:
    return tags_of(aws.client("iam").list_role_tags(RoleName=name))


@aws_call("read the policies of role {name}")
def role_policies(aws: Aws, name: str) -> list[str]:
    """Names of the policies that are part of the role."""
    pages = aws.client("iam").get_paginator("list_role_policies").paginate(RoleName=name)
    return [policy for page in pages for policy in page["PolicyNames"]]


@aws_call("detach {policy_arn} from role {name}")
def detach_policy(aws: Aws, name: str, policy_arn: str) -> None:
    aws.client("iam").detach_role_policy(RoleName=name, PolicyArn=policy_arn)


@aws_call("delete role {name}")
def delete_role(aws: Aws, name: str) -> None:
    """Delete a role. IAM refuses while the role has policies."""
    aws.client("iam").delete_role(RoleName=name)


@aws_call("read managed policy {arn}")
def managed_policy_tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """The tags of a managed policy; None where it does not exist."""
    client = aws.client("iam")
    try:
        return tags_of(client.get_policy(PolicyArn=arn)["Policy"])
    except client.exceptions.NoSuchEntityException:
        return None


@aws_call("delete managed policy {arn}")
def delete_managed_policy(aws: Aws, arn: str) -> None:
    """Delete a managed policy with its earlier versions. IAM refuses while a role has it."""
    client = aws.client("iam")
    for page in client.get_paginator("list_policy_versions").paginate(PolicyArn=arn):
        for version in page["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=arn)


@aws_call("find the identity provider of {host}")
def oidc_provider(aws: Aws, host: str) -> OidcProvider | None:
    """An account has one identity provider for each URL at most."""
    client = aws.client("iam")
    arns = [entry["Arn"] for entry in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    arn = next((arn for arn in arns if arn.partition(":oidc-provider/")[2] == host), None)
    if arn is None:
        return None
    found = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return OidcProvider(arn, tuple(found.get("ClientIDList", [])), tags_of(found))


@aws_call("create the identity provider of {host}")
def create_oidc_provider(aws: Aws, host: str, audiences: Sequence[str], tags: Mapping[str, str]) -> str:
    """Without a thumbprint IAM takes that of the certificate authority itself.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """
    made = aws.client("iam").create_open_id_connect_provider(
        Url=f"https://{host}", ClientIDList=list(audiences), Tags=tag_list(tags)
    )
    return str(made["OpenIDConnectProviderArn"])


@aws_call("add audience {audience} to identity provider {arn}")
def add_audience(aws: Aws, arn: str, audience: str) -> None:
    aws.client("iam").add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)


@aws_call("tag identity provider {arn}")
def tag_oidc_provider(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=tag_list(tags))


@aws_call("remove tags of identity provider {arn}")
def untag_oidc_provider(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("iam").untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=keys)


@aws_call("delete identity provider {arn}")
def delete_oidc_provider(aws: Aws, arn: str) -> None:
    aws.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


@aws_call("find the roles that trust {principal}")
def roles_trusting(aws: Aws, principal: str) -> list[str]:
    """Names of the roles of the account whose trust policy names a federated principal."""
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    return sorted(
        role["RoleName"]
        for page in pages
        for role in page["Roles"]
        if principal in federated_principals(role["AssumeRolePolicyDocument"])
    )
