"""The name server's wire: questions over UDP and TCP, answers packed; what to answer is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import DNSHandler, DNSLogger, DNSServer

from .zones import Answer, Line

PORT = 53
# What fits into a datagram without EDNS; longer answers are asked for again over TCP.
_DATAGRAM_BYTES = 512

Decide = Callable[[str, str], Answer]


class _Handler(DNSHandler):
    udplen = _DATAGRAM_BYTES


class NameServer:
    """Answers at one address, over UDP and TCP."""

    def __init__(self, address: str, decide: Decide) -> None:
        self._decide = decide
        log = DNSLogger("-request,-reply,-recv,-send,-truncated")
        self._servers = [
            DNSServer(self, address=address, port=PORT, tcp=tcp, logger=log, handler=_Handler) for tcp in (False, True)
        ]

    def start(self) -> None:
        for server in self._servers:
            server.start_thread()

    def resolve(self, request: DNSRecord, handler: Any) -> DNSRecord:
        """Called by dnslib for each question."""
        reply = request.reply(ra=0)
        kind = QTYPE.get(request.q.qtype)
        decided = self._decide(str(request.q.qname), str(kind))
        reply.header.rcode = getattr(RCODE, decided.code)
        reply.header.aa = int(decided.authoritative)
        for line in decided.lines:
            reply.add_answer(*_packed(line))
        for line in decided.authority:
            reply.add_auth(*_packed(line))
        return reply


def _packed(line: Line) -> list[RR]:
    """A line in the form of zone files, which is also Route 53's for values."""
    packed: list[RR] = RR.fromZone(f"{line.name} {line.ttl} IN {line.type} {line.value}")
    return packed
