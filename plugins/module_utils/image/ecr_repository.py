# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an ECR repository: immutable tags, scan on push, encryption, lifecycle, tags."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import ecr
from ..aws.ecr import RELEASED_PREFIX, SBOM_PREFIX
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the repository; return its URI and ARN, null in check mode where it would be created."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    name, tags = desired["name"], dict(desired["tags"])
    mutability = "IMMUTABLE" if desired["immutable_tags"] else "MUTABLE"
    scan, policy = (
        desired["scan_on_push"],
        lifecycle(desired["untagged_days"], desired["keep_images"], desired["keep_released"]),
    )
    found = ecr.find_repository(aws, name)
    is_tagged = ecr.repository_tags(aws, found["repositoryArn"]) if found else {}
    claim(call, run, tags, [Existing("repository", name, is_tagged)] if found else [])
    if desired["state"] == "absent":
        remove(changes, "repository", found is not None, partial(ecr.delete_repository, aws, name, with_images=False))
        return _answer(changes, found)
    if found is None:
        first = {**tags, **desired["first_tags"]}
        create = partial(ecr.create_repository, aws, name, mutability, scan, desired["kms_key_arn"], first)
        changes.want("repository", None, name, create)
        if policy is not None:
            changes.want("lifecycle_policy", None, policy, partial(ecr.set_lifecycle_policy, aws, name, policy))
        return _answer(changes, None if call.check_mode else ecr.find_repository(aws, name))
    _refuse_other_encryption(name, desired["kms_key_arn"], found.get("encryptionConfiguration") or {})
    changes.want(
        "immutable_tags", found["imageTagMutability"], mutability, partial(ecr.set_mutability, aws, name, mutability)
    )
    scans = bool(found.get("imageScanningConfiguration", {}).get("scanOnPush"))
    changes.want("scan_on_push", scans, scan, partial(ecr.set_scan_on_push, aws, name, scan))
    known = ecr.lifecycle_policy(aws, name)
    changes.want("lifecycle_policy", known, policy, partial(ecr.set_lifecycle_policy, aws, name, policy))
    arn = found["repositoryArn"]
    # Several services may share a repository: each would write its own name again.
    tags |= {key: is_tagged.get(key, value) for key, value in desired["first_tags"].items()}
    calls = TagCalls(lambda: is_tagged, partial(ecr.tag_repository, aws, arn), partial(ecr.untag_repository, aws, arn))
    put_tags_right(changes, {**desired, "tags": tags}, calls)
    return _answer(changes, found)


def lifecycle(untagged_days: int, keep_images: int, keep_released: int) -> dict[str, Any] | None:
    """Expire what no tag names after some days, and images beyond a number. 0 switches a rule off.

    ECR lets no rule expire an image whose tags match a rule of higher priority: the first rule is what keeps released
    images from the others, however many builds follow them.
    """
    rules: list[dict[str, Any]] = []
    if keep_released:
        rules.append(
            {
                "description": f"all but the {keep_released} newest that were released",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPrefixList": [RELEASED_PREFIX],
                    "countType": "imageCountMoreThan",
                    "countNumber": keep_released,
                },
            }
        )
    if untagged_days:
        rules.append(
            {
                "description": f"images without a tag, after {untagged_days} days",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": untagged_days,
                },
            }
        )
    if keep_images:
        # ECR takes them away with the image that they refer to, and counts them as images until then.
        listed = keep_images + keep_released
        rules.append(
            {
                "description": f"lists of parts (SBOM) beyond those of {listed} images",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPrefixList": [SBOM_PREFIX],
                    "countType": "imageCountMoreThan",
                    "countNumber": listed,
                },
            }
        )
        rules.append(
            {
                "description": f"all but the {keep_images} newest",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep_images},
            }
        )
    if not rules:
        return None
    return {
        "rules": [
            {"rulePriority": priority, **rule, "action": {"type": "expire"}} for priority, rule in enumerate(rules, 1)
        ]
    }


def _refuse_other_encryption(name: str, desired: str | None, found: dict[str, Any]) -> None:
    if desired and found.get("kmsKey") != desired:
        raise Failure(
            f"Repository {name} is encrypted with {found.get('kmsKey') or 'AES256'}; the inventory says {desired}. ECR cannot change "
            "the encryption of a repository that exists: move the images to one with another name."
        )


def _answer(changes: Changes, found: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "repository_uri": found["repositoryUri"] if found else None,
        "repository_arn": found["repositoryArn"] if found else None,
    }
