# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon S3: one function per call."""

from __future__ import annotations

from .errors import aws_call, is_code
from .session import Aws
from .tags import tags_of


@aws_call("read the tags of bucket {name}")
def bucket_tags(aws: Aws, name: str) -> dict[str, str] | None:
    """The tags of a bucket; None where it does not exist. A bucket of another account is denied."""
    client = aws.client("s3")
    try:
        found = client.get_bucket_tagging(Bucket=name)["TagSet"]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "NoSuchBucket"):
            return None
        if is_code(cause, "NoSuchTagSet"):
            return {}
        raise
    return tags_of({"Tags": found})
