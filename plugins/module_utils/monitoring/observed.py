# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service as CloudWatch's dimensions know it, and the metrics of both colours that its alarms are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aws.naming import COLOURS, EnvironmentNames, ServiceNames
from .alarm_parts import Rule, Thresholds, metric_of
from .program_graphs import Program

_BALANCER = "AWS/ApplicationELB"
_NETWORK_BALANCER = "AWS/NetworkELB"


@dataclass(frozen=True)
class Observed:
    """A service as CloudWatch's dimensions know it."""

    names: ServiceNames
    load_balancer: str
    target_groups: Mapping[str, str]
    container_insights: bool = True
    # Container Insights with enhanced observability has metrics of each task.
    each_task: bool = False
    thresholds: Thresholds = field(default_factory=Thresholds)
    # Of others, where the service uses one.
    cluster: str = ""
    log_group: str = ""
    # SQS queues that a worker takes its work from.
    queues: Sequence[str] = ()
    # Where a collector delivers what the program counts.
    program: Program | None = None
    # Dimensions of target groups in which tasks are registered besides, by their names in the inventory.
    further: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # A network load balancer's target groups are among those of `further`, by colour: it counts no requests of theirs.
    of_connections: bool = False

    @property
    def colours(self) -> tuple[str, ...]:
        """A worker has no target groups, and one colour."""
        return COLOURS if self.target_groups or self.of_connections else COLOURS[:1]

    def target_group(self, colour: str) -> dict[str, str]:
        return {"LoadBalancer": self.load_balancer, "TargetGroup": self.target_groups[colour]}

    def ecs_service(self, colour: str) -> dict[str, str]:
        return {
            "ClusterName": self.cluster or EnvironmentNames(self.names.environment).cluster,
            "ServiceName": self.names.ecs_service(colour),
        }


def dimension(arn: str) -> str:
    """The dimension that a load balancer or a target group has, from its ARN."""
    resource = arn.rpartition(":")[2]
    return resource.removeprefix("loadbalancer/")


def alarm_of(
    observed: Observed, kind: str, description: str, metrics: list[dict[str, Any]], rule: Rule
) -> dict[str, Any]:
    name = f"{observed.names.alarm_prefix}{kind}"
    return {"name": name, "description": description, "metrics": metrics, **rule.options()}


def of_balancer(observed: Observed, what: str, metric: str, statistic: str) -> list[dict[str, Any]]:
    return [
        metric_of(f"{what}_{colour}", _BALANCER, metric, statistic, observed.target_group(colour))
        for colour in observed.colours
    ]


def of_further(observed: Observed, name: str, metric: str, statistic: str, what: str = "m1") -> dict[str, Any]:
    """Of a further target group, which may be a network load balancer's."""
    dimensions = observed.further[name]
    namespace = _NETWORK_BALANCER if dimensions["LoadBalancer"].startswith("net/") else _BALANCER
    return metric_of(what, namespace, metric, statistic, dimensions)


def of_whole_balancer(observed: Observed, what: str, metric: str, statistic: str) -> dict[str, Any]:
    """What the load balancer counts without a target group: of all services behind it."""
    return metric_of(what, _BALANCER, metric, statistic, {"LoadBalancer": observed.load_balancer})


def of_tasks(observed: Observed, what: str, namespace: str, metric: str, statistic: str) -> list[dict[str, Any]]:
    return [
        metric_of(f"{what}_{colour}", namespace, metric, statistic, observed.ecs_service(colour))
        for colour in observed.colours
    ]


def judged(expression: str, label: str) -> dict[str, Any]:
    return {"id": "judged", "expression": expression, "label": label}


def sum_of(metrics: Sequence[str], colours: Sequence[str]) -> str:
    """The sum over colours; what has no data point counts as 0."""
    return f"({' + '.join(f'FILL({metric}_{colour}, 0)' for metric in metrics for colour in colours)})"


def of_failures(observed: Observed) -> list[dict[str, Any]]:
    """What `failed` is computed from, and the number of requests."""
    return [
        *of_balancer(observed, "errors", "HTTPCode_Target_5XX_Count", "Sum"),
        *of_balancer(observed, "refused", "TargetConnectionErrorCount", "Sum"),
        *of_balancer(observed, "requests", "RequestCount", "Sum"),
        *of_balancer(observed, "answered", "TargetResponseTime", "SampleCount"),
        of_whole_balancer(observed, "balancer_errors", "HTTPCode_ELB_5XX_Count", "Sum"),
    ]


def failed(colours: Sequence[str]) -> str:
    """Requests of these colours that got a 5xx: from a target, or from the load balancer because no target answered.

    The load balancer counts its own 502 and 504 without a target group. Of a target group they are requests without a response
    time, and so are those of clients that left before the answer: no more of them count than the load balancer answered with 5xx.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    unanswered = f"{sum_of(['requests'], colours)} - {sum_of(['answered'], colours)}"
    by_balancer = f"MIN([{unanswered}, FILL(balancer_errors, 0)])"
    return f"({sum_of(['errors'], colours)} + MAX([{sum_of(['refused'], colours)}, {by_balancer}]))"
