# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Graphs of what the program itself counts: its requests, as the collector delivers them, and what the inventory names. Pure.

The program's metrics have the dimension service: both colours add up. What each colour answers, the load balancer counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .collector import DIMENSION, Watched, namespace
from .widgets import graph

_DURATIONS, _REQUESTS, _STATUS = "http_request_duration_seconds", "http_requests_total", "status"
# SEARCH looks for whole words: what a server of HTTP answers with in its trouble.
_ERRORS = " OR ".join(f'"{status}"' for status in (500, 501, 502, 503, 504))


@dataclass(frozen=True)
class Program:
    """The metrics of a service's program."""

    namespace: str
    service: str
    # A histogram of the seconds that requests take.
    durations: str = _DURATIONS
    # Whether it arrives with values, as an exponential histogram sent over OTLP does. One that is scraped has its count and sum.
    percentiles: bool = False
    # A counter of requests with the label status; empty where that label is no dimension.
    requests: str = ""


def program_of(settings: Mapping[str, Any], watched: Watched) -> Program | None:
    """None where no collector delivers what the program counts."""
    if not settings.get("enabled"):
        return None
    by_status = [_STATUS] in [list(labels) for labels in settings.get("dimensions") or []]
    return Program(
        namespace(settings, watched),
        watched.service,
        settings.get("duration_metric") or _DURATIONS,
        bool(settings.get("duration_percentiles")),
        (settings.get("request_metric") or _REQUESTS) if by_status else "",
    )


def program_graphs(program: Program, region: str) -> list[dict[str, Any]]:
    rate = {"expression": "requests / PERIOD(requests)", "id": "rate", "label": "requests a second"}
    hidden = _line(program, "SampleCount", {"id": "requests", "visible": False})
    statistics = (*(("p95", "p99") if program.percentiles else ()), "Average")
    latency = [_line(program, statistic, {"label": statistic.lower()}) for statistic in statistics]
    title = "Program: latency in seconds" if program.percentiles else "Program: average latency in seconds"
    found = [
        graph(region, "Program: requests a second", [[rate], hidden]),
        graph(region, title, latency),
    ]
    return [*found, _error_share(program, region)] if program.requests else found


def own_graphs(graphs: Sequence[Mapping[str, Any]], of_program: str, service: str, region: str) -> list[dict[str, Any]]:
    """The graphs of the inventory. A metric is one that the collector delivers from the program, unless it says otherwise."""
    return [
        graph(region, wanted["title"], [_own_line(metric, of_program, service) for metric in wanted["metrics"]])
        for wanted in graphs
    ]


def _own_line(metric: Mapping[str, Any], of_program: str, service: str) -> list[Any]:
    dimensions = metric.get("dimensions")
    dimensions = {DIMENSION: service} if dimensions is None else dimensions
    return [
        metric.get("namespace") or of_program,
        metric["metric"],
        *(part for pair in dimensions.items() for part in pair),
        {"stat": metric.get("statistic") or "Sum", "label": metric.get("label") or metric["metric"]},
    ]


def _line(program: Program, statistic: str, options: Mapping[str, Any]) -> list[Any]:
    place = [program.namespace, program.durations, DIMENSION, program.service]
    return [*place, {"stat": statistic, **options}]


def _error_share(program: Program, region: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html"""
    all_of = f'{{"{program.namespace}",{DIMENSION},{_STATUS}}} MetricName="{program.requests}" {DIMENSION}="{program.service}"'
    total, errors = (f"SUM(SEARCH('{what}', 'Sum', 60))" for what in (all_of, f"{all_of} {_STATUS}=({_ERRORS})"))
    share = {"expression": f"100 * {errors} / {total}", "id": "share", "label": "percent of requests"}
    return graph(region, "Program: share of errors 5xx", [[share]])
