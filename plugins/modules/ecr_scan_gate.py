#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_scan_gate
short_description: Let an image pass only where its scan found no more than is allowed
version_added: 0.1.0
description:
  - Waits for the scan of an image in ECR, basic or enhanced, and fails where it found more than the limits allow.
  - What has no result does not pass, unless that is said.
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
      - How many findings of a severity may be there, by its name. Severities that are not named are not limited.
    type: dict
    required: true
  ignore:
    description: Names of findings that do not count, each with the reason.
    type: dict
    default: {}
  without_result:
    description: What becomes of an image that has no result, because nothing scans it or its kind is not supported.
    type: str
    choices: [fail, pass]
    default: fail
  timeout_seconds:
    description: Seconds to wait for a scan.
    type: int
    default: 300
attributes:
  action:
    description: Runs on the controller.
    support: full
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Nothing critical goes live
  pear.fargate.ecr_scan_gate:
    repository: scoreboard
    digest: "{{ image.digest }}"
    limits: {critical: 0, high: 5}
    ignore:
      CVE-2024-0001: the library is not called with input of strangers
"""

RETURN = r"""
status:
  description: How the scan ended, in ECR's words.
  returned: always
  type: str
counts:
  description: Findings that count, by severity.
  returned: always
  type: dict
ignored:
  description: Names of findings that were put aside.
  returned: where there is a result
  type: list
  elements: str
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
