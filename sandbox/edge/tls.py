"""TLS contexts of the listeners: certificates chosen by server name, versions by security policy."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from .state import Certificate, Listener

_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def server_context(listener: Listener, certificates: dict[str, Certificate]) -> ssl.SSLContext:
    """The context of a listener: its first certificate by default, another where a name of it fits better."""
    contexts = [
        (certificates[arn].names, _context(listener, certificates[arn]))
        for arn in listener.certificates
        if arn in certificates
    ]
    if not contexts:
        raise ValueError(f"listener {listener.arn} has no certificate that can be served")
    default = contexts[0][1]

    def by_name(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        found = next(
            (context for names, context in contexts if name and any(covers(known, name) for known in names)), None
        )
        if found is not None:
            connection.context = found

    default.sni_callback = by_name
    return default


def covers(pattern: str, name: str) -> bool:
    """Whether a certificate's name is this host's; a wildcard stands for one label."""
    pattern, name = pattern.lower(), name.lower().rstrip(".")
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


def _context(listener: Listener, certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[listener.tls_protocols[0]]
    context.maximum_version = _VERSIONS[listener.tls_protocols[-1]]
    if listener.protocol == "HTTPS":
        context.set_alpn_protocols(["http/1.1"])
    # Python loads keys from files only: one that is gone again at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
        Path(both.name).chmod(0o600)
        both.write(certificate.key + "\n" + certificate.chain)
        both.flush()
        context.load_cert_chain(both.name)
    return context
