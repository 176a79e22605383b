"""Two hundred services at once in one run, against the time that AWS's rates need for the calls that it made."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.laws.rates import QUOTAS, Quota

from .many import Fleet
from .measure import Row, row
from .stage import ROOT, Stage

_COMMAND = "make bench"
SERVICES = 200


def bound(calls: Iterable[str], throttled: Counter[str]) -> float:
    """Seconds that the slowest bucket needs for the calls that it took, from a full one on."""
    taken: Counter[tuple[str, Quota, str]] = Counter()
    for name, number in (Counter(calls) - throttled).items():
        service, _, operation = name.partition(":")
        quota = next((quota for quota in QUOTAS.get(service, ()) if quota.concerns(operation)), None)
        if quota is not None:
            taken[service, quota, operation if quota.each else ""] += number
    return max(max(0.0, number - quota.burst) / quota.sustained for (_, quota, _), number in taken.items())


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    """One run, however many are asked for: it lasts minutes, and its bound is known."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        fleet = Fleet(stage, Path(folder), SERVICES, "quota")
        calls, throttled = len(stage.calls()), Counter(stage.throttled())
        seconds, _cpu = fleet.release(SERVICES, "--forks", str(SERVICES))
        refused = Counter(stage.throttled()) - throttled
        least = bound(stage.calls()[calls:], refused)
    print(f"  {seconds:.0f} s, bound {least:.0f} s; throttled and repeated: {dict(refused) or 'none'}", flush=True)
    yield row(f"{SERVICES} services at once: wall time, against AWS's rates", 1.5, _COMMAND, [(seconds, least)])
