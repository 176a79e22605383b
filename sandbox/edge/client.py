"""A client's connection, as the load balancer sees and answers it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from .answers import Answer
from .http1 import Peer, Request
from .state import Listener, LoadBalancer, RequestView


class ClientGone(Exception):
    """The client closed while it was being answered."""


@dataclass(slots=True)
class Client:
    """One connection of a client."""

    peer: Peer
    address: str
    balancer: LoadBalancer
    listener: Listener

    async def send(self, data: bytes) -> None:
        try:
            self.peer.writer.write(data)
            await self.peer.writer.drain()
        except (ConnectionError, ssl.SSLError) as gone:
            raise ClientGone from gone

    async def answer(self, answer: Answer) -> None:
        """Send a response of the load balancer's own."""
        peer = self.peer
        head = peer.encode_response(answer.status, answer.reason, answer.headers)
        bodiless = peer.head_only or answer.status in (204, 304)
        await self.send(head + (b"" if bodiless else peer.encode(answer.body)) + peer.encode_end())


def view(client: Client, head: Request) -> RequestView:
    """What rules are matched against."""
    target, host = head.target, head.fields.get("host", "")
    if target.startswith(("http://", "https://")):
        host, slash, rest = target.partition("://")[2].partition("/")
        target = slash + rest
    path, _, query = target.partition("?")
    return RequestView(head.method, host.rsplit(":", 1)[0].lower(), path or "/", query, client.address, head.fields)
