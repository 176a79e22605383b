#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: An image in ECR, known by its digest
version_added: 0.1.0
description:
  - Builds an image with podman, buildah or docker and pushes it, unless ECR holds its tag already.
  - Without O(tag) the tag is derived from everything that goes into the build, so that an unchanged source tree is never built twice.
  - With O(image) nothing is built; the digest of a prebuilt image is looked up.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  repository:
    description: Name of the ECR repository.
    type: str
    required: true
  image:
    description: A prebuilt image, by tag or digest.
    type: str
  context:
    description: Directory of the build.
    type: str
    default: .
  containerfile:
    description: File with the build's steps, below O(context); V(Containerfile) or V(Dockerfile) where it is not given.
    type: str
  args:
    description: Build arguments.
    type: dict
    default: {}
  version_arg:
    description: Build argument that is given the tag.
    type: str
  labels:
    description: Labels of the image.
    type: dict
    default: {}
  tag:
    description: Tag to build, or to look up.
    type: str
  platform:
    description: Platform to build for, such as V(linux/arm64).
    type: str
  engine:
    description: What builds and pushes.
    type: str
    choices: [auto, podman, buildah, docker]
    default: auto
  isolation:
    description: How podman and buildah isolate build steps; V(chroot) needs the least privileges.
    type: str
    choices: [oci, rootless, chroot]
  mark_released:
    description:
      - Whether an image of this account's ECR is given a tag that begins with C(released-), which a lifecycle policy of
        M(pear.fargate.ecr_repository) knows it by. Once per image.
    type: bool
    default: false
  scan_gate:
    description: What the image's scan may have found for it to pass, as M(pear.fargate.ecr_scan_gate) judges it. No gate without limits.
    type: dict
    suboptions:
      limits:
        description: How many findings of a severity may be there, by its name.
        type: dict
        default: {}
      ignore:
        description: Names of findings that do not count, each with the reason.
        type: dict
        default: {}
      without_result:
        description: What becomes of an image that has no result.
        type: str
        choices: [fail, pass]
        default: fail
      timeout_seconds:
        description: Seconds to wait for a scan.
        type: int
        default: 300
  sbom_command:
    description:
      - A command that prints the parts of an image that was built here, as CycloneDX or SPDX in JSON; C({archive}) in it is replaced with
        the path of the image's archive, in the format of C(docker save).
      - With syft V([syft, scan, 'docker-archive:{archive}', --output, cyclonedx-json]), with trivy
        V([trivy, image, --input, '{archive}', --format, cyclonedx]).
      - The list is kept in ECR as an artifact that refers to the image, which C(oras discover) and C(aws ecr list-image-referrers) find. An
        image that has one is left alone.
    type: list
    elements: str
    default: []
attributes:
  action:
    description: Runs on the controller.
    support: full
  check_mode:
    description: Says whether an image would be built.
    support: full
  diff_mode:
    description: An image has no diff worth reading.
    support: none
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Build the scoreboard
  pear.fargate.container_image:
    repository: scoreboard
    context: examples/scoreboard
    version_arg: APP_VERSION
  register: built

- name: A prebuilt image by tag
  pear.fargate.container_image:
    repository: scoreboard
    image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard:1.4.2
"""

RETURN = r"""
sbom:
  description: Digest of the artifact with the image's parts; null in check mode where it would be made.
  returned: with O(sbom_command)
  type: str
scan:
  description: Findings that count, by severity.
  returned: with a gate
  type: dict
  sample: {MEDIUM: 3}
image:
  description: The image as it is deployed.
  returned: always
  type: dict
  contains:
    repository_uri:
      description: Repository of the image.
      type: str
    tag:
      description: Its tag.
      type: str
    digest:
      description: Its digest; null in check mode where it would be built.
      type: str
    reference:
      description: Repository and digest.
      type: str
how:
  description: Where the image comes from, in words.
  returned: always
  type: str
  sample: built and pushed with podman
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.image.container_image import run

ARGUMENT_SPEC = {
    "repository": {"type": "str", "required": True},
    "image": {"type": "str"},
    "context": {"type": "str", "default": "."},
    "containerfile": {"type": "str"},
    "args": {"type": "dict", "default": {}},
    "version_arg": {"type": "str"},
    "labels": {"type": "dict", "default": {}},
    "tag": {"type": "str"},
    "platform": {"type": "str"},
    "engine": {"type": "str", "choices": ["auto", "podman", "buildah", "docker"], "default": "auto"},
    "isolation": {"type": "str", "choices": ["oci", "rootless", "chroot"]},
    "mark_released": {"type": "bool", "default": False},
    "scan_gate": {
        "type": "dict",
        "options": {
            "limits": {"type": "dict", "default": {}},
            "ignore": {"type": "dict", "default": {}},
            "without_result": {"type": "str", "choices": ["fail", "pass"], "default": "fail"},
            "timeout_seconds": {"type": "int", "default": 300},
        },
    },
    "sbom_command": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
