# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with credentials, in one sentence: what happened, and what to do. botocore's own messages do not say the second."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable

# session.py reports a missing botocore before any call.
with contextlib.suppress(ImportError):
    import botocore.session
    from botocore import exceptions as boto

_CHECK = "`aws sts get-caller-identity` shows whether it works"
_ASSUME = ("AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")


def sentence_of(cause: Exception) -> str | None:
    """The sentence without its full stop; None where credentials are not the cause."""
    for kinds, say in _SENTENCES:
        # Older versions of botocore lack some of the exceptions.
        present = tuple(getattr(boto, kind) for kind in kinds if hasattr(boto, kind))
        if isinstance(cause, present):
            return say(cause)
    if isinstance(cause, boto.ClientError) and getattr(cause, "operation_name", "") in _ASSUME:
        return _role(cause)
    return None


def _profile(cause: Exception) -> str:
    name = str(getattr(cause, "kwargs", {}).get("profile", ""))
    known = sorted(botocore.session.Session().available_profiles)
    near = difflib.get_close_matches(name, known, n=1)
    there = f"there {'is' if len(known) == 1 else 'are'} {', '.join(known)}" if known else "there is none"
    meant = f"; did you mean {near[0]}?" if near else ""
    return (
        f"This machine has no AWS profile {name!r}, which AWS_PROFILE or the option profile names ({there}{meant}). Set AWS_PROFILE to a "
        "profile that exists, or make it with `aws configure sso` or `aws configure`"
    )


def _sso(cause: Exception) -> str:
    return (
        f"The session of AWS IAM Identity Center (SSO) has expired, or was never begun ({_said(cause)}): run `aws sso login` with the same "
        "AWS_PROFILE, then this again"
    )


def _login(cause: Exception) -> str:
    return f"The session of `aws login` has expired ({_said(cause)}): run `aws login` with the same AWS_PROFILE, then this again"


def _none(cause: Exception) -> str:
    return (
        f"There are no AWS credentials ({_said(cause)}): set AWS_PROFILE or the option profile, or AWS_ACCESS_KEY_ID and "
        f"AWS_SECRET_ACCESS_KEY, or run where a role provides them; {_CHECK}"
    )


def _configuration(cause: Exception) -> str:
    return f"The AWS profile cannot be used ({_said(cause)}): correct it in ~/.aws/config; {_CHECK}"


def _role(cause: boto.ClientError) -> str:
    return (
        f"The role that the AWS profile names can't be assumed: it does not exist, or its trust policy does not admit you "
        f"({_said(cause)}). Correct role_arn of the profile in ~/.aws/config, or have the role trust this identity"
    )


def _said(cause: Exception) -> str:
    return str(cause).rstrip(".")


# The first that fits; a more special one stands before its parent.
_SENTENCES: tuple[tuple[tuple[str, ...], Callable[[Exception], str]], ...] = (
    (("ProfileNotFound",), _profile),
    (("SSOError", "TokenRetrievalError", "NoAuthTokenError", "UnknownTokenProviderError"), _sso),
    (("LoginError",), _login),
    (("NoCredentialsError", "PartialCredentialsError"), _none),
    (
        (
            "CredentialRetrievalError",
            "InvalidConfigError",
            "InfiniteLoopConfigError",
            "UnknownCredentialError",
            "ConfigParseError",
        ),
        _configuration,
    ),
)
