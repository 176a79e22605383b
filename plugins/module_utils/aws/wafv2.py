# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS WAF: one function per call."""

from __future__ import annotations

from .errors import aws_call, is_code
from .session import Aws


@aws_call("read the web ACL of {arn}")
def web_acl(aws: Aws, arn: str) -> str | None:
    """ARN of the WAF's web ACL in front of it; None where it has none."""
    client = aws.client("wafv2")
    try:
        return client.get_web_acl_for_resource(ResourceArn=arn).get("WebACL", {}).get("ARN")
    except client.exceptions.ClientError as cause:
        if is_code(cause, "WAFNonexistentItemException"):
            return None
        raise


@aws_call("put web ACL {web_acl_arn} in front of {arn}")
def set_web_acl(aws: Aws, arn: str, web_acl_arn: str) -> None:
    """An empty ARN takes away the one that is there."""
    client = aws.client("wafv2")
    if web_acl_arn:
        client.associate_web_acl(WebACLArn=web_acl_arn, ResourceArn=arn)
    else:
        client.disassociate_web_acl(ResourceArn=arn)
