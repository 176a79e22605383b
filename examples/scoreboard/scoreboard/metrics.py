"""Counters and histograms in Prometheus' text format."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Requests by method, route and status; their durations; scores taken; spans sent and lost."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[str, list[int]] = {}
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._totals: Counter[str] = Counter()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            self._durations.setdefault(route, [0] * len(_BOUNDS))[bisect_left(BUCKETS, seconds)] += 1
            self._sums[route] += seconds

    def scored(self) -> None:
        self._add("scores", 1)

    def spans_sent(self, count: int) -> None:
        self._add("spans_sent", count)

    def spans_lost(self, count: int) -> None:
        self._add("spans_lost", count)

    def text(self) -> str:
        with self._lock:
            lines = [
                *_family("http_requests_total", "counter", "Requests answered."),
                *(
                    _sample("http_requests_total", count, method=method, route=route, status=str(status))
                    for (method, route, status), count in sorted(self._requests.items())
                ),
                *_family("http_request_duration_seconds", "histogram", "Time from request line to answer."),
                *(line for route in sorted(self._durations) for line in self._histogram(route)),
            ]
            for name, key, meaning in (
                ("scores_total", "scores", "Scores taken."),
                ("trace_spans_sent_total", "spans_sent", "Spans that the collector took."),
                (
                    "trace_spans_lost_total",
                    "spans_lost",
                    "Spans lost: the queue was full or the collector did not answer.",
                ),
            ):
                lines += [*_family(name, "counter", meaning), _sample(name, self._totals[key])]
            lines += [
                *_family("build_info", "gauge", "The version that runs."),
                _sample("build_info", 1, version=self._version),
            ]
        return "\n".join(lines) + "\n"

    def _add(self, name: str, count: int) -> None:
        with self._lock:
            self._totals[name] += count

    def _histogram(self, route: str) -> list[str]:
        name, lines, total = "http_request_duration_seconds", [], 0
        for bound, count in zip(_BOUNDS, self._durations[route], strict=True):
            total += count
            lines.append(_sample(f"{name}_bucket", total, route=route, le=bound))
        return [
            *lines,
            _sample(f"{name}_sum", round(self._sums[route], 6), route=route),
            _sample(f"{name}_count", total, route=route),
        ]


def _family(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _sample(name: str, value: float, **labels: str) -> str:
    pairs = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}" if pairs else f"{name} {value}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
