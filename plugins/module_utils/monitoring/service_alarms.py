# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarms of every service. Pure.

Alarms keep their names and their meaning whichever colour is live. Where one colour could hide the other (a warm one without
traffic beside a live one without targets), each is judged by its own requests and targets, and the worse one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.naming import COLOURS
from .alarm_parts import CRITICAL, Rule, kind_of, metric_of, severity_of
from .live_alarms import live_alarms
from .observed import Observed, alarm_of, failed, judged, of_balancer, of_failures, of_further, of_tasks, sum_of
from .utilisation_alarms import of_utilisation

_INSIGHTS = "ECS/ContainerInsights"
# What no target can be OK for before the first release; of others silence says nothing.
_NEEDS_A_RELEASE = frozenset({"no-healthy-target", "critical"})
# What users feel: a release under way is no excuse for any of these.
_FELT = frozenset({"error-share", "live-without-target", "no-healthy-target", "no-running-task"})


def service_alarms(observed: Observed, composite: bool = True, released: bool = True) -> list[dict[str, Any]]:
    """Alarms of a service, each with a reason for what a missing datapoint means."""
    alarms = _of_requests(observed) if observed.target_groups else _of_work(observed)
    alarms += [_unhealthy_further(observed, name) for name in observed.further]
    alarms = [*alarms, _critical(observed, alarms)] if composite else alarms
    served = observed.target_groups or observed.of_connections
    return alarms if released or not served else [_starting(alarm) for alarm in alarms]


def _starting(alarm: dict[str, Any]) -> dict[str, Any]:
    """Of a service that was never released: that nobody is served is true and no news, so a new alarm begins with it."""
    return {**alarm, "starts_in_alarm": True} if kind_of(alarm["name"]) in _NEEDS_A_RELEASE else alarm


def _critical(observed: Observed, alarms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One alarm that pages for a service, and is quiet where only the tasks of a deployment under way are not ready yet."""
    names = [alarm["name"] for alarm in alarms if severity_of(alarm["name"]) == CRITICAL]
    felt = [name for name in names if name.rpartition("/")[2] in _FELT]
    rule = _any(felt)
    others = _any([name for name in names if name not in felt])
    if observed.container_insights:
        prefix = observed.names.alarm_prefix
        planned = f'(NOT ALARM("{prefix}deploying") OR ALARM("{prefix}deployment-stuck"))'
        others = f"(({others}) AND {planned})"
    return {
        "name": f"{observed.names.alarm_prefix}critical",
        "description": "At least one critical alarm of the service is firing; the notification names it. What users feel always "
        "counts; what tasks of a deployment under way lack counts once that deployment is stuck.",
        "rule": f"{rule} OR {others}" if rule else others,
    }


def _any(names: Sequence[str]) -> str:
    return " OR ".join(f'ALARM("{name}")' for name in names)


def _of_work(observed: Observed) -> list[dict[str, Any]]:
    """Alarms without requests: whether it runs, how busy it is, and how long a worker's work waits."""
    alarms = [_queue_age(observed, queue) for queue in observed.queues]
    alarms += of_utilisation(observed)
    if observed.of_connections:
        alarms.append(_no_healthy_target(observed))
    elif observed.container_insights:
        alarms.append(_no_running_task(observed))
    if observed.container_insights:
        alarms += _of_counts(observed)
    return alarms


def _of_requests(observed: Observed) -> list[dict[str, Any]]:
    limits = observed.thresholds
    minimum = limits.minimum_requests_per_minute
    shares = [_error_share([colour], minimum) for colour in COLOURS] + [_error_share(list(COLOURS), minimum)]
    requests = of_balancer(observed, "requests", "RequestCount", "Sum")
    alarms = [
        alarm_of(
            observed,
            "error-share",
            f"More than {limits.error_share_percent:g} % of the answers of a colour, or of both, are errors of the service (5xx, or no "
            "answer of a task). Compare with the last release; rollback.yml returns to the one before.",
            [
                *of_failures(observed),
                judged(f"MAX([{', '.join(shares)}])", "errors in percent"),
            ],
            # Five bad minutes; two of the newest seven may be quiet, or not whole yet, without an end to the alarm.
            # No traffic is no error; the alarm no-healthy-target covers a service without targets.
            Rule(">", limits.error_share_percent, 7, 5, "notBreaching"),
        ),
        alarm_of(
            observed,
            "latency-p99",
            f"One request in a hundred takes longer than {limits.latency_p99_seconds:g} s.",
            [
                *of_balancer(observed, "latency", "TargetResponseTime", "p99"),
                *requests,
                judged(f"MAX([{', '.join(_latency(colour, minimum) for colour in COLOURS)}])", "p99 in seconds"),
            ],
            Rule(">", limits.latency_p99_seconds, 5, 3, "notBreaching"),
        ),
        _latency_trend(observed),
        alarm_of(
            observed,
            "unhealthy-targets",
            "Tasks fail the load balancer's health check for minutes: they are replaced and fail again, or cannot be.",
            [
                *of_balancer(observed, "unhealthy", "UnHealthyHostCount", "Maximum"),
                judged("FILL(unhealthy_blue, 0) + FILL(unhealthy_green, 0)", "unhealthy targets"),
            ],
            Rule(">", 0, 10, 8, "notBreaching"),
        ),
        alarm_of(
            observed,
            "no-healthy-target",
            "No request is served: no task of the service is healthy, or none of the colour that requests are sent to.",
            [
                *of_balancer(observed, "healthy", "HealthyHostCount", "Minimum"),
                *requests,
                judged(_healthy_where_needed(), "healthy targets"),
            ],
            # A target group without any target reports nothing: here silence is the worst news.
            Rule("<", 1, 3, 3, "breaching"),
        ),
        _colour_without_target(observed),
        *live_alarms(observed),
        *of_utilisation(observed),
    ]
    if observed.container_insights:
        alarms += _of_counts(observed)
    return alarms


def _of_counts(observed: Observed) -> list[dict[str, Any]]:
    """What Container Insights counts: tasks and deployments."""
    return [
        _missing_tasks(observed),
        _crash_loop(observed),
        _task_restarts(observed),
        _scaling_events(observed),
        *_deployments(observed),
    ]


def _error_share(colours: Sequence[str], minimum_requests: int) -> str:
    """Percent of the requests of these colours that failed; 0 where they are too few to say anything."""
    requests = sum_of(["requests"], colours)
    # A division by zero would leave no data point where the share of the other colour has one.
    return f"IF({requests} >= {minimum_requests}, 100 * {failed(colours)} / ({requests} + ({requests} < 1)), 0)"


def _latency(colour: str, minimum_requests: int) -> str:
    """p99 of a colour; 0 where its own requests are too few to say anything."""
    return f"IF(FILL(requests_{colour}, 0) >= {minimum_requests}, FILL(latency_{colour}, 0), 0)"


def _latency_trend(observed: Observed) -> dict[str, Any]:
    """p95 of both colours together, by their requests, so that its past goes on where a release changes the colour."""
    limits = observed.thresholds
    requests = sum_of(["requests"], COLOURS)
    weighted = " + ".join(f"FILL(latency_{colour}, 0) * FILL(requests_{colour}, 0)" for colour in COLOURS)
    p95 = f"({weighted}) / ({requests} + ({requests} < 1))"
    floor = limits.latency_trend_floor_seconds
    described = (
        f"The 95th percentile of the latency is above what its own past lets expect, and above {floor:g} s: a dependency, the data, or "
        "the traffic has changed. triage.yml compares it with the last release."
    )
    metrics = [
        *of_balancer(observed, "latency", "TargetResponseTime", "p95"),
        *of_balancer(observed, "requests", "RequestCount", "Sum"),
        # Below the floor all is one value: what nobody notices neither fires nor widens the band.
        judged(
            f"IF({requests} >= {limits.minimum_requests_per_minute}, MAX([{p95}, FILL(requests_blue * 0, 0) + {floor:g}]))",
            "p95 in seconds",
        ),
    ]
    # Half of a quarter of an hour: one slow query is no trend. Without traffic there is no latency.
    rule = {**Rule(">", 0, 15, 8, "notBreaching").options(), "band_deviations": limits.latency_trend_deviations}
    del rule["threshold"]
    return {
        "name": f"{observed.names.alarm_prefix}latency-trend",
        "description": described,
        "metrics": metrics,
        **rule,
    }


def _unhealthy_further(observed: Observed, name: str) -> dict[str, Any]:
    return alarm_of(
        observed,
        f"unhealthy-targets-{name}",
        f"Tasks fail the health check of the further target group {name} for minutes: they are replaced and fail again, or cannot be.",
        [of_further(observed, name, "UnHealthyHostCount", "Maximum")],
        Rule(">", 0, 10, 8, "notBreaching"),
    )


def _no_healthy_target(observed: Observed) -> dict[str, Any]:
    """Of a network load balancer, which does not tell which colour gets connections."""
    healthy = [of_further(observed, colour, "HealthyHostCount", "Minimum", f"healthy_{colour}") for colour in COLOURS]
    return alarm_of(
        observed,
        "no-healthy-target",
        "No connection is served well: no task of the service is healthy for its network load balancer.",
        [*healthy, judged(f"SUM([{', '.join(f'healthy_{colour}' for colour in COLOURS)}])", "healthy targets")],
        # A target group without any target reports nothing: here silence is the worst news.
        Rule("<", 1, 3, 3, "breaching"),
    )


def _healthy_where_needed() -> str:
    """Healthy targets of both colours; 0 where one of them gets requests and has none.

    A minute that no colour has reported yet has no value: filled with zero, a late minute would look like an outage.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    lost = [f"(1 - ((FILL(requests_{colour}, 0) > 0) AND (FILL(healthy_{colour}, 0) < 1)))" for colour in COLOURS]
    total = f"SUM([{', '.join(f'healthy_{colour}' for colour in COLOURS)}])"
    return f"IF({total} >= 0, {' * '.join([total, *lost])})"


def _colour_without_target(observed: Observed) -> dict[str, Any]:
    """A colour that should have healthy targets, by its tasks or by its targets, and has none."""
    metrics = [
        *of_balancer(observed, "healthy", "HealthyHostCount", "Minimum"),
        *of_balancer(observed, "unhealthy", "UnHealthyHostCount", "Maximum"),
    ]
    expected = ["unhealthy"]
    if observed.container_insights:
        metrics += of_tasks(observed, "desired", _INSIGHTS, "DesiredTaskCount", "Average")
        expected.append("desired")
    down = [f"IF(({sum_of(expected, [colour])} > 0) AND (FILL(healthy_{colour}, 0) < 1), 1, 0)" for colour in COLOURS]
    return alarm_of(
        observed,
        "colour-without-target",
        "A colour that should run tasks has had no healthy target for five minutes: its share of the requests fails, or, if it is the "
        "warm one, a rollback is not immediate. status.yml says which.",
        [*metrics, judged(" + ".join(down), "colours without a healthy target")],
        # A service without any target is the alarm no-healthy-target's.
        Rule(">", 0, 5, 5, "notBreaching"),
    )


def _queue_age(observed: Observed, queue: str) -> dict[str, Any]:
    limit = observed.thresholds.queue_age_seconds
    metric = metric_of("m1", "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", {"QueueName": queue})
    return alarm_of(
        observed,
        f"queue-age-{queue}",
        f"The oldest message of queue {queue} has waited for more than {limit} s: the worker is too slow, stuck, or does not run.",
        [metric],
        # SQS reports nothing of a queue that has been empty and unused for six hours.
        Rule(">", limit, 5, 5, "notBreaching"),
    )


def _no_running_task(observed: Observed) -> dict[str, Any]:
    return alarm_of(
        observed,
        "no-running-task",
        "No task of the worker runs, and at least one should: nothing does its work. The service's events give the reason.",
        [
            *of_tasks(observed, "desired", _INSIGHTS, "DesiredTaskCount", "Average"),
            *of_tasks(observed, "running", _INSIGHTS, "RunningTaskCount", "Average"),
            judged("IF((FILL(desired_blue, 0) > 0) AND (FILL(running_blue, 0) < 1), 1, 0)", "workers without a task"),
        ],
        # Container Insights is best effort: without its data nothing is known.
        Rule(">", 0, 5, 5, "missing"),
    )


def _missing_tasks(observed: Observed) -> dict[str, Any]:
    return alarm_of(
        observed,
        "missing-tasks",
        "Fewer tasks run than desired, for ten minutes: they cannot be placed, pulled or started. The service's events give the reason.",
        _missing(observed),
        # Container Insights is best effort: without its data nothing is known, which is not the same as good.
        Rule(">", 0, 10, 10, "missing"),
    )


def _task_restarts(observed: Observed) -> dict[str, Any]:
    minutes = observed.thresholds.task_restart_minutes
    return alarm_of(
        observed,
        "task-restarts",
        f"Tasks end and are replaced again and again: in {minutes} minutes of the last hour some ended that should run.",
        _ended(observed),
        # One killed task makes one or two such minutes. That nothing is known is missing-tasks's to tell.
        Rule(">", 0, 60, minutes, "notBreaching"),
    )


def _crash_loop(observed: Observed) -> dict[str, Any]:
    minutes = observed.thresholds.crash_loop_minutes
    return alarm_of(
        observed,
        "crash-loop",
        f"Tasks end soon after their start, again and again: in {minutes} of the newest 15 minutes some ended that should run.",
        _ended(observed),
        # One killed task makes one or two such minutes. That nothing is known is missing-tasks's to tell.
        Rule(">", 0, 15, minutes, "notBreaching"),
    )


def _scaling_events(observed: Observed) -> dict[str, Any]:
    minutes = observed.thresholds.scaling_minutes
    # Not filled with zero: a late minute would look like two changes.
    desired = ", ".join(f"FILL(desired_{colour}, REPEAT)" for colour in observed.colours)
    return alarm_of(
        observed,
        "scaling-events",
        f"The desired number of tasks changed in {minutes} minutes of the last hour: autoscaling goes back and forth.",
        [
            *of_tasks(observed, "desired", _INSIGHTS, "DesiredTaskCount", "Maximum"),
            judged(f"ABS(DIFF(SUM([{desired}])))", "tasks more or fewer"),
        ],
        # A release changes it three or four times. Without data nothing is known to have changed.
        Rule(">", 0, 60, minutes, "notBreaching"),
    )


def _deployments(observed: Observed) -> list[dict[str, Any]]:
    """Whether tasks are being replaced on purpose, and whether that has gone on for too long."""
    minutes = observed.thresholds.deployment_minutes
    metrics = [
        *of_tasks(observed, "deployments", _INSIGHTS, "DeploymentCount", "Maximum"),
        judged(f"MAX([{', '.join(f'FILL(deployments_{colour}, 0)' for colour in observed.colours)}])", "deployments"),
    ]
    return [
        alarm_of(
            observed,
            "deploying",
            "ECS replaces tasks of the service on purpose. The alarm critical looks at this one; by itself it tells nobody.",
            metrics,
            # The newest five minutes: alarms of tasks look back as far and further.
            Rule(">", 1, 5, 1, "notBreaching"),
        ),
        alarm_of(
            observed,
            "deployment-stuck",
            f"A deployment of ECS has not ended for {minutes} minutes: its tasks do not become healthy, or its controller is gone.",
            metrics,
            Rule(">", 1, minutes, minutes, "notBreaching"),
        ),
    ]


def _missing(observed: Observed) -> list[dict[str, Any]]:
    """Desired tasks that do not run, of all colours."""
    desired, running = _sums(observed)
    return [*_counts(observed), judged(f"{desired} - {running}", "tasks missing")]


def _ended(observed: Observed) -> list[dict[str, Any]]:
    """Minutes in which tasks ended that should run. One that autoscaling adds is missing too until it has started, and none ended."""
    desired, running = _sums(observed)
    ended = f"({running} < {desired}) AND (DIFF({running}) < 0) AND (DIFF({desired}) >= 0)"
    return [*_counts(observed), judged(f"IF({ended}, 1, 0)", "tasks ended")]


def _counts(observed: Observed) -> list[dict[str, Any]]:
    return [
        *of_tasks(observed, "desired", _INSIGHTS, "DesiredTaskCount", "Average"),
        *of_tasks(observed, "running", _INSIGHTS, "RunningTaskCount", "Average"),
    ]


def _sums(observed: Observed) -> list[str]:
    """Of all colours: the tasks that are desired, and those that run."""
    return [
        f"({' + '.join(f'FILL({what}_{colour}, 0)' for colour in observed.colours)})" for what in ("desired", "running")
    ]
