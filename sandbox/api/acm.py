"""ACM: an imported certificate comes back with the chain it was given, and with no other."""

from __future__ import annotations

from typing import Any

from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.acm.models import CertBundle
    from moto.acm.responses import AWSCertificateManagerResponse
    from moto.core.responses import ActionResult

    parameters = (
        "self",
        "account_id",
        "certificate",
        "private_key",
        "chain",
        "region",
        "arn",
        "cert_type",
        "cert_status",
        "cert_authority_arn",
        "cert_options",
    )

    @patch(CertBundle, "__init__", parameters)
    def keep_the_chain(original: Any, self: Any, account_id: str, *arguments: Any, **named: Any) -> None:
        original(self, account_id, *arguments, **named)
        chain = named.get("chain", arguments[2] if len(arguments) > 2 else None)
        if self.type == "IMPORTED":
            self.chain = chain or b""

    @patch(AWSCertificateManagerResponse, "get_certificate", ("self",))
    def without_an_empty_chain(original: Any, self: Any) -> Any:
        answer = original(self)
        if not answer.result["CertificateChain"]:
            return ActionResult(result={"Certificate": answer.result["Certificate"]})
        return answer
