"""Dashboards: each graph has a place of its own and metrics that exist, and shows what the environment has."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.filter.monitoring import environment_dashboard, service_dashboard
from ansible_collections.pear.fargate.plugins.filter.names import dashboard_url

from sandbox.metrics.expressions import Frame, parse
from tests.support.plays import ROOT, Player

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
        pytest.param(
            service_dashboard({**ENVIRONMENT, "cluster": {"container_insights": "enhanced"}}, "scores"),
            id="service with a graph of each task",
        ),
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


def test_what_the_program_counts_is_shown_where_a_collector_delivers_it() -> None:
    def titles(**collector: Any) -> dict[str, Any]:
        found = graphs(service_dashboard(ENVIRONMENT, "scores", collector=collector))
        return {graph["title"]: graph for graph in found if graph["title"].startswith("Program")}

    assert titles() == titles(enabled=False) == {}
    shown = titles(enabled=True)
    assert list(shown) == ["Program: requests a second", "Program: average latency in seconds"]
    place = ["staging/scores", "http_request_duration_seconds", "service", "scores"]
    # What is scraped has no percentiles: their lines would stay empty.
    average = [*place, {"stat": "Average", "label": "average"}]
    assert shown["Program: average latency in seconds"]["metrics"] == [average]
    over_otlp = titles(enabled=True, duration_percentiles=True)["Program: latency in seconds"]["metrics"]
    assert [line[:-1] for line in over_otlp] == [place] * 3
    assert [line[-1]["stat"] for line in over_otlp] == ["p95", "p99", "Average"]
    (rate,), counted = shown["Program: requests a second"]["metrics"]
    assert (counted[:-1], counted[-1]["stat"], counted[-1]["id"]) == (place, "SampleCount", "requests")
    frame = Frame({"requests": {0.0: 120.0}}, ("requests",), {"requests": 60}, (0.0,))
    assert parse(rate["expression"]).evaluate(frame) == {0.0: 2.0}


def test_the_inventory_names_graphs_of_what_the_service_is_for() -> None:
    def lines(graphs_: list[dict[str, Any]], **collector: Any) -> dict[str, Any]:
        found = graphs(service_dashboard(ENVIRONMENT, "scores", collector=collector, graphs=graphs_))
        return {graph["title"]: graph["metrics"] for graph in found}

    own = [
        {"title": "Scores a minute", "metrics": [{"metric": "scores_total", "label": "scores"}]},
        {
            "title": "Others",
            "metrics": [
                {"metric": "RejectedScores", "dimensions": {}},
                {"namespace": "Shop", "metric": "carts", "dimensions": {"a": "1", "b": "2"}, "statistic": "Maximum"},
            ],
        },
    ]
    without, shown = lines([]), lines(own)
    assert set(shown) - set(without) == {"Scores a minute", "Others"}
    scores = ["staging/scores", "scores_total", "service", "scores", {"stat": "Sum", "label": "scores"}]
    assert shown["Scores a minute"] == [scores]
    assert shown["Others"] == [
        ["staging/scores", "RejectedScores", {"stat": "Sum", "label": "RejectedScores"}],
        ["Shop", "carts", "a", "1", "b", "2", {"stat": "Maximum", "label": "carts"}],
    ]
    assert lines(own, namespace="elsewhere")["Scores a minute"] == [["elsewhere", *scores[1:]]]


def test_the_production_inventory_shows_scores_that_its_collector_delivers() -> None:
    values = yaml.safe_load((ROOT / "inventories/production/host_vars/scoreboard.yml").read_text())
    (wanted,) = values["monitoring_graphs"]
    assert f"^{wanted['metrics'][0]['metric']}$" in values["service_collector"]["metrics"]
    body = service_dashboard(
        ENVIRONMENT, "scores", collector=values["service_collector"], graphs=values["monitoring_graphs"]
    )
    assert ("staging/scores", "scores_total") in metrics(body)


def test_the_programs_share_of_errors_needs_the_status_as_a_dimension() -> None:
    settings = {"enabled": True, "namespace": "own", "request_metric": "answers", "dimensions": [["route"], ["status"]]}
    (share,) = [
        graph["metrics"][0][0]["expression"]
        for graph in graphs(service_dashboard(ENVIRONMENT, "scores", collector=settings))
        if graph["title"] == "Program: share of errors 5xx"
    ]
    searched = """SEARCH('{"own",service,status} MetricName="answers" service="scores\""""
    assert share.count(searched) == 2 and share.count('status=("500" OR "501" OR') == 1
    two = {**settings, "dimensions": [["route", "status"]]}
    shown = [graph["title"] for graph in graphs(service_dashboard(ENVIRONMENT, "scores", collector=two))]
    assert "Program: share of errors 5xx" not in shown


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
    # One task that is worse off than the others is seen in the maximum alone.
    for name in ("CPUUtilization", "MemoryUtilization"):
        lines = [line[-1] for graph in graphs(body) for line in graph["metrics"] if line[1] == name]
        assert {(line["stat"], line["color"]) for line in lines} == {
            (statistic, colour) for statistic in ("Average", "Maximum") for colour in colours
        }


def test_each_task_has_a_line_of_its_own_where_container_insights_measures_it() -> None:
    def searches(insights: str, service: str, kind: str = "web") -> dict[str, list[str]]:
        environment = {**ENVIRONMENT, "cluster": {"container_insights": insights, "name": "shared"}}
        found = graphs(service_dashboard(environment, service, kind=kind, queues=["mails"]))
        each = [graph for graph in found if graph["title"].endswith("of each task")]
        return {graph["title"]: [line[0]["expression"] for line in graph["metrics"]] for graph in each}

    assert searches("disabled", "scores") == searches("enabled", "scores") == {}
    shown = searches("enhanced", "scores")
    assert list(shown) == ["CPU in percent of each task", "Memory in percent of each task"]
    place = 'ClusterName="shared" ServiceName="scores-blue"'
    blue, green = shown["CPU in percent of each task"]
    schema = "{ECS/ContainerInsights,ClusterName,ServiceName,TaskId}"
    assert blue == f"""SEARCH('{schema} MetricName="TaskCpuUtilization" {place}', 'Average', 60)"""
    assert green == blue.replace("blue", "green")
    assert shown["Memory in percent of each task"] == [
        expression.replace("TaskCpu", "TaskMemory") for expression in (blue, green)
    ]
    (worker, _memory) = searches("enhanced", "mailer", "worker").values()
    assert len(worker) == 1, "a worker has one colour"


# --- where they are ---


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_address_of_a_dashboard_is_in_the_console_of_its_partition(region: str, host: str) -> None:
    assert dashboard_url("a-b", region) == f"https://{host}/cloudwatch/home?region={region}#dashboards/dashboard/a-b"


@pytest.mark.plays
def test_the_dashboards_are_shown_and_opened_without_a_call(tmp_path: Any) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"""#!/bin/sh\necho "$1" >> "{opened}"\n""")
    browser.chmod(0o755)
    player = Player({"BROWSER": f"{browser} %s", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, ("inventories/staging",))
    shown = player.run("playbooks/dashboard.yml", variables={"dashboard_open": True}).succeeded().output
    url = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#dashboards/dashboard/staging-eu-central-1-"
    assert [line.strip() for line in shown.splitlines() if line.strip().startswith("https")] == [
        f"{url}scoreboard",
        f"{url}Environment",
    ]
    assert opened.read_text().split() == [f"{url}scoreboard", f"{url}Environment"]
    without = player.run("playbooks/dashboard.yml", variables={"monitoring_dashboard": False}).failed()
    assert "has no dashboard" in without.output
