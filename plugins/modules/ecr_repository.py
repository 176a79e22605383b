#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_repository
short_description: Manage an ECR repository
version_added: 0.1.0
description:
  - Manages an ECR repository with tag immutability, scanning, encryption, lifecycle policy and tags.
  - M(community.aws.ecs_ecr) supports neither tags nor encryption.
  - With O(state=absent) it is removed. ECR refuses to remove a repository that has images.
seealso:
  - module: pear.fargate.container_image
  - module: pear.fargate.ecr_registry_settings
  - module: community.aws.ecs_ecr
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the repository.
    type: str
    required: true
  immutable_tags:
    description: Whether tags are immutable.
    type: bool
    default: true
  scan_on_push:
    description: Whether each pushed image is scanned.
    type: bool
    default: true
  untagged_days:
    description: Days after which untagged images expire. V(0) keeps them.
    type: int
    default: 14
  keep_images:
    description: Number of images to keep; older ones expire. V(0) keeps all.
    type: int
    default: 200
  keep_released:
    description:
      - Images that were released stay, but for those beyond this number, whatever O(keep_images) says; V(0) gives them no such place.
      - M(pear.fargate.container_image) marks them by a tag that begins with C(released-).
    type: int
    default: 100
  kms_key_arn:
    description: ARN of the repository's KMS key. The default is AES-256 with a key of ECR.
    type: str
  first_tags:
    description:
      - Tags that are written where they are missing, and left as they are otherwise, such as the name of the first of several
        services.
    type: dict
    default: {}
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: A repository for the scoreboard
  pear.fargate.ecr_repository:
    name: scoreboard
"""

RETURN = r"""
repository_uri:
  description: URI of the repository; null in check mode if it would be created.
  returned: always
  type: str
  sample: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard
repository_arn:
  description: ARN of the repository.
  returned: always
  type: str
  sample: arn:aws:ecr:eu-central-1:123456789012:repository/scoreboard
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.image.ecr_repository import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "immutable_tags": {"type": "bool", "default": True},
    "scan_on_push": {"type": "bool", "default": True},
    "untagged_days": {"type": "int", "default": 14},
    "keep_images": {"type": "int", "default": 200},
    "keep_released": {"type": "int", "default": 100},
    "kms_key_arn": {"type": "str", "no_log": False},
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
    "first_tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
