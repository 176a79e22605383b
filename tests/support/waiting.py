"""Waiting in tests: for as long as a busy machine may need, with the last answer in the failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(what: Callable[[], Any], timeout: float = 180.0, message: str = "") -> Any:
    """Ask until the answer is truthy; fail with the last answer."""
    deadline = time.monotonic() + timeout
    while not (answer := what()):
        assert time.monotonic() < deadline, f"{message or 'never came true'}: last answer {answer!r}"
        time.sleep(0.2)
    return answer
