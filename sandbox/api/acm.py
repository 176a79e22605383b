"""ACM: an imported certificate comes back with the chain it was given, and with no other; CloudWatch is told of its end."""

from __future__ import annotations

import time
from typing import Any

from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

NAMESPACE = "AWS/CertificateManager"
# https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html
_SAMPLE_SECONDS, _DAY = 43_200, 86_400


class DaysToExpiry:
    """Tells twice a day of CloudWatch's time how many days each certificate has left; nothing of one that has expired."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        pause = sandbox.metrics.of(sandbox.settings.region).seconds(_SAMPLE_SECONDS)
        self._loop = Periodic("certificates", pause, lambda: self.sample(time.time()))

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def sample(self, now: float) -> None:
        # Looked up for each sample: restoring a snapshot replaces the store.
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        with self._sandbox.lock:
            bundles = self._sandbox.backend("acm").list_certificates(["ISSUED"], {})
            ends = {bundle.arn: bundle.describe()["Certificate"]["NotAfter"] for bundle in bundles}
        for arn, end in ends.items():
            if end > now:
                metric = Metric.of(NAMESPACE, "DaysToExpiry", {"CertificateArn": arn})
                store.add(metric, now, sampled((end - now) // _DAY))
        store.told_until(NAMESPACE, now)


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

    sandbox.starts.append(DaysToExpiry(sandbox).start)
