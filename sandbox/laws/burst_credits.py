"""Burst credits of a file system of EFS in the throughput mode bursting: what it begins with, earns and spends.

https://docs.aws.amazon.com/efs/latest/ug/performance.html#bursting
"""

from __future__ import annotations

_KIB, _MIB, _GIB, _TIB = 2**10, 2**20, 2**30, 2**40
# A new file system begins with the most that one of less than 1 TiB may have.
FIRST = 2.1 * _TIB


def baseline(stored: int) -> float:
    """Bytes a second that a file system of this size may move for ever, and that it earns."""
    return max(_MIB, 50 * _KIB * stored / _GIB)


def balance(before: float, seconds: float, stored: int, moved: int) -> float:
    """The credits after so many seconds in which so many bytes were moved."""
    most = FIRST * max(1.0, stored / _TIB)
    return max(0.0, min(most, before + baseline(stored) * seconds) - moved)
