# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Secrets Manager: whether a secret exists. No value is ever read."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws


@aws_call("look for a secret")
def secret_exists(aws: Aws, arn: str) -> bool:
    client = aws.client("secretsmanager")
    try:
        return "DeletedDate" not in client.describe_secret(SecretId=arn)
    except client.exceptions.ResourceNotFoundException:
        return False
