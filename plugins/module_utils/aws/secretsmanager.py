# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Secrets Manager: whether a secret exists, its version, and the one value that ELB has to be given: a login's client secret."""

from __future__ import annotations

from .errors import Failure, aws_call
from .session import Aws


@aws_call("look for a secret")
def secret_exists(aws: Aws, arn: str) -> bool:
    client = aws.client("secretsmanager")
    try:
        return "DeletedDate" not in client.describe_secret(SecretId=arn)
    except client.exceptions.ResourceNotFoundException:
        return False


@aws_call("look for the current version of a secret")
def current_version(aws: Aws, arn: str) -> str:
    """The id of its current version: what tells that a value has changed, without the value."""
    stages = aws.client("secretsmanager").describe_secret(SecretId=arn).get("VersionIdsToStages", {})
    return next((version for version, names in stages.items() if "AWSCURRENT" in names), "")


@aws_call("read the client secret of the login")
def text(aws: Aws, arn: str, version: str) -> str:
    found = aws.client("secretsmanager").get_secret_value(SecretId=arn, VersionId=version)
    if "SecretString" not in found:
        raise Failure(f"Secret {arn} holds bytes and no text.")
    return str(found["SecretString"])
