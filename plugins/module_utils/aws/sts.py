# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Security Token Service: one function per call."""

from __future__ import annotations

from .errors import aws_call
from .session import Aws


@aws_call("find out who calls (sts:GetCallerIdentity)")
def caller(aws: Aws) -> dict[str, str]:
    answer = aws.client("sts", probe=True).get_caller_identity()
    return {"account": answer["Account"], "arn": answer["Arn"]}
