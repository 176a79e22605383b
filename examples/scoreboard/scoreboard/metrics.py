"""Counters and histograms in Prometheus' text format."""

from __future__ import annotations

import threading
from collections import Counter

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Labels = tuple[str, str, str]


class Metrics:
    """Requests by method, route and status; their durations; and the scores that were taken."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._requests: Counter[Labels] = Counter()
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._sums: dict[str, float] = {}
        self._scores = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, str(status)] += 1
            self._sums[route] = self._sums.get(route, 0.0) + seconds
            for bound in (*BUCKETS, float("inf")):
                if seconds <= bound:
                    self._buckets[route, bound] += 1

    def scored(self) -> None:
        with self._lock:
            self._scores += 1

    def text(self) -> str:
        with self._lock:
            lines = [
                "# HELP http_requests_total Requests answered.",
                "# TYPE http_requests_total counter",
                *(
                    f'http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
                    for (method, route, status), count in sorted(self._requests.items())
                ),
                "# HELP http_request_duration_seconds Time to answer.",
                "# TYPE http_request_duration_seconds histogram",
            ]
            for route, total in sorted(self._sums.items()):
                for bound in (*BUCKETS, float("inf")):
                    name = "+Inf" if bound == float("inf") else str(bound)
                    count = self._buckets[route, bound]
                    lines.append(f'http_request_duration_seconds_bucket{{route="{route}",le="{name}"}} {count}')
                lines.append(f'http_request_duration_seconds_sum{{route="{route}"}} {total:.6f}')
                lines.append(
                    f'http_request_duration_seconds_count{{route="{route}"}} {self._buckets[route, float("inf")]}'
                )
            lines += [
                "# HELP scores_total Scores taken.",
                "# TYPE scores_total counter",
                f"scores_total {self._scores}",
                "# HELP app_info The version that runs.",
                "# TYPE app_info gauge",
                f'app_info{{version="{self._version}"}} 1',
            ]
        return "\n".join(lines) + "\n"
