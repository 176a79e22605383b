"""Connections to a game of TCP: one that is kept, and new ones again and again."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

# Where a game listens, and its load balancer.
PORT = 7000


class Connection:
    """One connection of a client, which asks over it again and again."""

    def __init__(self, address: str) -> None:
        self._socket = socket.create_connection((address, PORT), timeout=20)
        self._answers = self._socket.makefile("r")

    def ask(self) -> str:
        self._socket.sendall(b"who\n")
        answer = self._answers.readline().strip()
        if not answer:
            raise ConnectionError("the connection was ended without an answer")
        return answer

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Asked(Protocol):
    """A service that answers a new connection."""

    def ask(self) -> str: ...


@contextmanager
def asked(game: Asked, threads: int = 3) -> Iterator[Counter[str]]:
    """New connections, again and again: answers and failures, counted."""
    ended, found = threading.Event(), Counter[str]()

    def ask() -> None:
        while not ended.wait(0.05):
            try:
                found[game.ask()] += 1
            except OSError as failed:
                found[f"failed: {failed!r}"] += 1

    running = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for thread in running:
            thread.join()
