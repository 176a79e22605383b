# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The dashboard of a service: what is answered, how fast, by how many, at what cost; then the log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.naming import COLOURS
from .burn_alarms import bad_and_total, budget_metrics
from .objectives import Objective
from .observed import Observed, of_further
from .program_graphs import program_graphs
from .widgets import HEIGHT, alarm_states, graph, height_of, placed, widget

_COLOUR = {"blue": "#1f77b4", "green": "#2ca02c"}
_ERRORS = "#d62728"


def body(
    observed: Observed,
    region: str,
    alarm_arns: Sequence[str] = (),
    objectives: Sequence[Objective] = (),
    own: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Body of the dashboard: alarms across the top, then error budgets, graphs in two columns, errors of the log below."""
    graphs = [
        *(_of_requests(observed, region) if observed.target_groups else _of_queues(observed, region)),
        *(program_graphs(observed.program, region) if observed.program else []),
        *own,
        *([graph(region, "Targets of further target groups", _further(observed))] if observed.further else []),
        graph(region, "CPU in percent: the average task, the busiest one", _of_all_tasks(observed, "CPUUtilization")),
        graph(
            region, "Memory in percent: the average task, the fullest one", _of_all_tasks(observed, "MemoryUtilization")
        ),
    ]
    if observed.each_task:
        graphs += [
            graph(region, f"{what} in percent of each task", _of_each_task(observed, metric))
            for what, metric in (("CPU", "TaskCpuUtilization"), ("Memory", "TaskMemoryUtilization"))
        ]
    if observed.container_insights:
        lines = [
            line
            for metric in ("DesiredTaskCount", "RunningTaskCount")
            for line in _tasks(observed, "ECS/ContainerInsights", metric, "Average")
        ]
        graphs.append(graph(region, "Tasks: desired, running", lines))
    top = alarm_states(alarm_arns) if alarm_arns else []
    below = sum(widget["height"] for widget in top)
    if observed.target_groups and objectives:
        budgets = [widget("metric", _budget(observed, region, objective)) for objective in objectives]
        top += placed(budgets, below)
        below += height_of(budgets)
    bottom = below + height_of(graphs)
    return {"widgets": [*top, *placed(graphs, below), _log(observed, region, bottom)]}


def _of_requests(observed: Observed, region: str) -> list[dict[str, Any]]:
    return [
        graph(region, "Requests a minute", _targets(observed, "RequestCount", "Sum"), stacked=True),
        graph(region, "Answers 5xx a minute", _targets(observed, "HTTPCode_Target_5XX_Count", "Sum")),
        graph(region, "Answers 4xx a minute", _targets(observed, "HTTPCode_Target_4XX_Count", "Sum")),
        graph(region, "Errors of the load balancer itself a minute, of all services", _own_errors(observed)),
        graph(
            region,
            "Latency in seconds: p50, p95, p99",
            [
                line
                for statistic in ("p50", "p95", "p99")
                for line in _targets(observed, "TargetResponseTime", statistic)
            ],
        ),
        graph(
            region,
            "Targets",
            [
                *_targets(observed, "HealthyHostCount", "Minimum"),
                *_targets(observed, "UnHealthyHostCount", "Maximum", colour=_ERRORS),
            ],
        ),
    ]


def _budget(observed: Observed, region: str, objective: Objective) -> dict[str, Any]:
    bad, total = bad_and_total(objective)
    allowed = f"({total} * {objective.allowed_percent / 100:g} + ({total} < 1))"
    left = {"expression": f"100 - 100 * ({bad}) / {allowed}", "id": "left", "label": "percent of the budget left"}
    metrics = [
        [
            metric["namespace"],
            metric["metric"],
            *(part for pair in metric["dimensions"].items() for part in pair),
            {"id": metric["id"], "stat": metric["statistic"], "visible": False},
        ]
        for metric in budget_metrics(observed, objective)
    ]
    return {
        "title": f"Error budget: {objective.promise}",
        "region": region,
        "view": "gauge",
        # One data point over the whole time, so that the budget is that of all its requests.
        "setPeriodToTimeRange": True,
        "start": f"-P{objective.window_days}D",
        "end": "P0D",
        "yAxis": {"left": {"min": 0, "max": 100}},
        "metrics": [[left], *metrics],
    }


def _of_queues(observed: Observed, region: str) -> list[dict[str, Any]]:
    """What waits in each queue of a worker, and for how long."""
    waiting = [
        ("ApproximateNumberOfMessagesVisible", "Messages that wait in {}"),
        ("ApproximateAgeOfOldestMessage", "Age of the oldest message of {} in seconds"),
    ]
    return [
        graph(region, title.format(queue), [["AWS/SQS", metric, "QueueName", queue, {"stat": "Maximum"}]])
        for queue in observed.queues
        for metric, title in waiting
    ]


def _own_errors(observed: Observed) -> list[list[Any]]:
    """502, 503 and 504 that it answers by itself, and connections that no target took: no target's 5xx counts these."""
    own = [
        [
            "AWS/ApplicationELB",
            f"HTTPCode_ELB_{status}_Count",
            "LoadBalancer",
            observed.load_balancer,
            {"stat": "Sum", "label": status},
        ]
        for status in ("502", "503", "504")
    ]
    return own + _targets(observed, "TargetConnectionErrorCount", "Sum")


def _targets(observed: Observed, metric: str, statistic: str, colour: str | None = None) -> list[list[Any]]:
    return [
        [
            "AWS/ApplicationELB",
            metric,
            *(part for pair in observed.target_group(side).items() for part in pair),
            {"stat": statistic, "label": f"{side} {statistic}", "color": colour or _COLOUR[side]},
        ]
        for side in COLOURS
    ]


def _further(observed: Observed) -> list[list[Any]]:
    """Healthy and unhealthy targets of each, in the namespace of its load balancer."""
    lines = []
    for name in observed.further:
        for metric, statistic in (("HealthyHostCount", "Minimum"), ("UnHealthyHostCount", "Maximum")):
            found = of_further(observed, name, metric, statistic)
            pairs = (part for pair in found["dimensions"].items() for part in pair)
            colour = {"color": _ERRORS} if metric == "UnHealthyHostCount" else {}
            lines.append(
                [found["namespace"], metric, *pairs, {"stat": statistic, "label": f"{name} {statistic}", **colour}]
            )
    return lines


def _tasks(observed: Observed, namespace: str, metric: str, statistic: str) -> list[list[Any]]:
    return [
        [
            namespace,
            metric,
            *(part for pair in observed.ecs_service(side).items() for part in pair),
            {"stat": statistic, "label": f"{side} {metric} {statistic}", "color": _COLOUR[side]},
        ]
        for side in observed.colours
    ]


def _of_all_tasks(observed: Observed, metric: str) -> list[list[Any]]:
    """ECS reports the share of each task: one that is worse off than the others is seen in the maximum alone."""
    return [line for statistic in ("Average", "Maximum") for line in _tasks(observed, "AWS/ECS", metric, statistic)]


def _of_each_task(observed: Observed, metric: str) -> list[list[Any]]:
    """Tasks come and go, so a search finds those of the time that is shown.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-enhanced-observability-metrics-ECS.html
    """
    lines: list[list[Any]] = []
    for side in observed.colours:
        exact = " ".join(f'{name}="{value}"' for name, value in observed.ecs_service(side).items())
        what = f'{{ECS/ContainerInsights,ClusterName,ServiceName,TaskId}} MetricName="{metric}" {exact}'
        label = f"{side} ${{PROP('Dim.TaskId')}}"
        lines.append([{"expression": f"SEARCH('{what}', 'Average', 60)", "id": side, "label": label}])
    return lines


def _log(observed: Observed, region: str, y: int) -> dict[str, Any]:
    query = (
        f"SOURCE '{observed.log_group or observed.names.log_group}' | fields @timestamp, @logStream, @message "
        "| filter @message like /(?i)(error|exception|critical)/ | sort @timestamp desc | limit 50"
    )
    properties = {"title": "Errors in the log", "region": region, "view": "table", "query": query}
    return {"type": "log", "x": 0, "y": y, "width": 24, "height": HEIGHT, "properties": properties}
