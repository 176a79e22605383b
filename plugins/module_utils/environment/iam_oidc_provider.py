# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The identity provider of an account whose tokens roles trust. One that others made is used, and never changed."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import iam
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import is_ours
from ..common.resource import TagCalls, put_tags_right, remove


def run(call: Invocation) -> dict[str, Any]:
    """Return the provider's ARN, and whether it is ours; in check mode null where it would be created."""
    desired, aws = call.params, call.aws
    host = desired["url"].removeprefix("https://").rstrip("/")
    if not desired["url"].startswith("https://") or not host:
        raise Failure(f"url is {desired['url']!r}; it must begin with https://, as the tokens' claim iss does.")
    changes = Changes(call.check_mode)
    found = iam.oidc_provider(aws, host)
    managed = found is None or is_ours(found.tags, desired["tags"])
    if desired["state"] == "absent":
        users = _remove(call, changes, found) if found and managed else []
        return _answer(changes, found, managed, users)
    if found is None:
        changes.want("identity provider", None, host, lambda: None)
        if not call.check_mode:
            arn = iam.create_oidc_provider(aws, host, desired["audiences"], desired["tags"])
            found = iam.OidcProvider(arn, tuple(desired["audiences"]), desired["tags"])
            call.progress.line(f"identity provider {host} created")
    elif managed:
        _settle(call, changes, found)
    else:
        _use(call, found, host)
    return _answer(changes, found, managed, [])


def _remove(call: Invocation, changes: Changes, found: iam.OidcProvider) -> list[str]:
    """Remove it unless a role trusts it: the account has one for all environments."""
    users = iam.roles_trusting(call.aws, found.arn)
    if users:
        call.progress.line(f"identity provider kept: {', '.join(users)} trust it")
    remove(changes, "identity provider", not users, partial(iam.delete_oidc_provider, call.aws, found.arn))
    return users


def _settle(call: Invocation, changes: Changes, found: iam.OidcProvider) -> None:
    desired, aws = call.params, call.aws
    for audience in desired["audiences"]:
        current = audience if audience in found.audiences else None
        changes.want(f"audience {audience}", current, audience, partial(iam.add_audience, aws, found.arn, audience))
    calls = TagCalls(
        lambda: found.tags,
        partial(iam.tag_oidc_provider, aws, found.arn),
        partial(iam.untag_oidc_provider, aws, found.arn),
    )
    put_tags_right(changes, desired, calls)


def _use(call: Invocation, found: iam.OidcProvider, host: str) -> None:
    missing = [audience for audience in call.params["audiences"] if audience not in found.audiences]
    if missing:
        raise Failure(
            f"The account has an identity provider {host} that others made, without the audience {', '.join(missing)}. It was not changed. "
            f"Ask its owner to add it: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {found.arn} "
            f"--client-id {missing[0]}"
        )
    call.progress.line(f"identity provider {host}, which others made, is used as it is")


def _answer(changes: Changes, found: iam.OidcProvider | None, managed: bool, users: list[str]) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "arn": found.arn if found else None,
        "managed": managed,
        "trusted_by": users,
    }
