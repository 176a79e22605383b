# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Identity and Access Management: one function per call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import aws_call
from .session import Aws
from .tags import tag_list, tags_of


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
