# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an imported certificate in ACM: imported once, re-imported under the same ARN when it changes."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import acm
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import is_ours
from ..common.resource import TagCalls, put_tags_right
from .absent import remove_all
from .teardown_order import Resource


def run(call: Invocation) -> dict[str, Any]:
    """Return the certificate's ARN. Ours is found by its tag Name, so that listeners keep it after a renewal."""
    desired, aws = call.params, call.aws
    tags = {**desired["tags"], "Name": desired["name"]}
    arn = _find(call)
    if desired["state"] == "absent":
        resources = [Resource("certificate", arn, f"{desired['name']} ({arn})")] if arn else []
        removed, _kept = remove_all(call, resources)
        return {"changed": bool(removed.after), "certificate_arn": arn}
    pem = (desired["certificate"].strip(), (desired["chain"] or "").strip())
    changed = arn is None or acm.get_certificate(aws, arn) != pem
    if changed and not call.check_mode:
        arn = acm.import_certificate(
            aws, arn, desired["certificate"], desired["private_key"], desired["chain"] or "", tags
        )
    changes = Changes(call.check_mode)
    if arn:
        calls = TagCalls(partial(acm.tags, aws, arn), partial(acm.tag, aws, arn), partial(acm.untag, aws, arn))
        put_tags_right(changes, {**desired, "tags": tags}, calls)
    return {"changed": changed or bool(changes.after), "certificate_arn": arn}


def _find(call: Invocation) -> str | None:
    for summary in acm.certificates(call.aws):
        arn: str = summary["CertificateArn"]
        # Newer answers name the type at once; where it is missing the tags decide alone.
        if summary.get("Type", "IMPORTED") != "IMPORTED":
            continue
        tags = acm.tags(call.aws, arn)
        # Importing into a certificate of others would replace what their listeners serve.
        if tags.get("Name") == call.params["name"] and is_ours(tags, call.params["tags"]):
            return arn
    return None
