"""Dashboards: each graph has a place of its own and metrics that exist, and shows what the environment has."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.filter.monitoring import environment_dashboard, service_dashboard

from .given import ENVIRONMENT, WHOLE

SLOS = [{"name": "availability", "target_percent": 99.9}]


def graphs(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]


def metrics(body: dict[str, Any]) -> set[tuple[str, str]]:
    lines = [line for graph in graphs(body) for line in graph["metrics"] if isinstance(line[0], str)]
    return {(line[0], line[1]) for line in lines}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(environment_dashboard(WHOLE, ["staging/*/balancer-errors"]), id="environment"),
        pytest.param(service_dashboard(ENVIRONMENT, "scores", ["staging/scores/cpu"], slos=SLOS), id="service"),
        pytest.param(service_dashboard(ENVIRONMENT, "mailer", kind="worker", queues=["mails"], slos=SLOS), id="worker"),
    ],
)
def test_no_two_widgets_lie_on_each_other(body: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken and max(x for x, _y in cells) < 24
        taken |= cells


def test_the_environment_shows_what_it_has() -> None:
    assert {namespace for namespace, _metric in metrics(environment_dashboard(WHOLE))} == {
        "AWS/ApplicationELB",
        "AWS/EFS",
        "AWS/RDS",
        "ECS/ContainerInsights",
    }
    bare = {**ENVIRONMENT, "cluster": None, "load_balancer": None}
    assert environment_dashboard(bare) == {"widgets": []}
    assert ("AWS/RDS", "FreeStorageSpace") not in metrics(
        environment_dashboard({**WHOLE, "database": {"is_cluster": True}})
    )


def test_a_service_shows_both_colours_side_by_side_and_the_load_balancers_own_errors() -> None:
    body = service_dashboard(ENVIRONMENT, "scores")
    for name in (
        "RequestCount",
        "HTTPCode_Target_5XX_Count",
        "HTTPCode_Target_4XX_Count",
        "TargetConnectionErrorCount",
    ):
        (graph,) = [found for found in graphs(body) if any(line[1] == name for line in found["metrics"])]
        colours = [line[-1]["color"] for line in graph["metrics"] if line[1] == name]
        assert len(set(colours)) == 2, name
    assert {("AWS/ApplicationELB", f"HTTPCode_ELB_{status}_Count") for status in (502, 503, 504)} <= metrics(body)
    statistics = {
        line[-1]["stat"] for graph in graphs(body) for line in graph["metrics"] if line[1] == "TargetResponseTime"
    }
    assert statistics == {"p50", "p95", "p99"}
