"""Credentials that do not work: one sentence that says what happened and what to do."""

from __future__ import annotations

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import describe
from botocore import exceptions as boto


def refused(operation: str) -> boto.ClientError:
    said = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: sts:AssumeRole on resource: y"
    return boto.ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, operation)


@pytest.mark.parametrize(
    ("cause", "what", "todo"),
    [
        (boto.ProfileNotFound(profile="prod"), "has no AWS profile 'prod'", "Set AWS_PROFILE to a profile that exists"),
        (boto.UnauthorizedSSOTokenError(), "(SSO) has expired", "run `aws sso login`"),
        (boto.SSOTokenLoadError(error_msg="no token"), "(SSO) has expired", "run `aws sso login`"),
        (boto.TokenRetrievalError(provider="sso", error_msg="expired"), "(SSO) has expired", "run `aws sso login`"),
        (boto.NoCredentialsError(), "There are no AWS credentials", "set AWS_PROFILE"),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), "There are no AWS credentials", "set AWS_PROFILE"),
        (boto.InvalidConfigError(error_msg="source_profile"), "profile cannot be used", "correct it in ~/.aws/config"),
        (refused("AssumeRole"), "The role that the AWS profile names can't be assumed", "Correct role_arn"),
        (refused("DescribeClusters"), "lacks this permission", "grant it, or use another profile"),
    ],
)
def test_one_sentence_says_what_happened_and_what_to_do(cause: Exception, what: str, todo: str) -> None:
    said = describe(cause)
    assert what in said and todo in said
    assert said.endswith(".") and "\n" not in said
