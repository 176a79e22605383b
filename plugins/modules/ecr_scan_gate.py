#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_scan_gate
short_description: Fail if an image's scan found too many vulnerabilities
version_added: 0.1.0
description:
  - Waits for the basic or enhanced scan of an image in ECR, and fails if its findings exceed the limits.
  - Fails if there is no scan result, unless O(without_result) permits it.
seealso:
  - module: pear.fargate.container_image
author:
  - pear.fargate contributors (@pear-fargate)
options:
  repository:
    description: Name of the repository.
    type: str
    required: true
  digest:
    description: Digest of the image.
    type: str
    required: true
  limits:
    description:
      - Maximum number of findings by severity. Other severities have no limit.
    type: dict
    required: true
  ignore:
    description: Findings to ignore, with the reason of each.
    type: dict
    default: {}
  without_result:
    description: Whether to fail, warn or pass if an image has no scan result, because scanning is off or does not support it.
    type: str
    choices: [fail, pass]
    default: fail
  timeout_seconds:
    description: Seconds to wait for a scan.
    type: int
    default: 300
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes.read_only
"""

EXAMPLES = r"""
- name: Refuse images with critical findings
  pear.fargate.ecr_scan_gate:
    repository: scoreboard
    digest: "{{ image.digest }}"
    limits: {critical: 0, high: 5}
    ignore:
      CVE-2024-0001: the library is not called with input of strangers
"""

RETURN = r"""
status:
  description: Status of the scan, as ECR names it.
  returned: always
  type: str
  sample: COMPLETE
counts:
  description: Findings that count, by severity.
  returned: always
  type: dict
  sample: {MEDIUM: 3}
ignored:
  description: Names of ignored findings.
  returned: where there is a result
  type: list
  elements: str
  sample: [CVE-2025-12345]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.image.ecr_scan_gate import run

ARGUMENT_SPEC = {
    "repository": {"type": "str", "required": True},
    "digest": {"type": "str", "required": True},
    "limits": {"type": "dict", "required": True},
    "ignore": {"type": "dict", "default": {}},
    "without_result": {"type": "str", "choices": ["fail", "pass"], "default": "fail"},
    "timeout_seconds": {"type": "int", "default": 300},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
