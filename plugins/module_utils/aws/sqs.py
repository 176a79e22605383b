# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon SQS: one function per call."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws


@aws_call("delete a message of queue {queue_url}")
def delete(aws: Aws, queue_url: str, receipt_handle: str) -> None:
    """A message that is gone already is no error: SQS answers the same."""
    aws.client("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=receipt_handle)


@aws_call("make a message of queue {queue_url} visible")
def make_visible(aws: Aws, queue_url: str, receipt_handle: str) -> None:
    aws.client("sqs").change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt_handle, VisibilityTimeout=0)
