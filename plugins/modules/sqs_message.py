#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sqs_message
short_description: Delete a received SQS message, or hand it back
version_added: 0.2.0
description:
  - Ends the work on a message that was received from a queue.
  - It reports a change each time, because SQS does not tell whether the message was there.
seealso:
  - module: pear.fargate.bluegreen_rollback
author:
  - pear.fargate contributors (@pear-fargate)
options:
  queue_url:
    description: URL of the queue.
    type: str
    required: true
  receipt_handle:
    description: Receipt handle of the message, as it was received last.
    type: str
    required: true
  outcome:
    description:
      - V(done) deletes the message.
      - V(retry) hands it back, so that it is received again at once. The queue's C(maxReceiveCount) says how often before it becomes a
        dead letter.
    type: str
    choices: [done, retry]
    default: done
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: The alarm was dealt with
  pear.fargate.sqs_message:
    queue_url: https://sqs.eu-central-1.amazonaws.com/123456789012/production-rollbacks
    receipt_handle: "{{ rollback_message.receipt_handle }}"

- name: It was not, and is to be tried again
  pear.fargate.sqs_message:
    queue_url: https://sqs.eu-central-1.amazonaws.com/123456789012/production-rollbacks
    receipt_handle: "{{ rollback_message.receipt_handle }}"
    outcome: retry
"""

RETURN = r"""
outcome:
  description: What was done with the message.
  returned: always
  type: str
  sample: done
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.sqs_message import run

ARGUMENT_SPEC = {
    "queue_url": {"type": "str", "required": True},
    "receipt_handle": {"type": "str", "required": True, "no_log": False},
    "outcome": {"type": "str", "choices": ["done", "retry"], "default": "done"},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
