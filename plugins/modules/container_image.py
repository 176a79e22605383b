#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: Build an image or look it up in ECR
version_added: 0.1.0
description:
  - Builds an image with podman, buildah or docker and pushes it, unless ECR already has its tag.
  - If O(tag) is omitted, the tag is derived from the content of the build, so that an unchanged source tree is never built twice.
  - With O(image), looks up the digest of a prebuilt image and builds nothing. An image of this account's ECR, of another account's, or of
    any other registry.
seealso:
  - module: pear.fargate.ecr_repository
author:
  - pear.fargate contributors (@pear-fargate)
options:
  repository:
    description: Name of the ECR repository.
    type: str
    required: true
  image:
    description:
      - A prebuilt image, by tag or digest. A name without a registry is one of this account's ECR.
      - Tags of other registries are read as anybody, or with what C(podman login) or C(docker login) left on the controller. Proxies
        are those of E(HTTPS_PROXY) and E(NO_PROXY).
    type: str
  context:
    description: Directory of the build.
    type: str
    default: .
  containerfile:
    description: Build file below O(context). The default is V(Containerfile) or V(Dockerfile).
    type: str
  args:
    description: Build arguments.
    type: dict
    default: {}
  version_arg:
    description: Build argument that receives the tag.
    type: str
  labels:
    description: Labels of the image.
    type: dict
    default: {}
  tag:
    description: Tag to build or to look up.
    type: str
  platform:
    description: Platform to build for, such as V(linux/arm64).
    type: str
  engine:
    description: Container engine that builds and pushes.
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
    description:
      - Limits for the findings of the image's scan in ECR, basic or enhanced, which is waited for. An image with more findings is refused
        before it is marked.
      - Without limits there is no gate.
    type: dict
    suboptions:
      limits:
        description: Maximum number of findings by severity. Other severities have no limit.
        type: dict
        default: {}
      ignore:
        description: Findings to ignore, with the reason of each.
        type: dict
        default: {}
      without_result:
        description: Whether an image without a scan result fails, or passes with a warning. Scanning may be off, or not support the image.
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
extends_documentation_fragment:
  - pear.fargate.attributes.no_diff
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
  description: Digest of the artifact with the image's parts; null in check mode if it would be created.
  returned: with O(sbom_command)
  type: str
  sample: sha256:7c5d0b2f9e
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
      description: Its digest; null in check mode if it would be built.
      type: str
    reference:
      description: Repository and digest.
      type: str
how:
  description: Whether the image was built, found or looked up, as a sentence.
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
