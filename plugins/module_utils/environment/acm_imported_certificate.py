# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a certificate of one's own in ACM: imported once, imported again in its place when it changes."""

from __future__ import annotations

from typing import Any

from ..aws import acm
from ..common.invocation import Invocation


def run(call: Invocation) -> dict[str, Any]:
    """Return the certificate's ARN. It is found again by its tag Name, so that listeners keep it when it is renewed."""
    wanted, aws = call.params, call.aws
    tags = {**wanted["tags"], "Name": wanted["name"]}
    arn = _find(call)
    pem = (wanted["certificate"].strip(), (wanted["chain"] or "").strip())
    changed = arn is None or acm.get_certificate(aws, arn) != pem
    if changed and not call.check_mode:
        arn = acm.import_certificate(
            aws, arn, wanted["certificate"], wanted["private_key"], wanted["chain"] or "", tags
        )
    return {"changed": changed, "certificate_arn": arn}


def _find(call: Invocation) -> str | None:
    for summary in acm.certificates(call.aws):
        arn: str = summary["CertificateArn"]
        # Newer answers name the type at once; where it is missing the tags decide alone.
        if summary.get("Type", "IMPORTED") == "IMPORTED" and acm.tags(call.aws, arn).get("Name") == call.params["name"]:
            return arn
    return None
