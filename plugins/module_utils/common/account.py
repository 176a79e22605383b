# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The account that an inventory is for: credentials of another one are refused before anything else is read or written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..aws import sts
from ..aws.errors import Failure
from ..aws.session import Aws

VARIABLE = "environment_account"
_ACCOUNT = re.compile(r"[0-9]{12}")


def account_of(value: Any) -> str:
    """The account that the inventory names; empty where it names none, and nothing is checked."""
    account = "" if value is None else str(value).strip()
    if account and not _ACCOUNT.fullmatch(account):
        raise Failure(
            f"environment_account is {account}, and an account id has 12 digits: write it in quotes, since YAML reads digits "
            "after a leading 0 as another number. Nothing was changed."
        )
    return account


def refuse_other_account(aws: Aws, account: str) -> None:
    """The call needs no permission."""
    if account:
        refuse_unless(account, sts.caller(aws))


def refuse_unless(account: str, identity: Mapping[str, str]) -> None:
    if account != identity["account"]:
        raise Failure(
            f"The credentials are of account {identity['account']} ({identity['arn']}), and environment_account is {account}: nothing was "
            "changed. Use credentials of that account, or another inventory."
        )
