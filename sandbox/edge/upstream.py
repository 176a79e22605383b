"""Connections to targets, kept open between requests."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import h11

from ..lateness import Lateness, Timeout
from .http1 import HEAD_LIMIT, Peer

# ALB waits ten seconds for a connection. A task's address answers within the machine or is gone: one second tells.
CONNECT_SECONDS = 1.0
# Shorter than what common servers wait before they close an idle connection (uvicorn 5 s, node 5 s, nginx 75 s).
IDLE_SECONDS = 3.0


class ConnectFailed(OSError):
    """The target took no connection; nothing was sent, so another may be tried."""


class Connection(Peer):
    """One connection to a target; `reused` when it carried a request before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer, h11.CLIENT)
        self.reused = False
        self.idle_since = 0.0

    def usable(self) -> bool:
        fresh = time.monotonic() - self.idle_since < IDLE_SECONDS
        return fresh and not self.gone


@dataclass
class Pool:
    """Idle connections by the place they lead to."""

    lateness: Lateness
    idle: dict[tuple[str, int], list[Connection]] = field(default_factory=dict)

    async def take(self, place: tuple[str, int], fresh: bool = False) -> Connection:
        """An idle connection that still stands, or a new one. Raises ConnectFailed."""
        waiting = self.idle.get(place, [])
        while waiting and not fresh:
            connection = waiting.pop()
            if connection.usable():
                connection.reused = True
                return connection
            connection.close()
        try:
            async with Timeout(self.lateness, CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(*place, limit=HEAD_LIMIT)
        except OSError as failed:
            raise ConnectFailed(str(failed) or "connection timed out") from failed
        return Connection(reader, writer)

    def give_back(self, place: tuple[str, int], connection: Connection) -> None:
        """Keep a connection whose response is complete, unless it can carry no other or holds what nobody asked for."""
        if connection.left_over() or not connection.next_cycle():
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self.idle.setdefault(place, []).append(connection)

    def forget(self, places: set[tuple[str, int]]) -> None:
        """Close what leads to places that are no target any more."""
        for place in [place for place in self.idle if place not in places]:
            for connection in self.idle.pop(place):
                connection.close()
