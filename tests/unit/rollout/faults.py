"""Which of many cases a run takes: a tenth, evenly spread; fewer in `make test`; all with PEAR_FAULTS=all (`make faults`)."""

from __future__ import annotations

import os
from collections.abc import Iterator

ALL = os.environ.get("PEAR_FAULTS") == "all"
SAMPLE = 15 if os.environ.get("PEAR_TESTS") == "first" else 10


def sampled(calls: int, offset: int = 0) -> Iterator[int]:
    """Numbers of calls, from 1; the offset makes samples of different tests differ."""
    yield from range(1, calls + 1) if ALL else range(1 + offset % SAMPLE, calls + 1, SAMPLE)
