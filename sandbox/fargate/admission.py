"""How many containers are started at once: several where the machine keeps up, one by one where it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.2
AT_MOST = 6
_LATE = 1.5
_VERY_LATE = 3.0


class Admission:
    """A gate before every start; how many it lets in is asked anew while starts wait."""

    def __init__(self, allowed: Callable[[], int]) -> None:
        self._allowed = allowed
        self._changed = threading.Condition()
        self._starting = 0

    @contextmanager
    def start(self) -> Iterator[None]:
        with self._changed:
            while self._starting >= max(1, self._allowed()):
                self._changed.wait(_LOOK_SECONDS)
            self._starting += 1
        try:
            yield
        finally:
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()


def allowed(stretch: float) -> int:
    """How many starts at once a machine that is so much slower than planned is asked for."""
    if stretch >= _VERY_LATE:
        return 1
    return 2 if stretch >= _LATE else AT_MOST
