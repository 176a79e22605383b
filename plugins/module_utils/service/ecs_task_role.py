# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an IAM role of a service's tasks: trust, one inline policy, boundary, tags."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ..aws import iam
from ..aws.naming import TAG_ENVIRONMENT, TAG_REGION
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove


def run(call: Invocation) -> dict[str, Any]:
    """Return the role's ARN; in check mode, null where it would be created."""
    call = _of_its_region(call)
    desired, aws, name = call.params, call.aws, call.params["name"]
    changes = Changes(call.check_mode)
    found = iam.role(aws, name)
    claim(call, run, desired["tags"], [Existing("role", name, tags_of(found))] if found else [])
    if desired["state"] == "absent":
        remove(changes, "role", found is not None, partial(_remove, call))
        return _answer(changes, found)
    created = found is None
    if found is None:
        changes.want("role", None, name, lambda: None)
        if not call.check_mode:
            found = iam.create_role(
                aws,
                name,
                desired["description"],
                desired["trust_policy"],
                desired["permissions_boundary"],
                desired["tags"],
            )
            call.progress.line(f"role {name} created")
    else:
        _settle(call, changes, found)
    _policy(call, changes, created)
    _attached(call, changes, created)
    return _answer(changes, found)


def _of_its_region(call: Invocation) -> Invocation:
    """An environment's role says which region's it is: a teardown must not take that of another region."""
    tags = call.params["tags"]
    if TAG_ENVIRONMENT not in tags:
        return call
    return replace(call, params={**call.params, "tags": {**tags, TAG_REGION: call.aws.region}})


def _remove(call: Invocation) -> None:
    """IAM refuses to delete a role that has a policy of others."""
    aws, name, policy = call.aws, call.params["name"], call.params["policy_name"]
    if policy in iam.role_policies(aws, name):
        iam.delete_role_policy(aws, name, policy)
    for arn in set(call.params["managed_policy_arns"]) & set(iam.attached_policies(aws, name)):
        iam.detach_policy(aws, name, arn)
    iam.delete_role(aws, name)


def _answer(changes: Changes, found: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "arn": found["Arn"] if found else None,
    }


def _settle(call: Invocation, changes: Changes, found: dict[str, Any]) -> None:
    desired, aws, name = call.params, call.aws, call.params["name"]
    if desired["permissions_boundary"] is not None:
        changes.want(
            "permissions boundary",
            found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            desired["permissions_boundary"],
            lambda: iam.set_boundary(aws, name, desired["permissions_boundary"]),
        )
    # After the boundary: who provisions may be allowed to change only roles that have it.
    changes.want(
        "trust policy",
        found["AssumeRolePolicyDocument"],
        desired["trust_policy"],
        lambda: iam.set_trust(aws, name, desired["trust_policy"]),
    )
    known = tags_of(found)
    calls = TagCalls(lambda: known, partial(iam.tag_role, aws, name), partial(iam.untag_role, aws, name))
    put_tags_right(changes, desired, calls)


def _policy(call: Invocation, changes: Changes, created: bool) -> None:
    desired, aws, name, policy = call.params["policy"], call.aws, call.params["name"], call.params["policy_name"]
    changes.want(
        "policy",
        None if created else iam.role_policy(aws, name, policy),
        desired,
        lambda: (
            iam.put_role_policy(aws, name, policy, desired) if desired else iam.delete_role_policy(aws, name, policy)
        ),
    )


def _attached(call: Invocation, changes: Changes, created: bool) -> None:
    """Other attached policies are preserved: an account may attach its own to every role."""
    desired, aws, name = call.params["managed_policy_arns"], call.aws, call.params["name"]
    there = [] if created or not desired else iam.attached_policies(aws, name)
    for arn in desired:
        current = arn if arn in there else None
        changes.want(f"managed policy {arn}", current, arn, partial(iam.attach_policy, aws, name, arn))
