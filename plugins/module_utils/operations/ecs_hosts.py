# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services of an environment as hosts of an inventory: services, their colours and their tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aws import ecs, elbv2
from ..aws.ecs_states import ServiceState, short
from ..aws.elbv2_states import Rule
from ..aws.naming import TAG_SERVICE, TAG_TARGET_GROUP
from ..aws.session import Aws
from ..aws.tasks import TaskState
from ..rollout.lease import clock_time
from ..rollout.model import Colour
from ..service.location import NETWORK, WEB, WORKER
from ..service.network_listener import PRODUCTION
from ..service.routing import production_rules

SERVICE, COLOUR, TASK = "service", "colour", "task"
# Names of properties that any host has; a filter by another one is a mistake.
PROPERTIES = frozenset(
    (
        *("environment", "cluster", "region", "service", "service_kind", "name", "kind", "live", "ecs_service", "arn"),
        *("desired", "running", "pending", "task_definition", "colour", "is_live", "weight"),
        *("task_id", "status", "health", "address", "zone", "started", "exec_enabled"),
    )
)


@dataclass(frozen=True)
class Cluster:
    """A cluster as it was read. `environment` is empty where only its name was given."""

    name: str
    region: str
    services: Sequence[ServiceState] = ()
    tasks: Mapping[str, Sequence[TaskState]] = field(default_factory=dict)
    rules: Sequence[Rule] = ()
    environment: str = ""


def read(aws: Aws, name: str, environment: str, with_tasks: bool) -> Cluster:
    """The collection's services in a cluster; one that does not exist has none."""
    if ecs.cluster(aws, name) is None:
        return Cluster(name, aws.region, environment=environment)
    found = ecs.services(aws, name, ecs.service_names(aws, name)).values()
    services = [service for service in found if TAG_SERVICE in service.tags and _colour(service) is not None]
    counted = [service for service in services if with_tasks and (service.running or service.pending)]
    return Cluster(
        name,
        aws.region,
        services,
        {service.name: ecs.tasks(aws, name, service.name) for service in counted},
        _rules(aws, services),
        environment,
    )


def _rules(aws: Aws, services: Sequence[ServiceState]) -> list[Rule]:
    """All rules of the load balancers that the services register their tasks in."""
    arns = sorted({group for service in services for group in _target_groups(service)})
    if not arns:
        return []
    balancers = {arn for group in elbv2.target_groups_by_arn(aws, arns).values() for arn in group.load_balancer_arns}
    listeners = [listener["ListenerArn"] for arn in sorted(balancers) for listener in elbv2.listeners(aws, arn)]
    of_connections = [arn for arn in listeners if ":listener/net/" in arn]
    return [
        *(rule for arn in listeners if arn not in of_connections for rule in elbv2.rules(aws, arn)),
        # A network load balancer's listeners have no rules, and those for testers say nothing of the live colour.
        *(elbv2.default_action(aws, arn) for arn in _of_production(aws, of_connections)),
    ]


def _of_production(aws: Aws, listeners: Sequence[str]) -> list[str]:
    tags = elbv2.tags(aws, listeners) if listeners else {}
    return [arn for arn in listeners if tags[arn].get(TAG_TARGET_GROUP) == PRODUCTION]


def hosts(cluster: Cluster, with_region: bool = False) -> Iterator[dict[str, Any]]:
    """A host for each service, colour and task: its name, and what is known of it.

    An environment's name in two regions is two environments: with_region puts the region into the names.
    """
    place = cluster.environment or cluster.name
    place = f"{place}-{cluster.region}" if with_region else place
    by_service: dict[str, dict[Colour, ServiceState]] = {}
    for state in cluster.services:
        colour = _colour(state)
        if colour is not None:
            by_service.setdefault(state.tags[TAG_SERVICE], {})[colour] = state
    for service, colours in sorted(by_service.items()):
        weights = _weights(colours, cluster.rules)
        live = max(colours, key=lambda colour: (weights[colour] or 0, colours[colour].running))
        shared = {
            "environment": cluster.environment,
            "cluster": cluster.name,
            "region": cluster.region,
            "service": service,
            "service_kind": _kind(colours, cluster.rules),
        }
        name = f"{place}-{service}"
        yield {
            **shared,
            "name": name,
            "kind": SERVICE,
            "live": str(live),
            "weights": {str(colour): weights[colour] for colour in colours},
            **_counts(colours[live]),
        }
        for colour, state in sorted(colours.items()):
            common = {**shared, "colour": str(colour), "is_live": colour is live, "weight": weights[colour]}
            yield {**common, "name": f"{name}-{colour}", "kind": COLOUR, **_counts(state)}
            for task in sorted(cluster.tasks.get(state.name, ()), key=lambda task: task.id):
                yield {**common, "name": f"{name}-{colour}-{task.id[:12]}", "kind": TASK, **_task(task, state)}


def _colour(state: ServiceState) -> Colour | None:
    end = state.name.rpartition("-")[2]
    return Colour(end) if end in {str(colour) for colour in Colour} else None


def _target_groups(state: ServiceState) -> list[str]:
    return [balancer["target_group_arn"] for balancer in state.settings.get("load_balancers", ())]


def _kind(colours: Mapping[Colour, ServiceState], rules: Sequence[Rule]) -> str:
    groups = {group for state in colours.values() for group in _target_groups(state)}
    if not groups:
        return WORKER
    return NETWORK if any(rule.is_listener and set(rule.weights) <= groups for rule in rules) else WEB


def _weights(colours: Mapping[Colour, ServiceState], rules: Sequence[Rule]) -> dict[Colour, int | None]:
    """Weights of the production rule. A worker has all; None where no rule forwards to the service."""
    groups = {colour: next(iter(_target_groups(state)), "") for colour, state in colours.items()}
    if not any(groups.values()):
        return {colour: 100 if len(colours) == 1 else None for colour in colours}
    blue, green = (groups.get(colour, "") for colour in (Colour.BLUE, Colour.GREEN))
    rule = next(iter(production_rules(rules, blue, green)), None)
    return {colour: rule.weights.get(groups[colour], 0) if rule else None for colour in colours}


def _counts(state: ServiceState) -> dict[str, Any]:
    return {
        "ecs_service": state.name,
        "arn": state.arn,
        "desired": state.desired,
        "running": state.running,
        "pending": state.pending,
        "task_definition": short(state.task_definition),
        "tags": dict(state.tags),
    }


def _task(task: TaskState, state: ServiceState) -> dict[str, Any]:
    return {
        "ecs_service": state.name,
        "task_id": task.id,
        "task_definition": short(task.task_definition),
        "status": task.status,
        "health": task.health,
        "address": task.address,
        "zone": task.zone,
        "started": clock_time(task.started_at) if task.started_at else "",
        "exec_enabled": task.exec_enabled,
        "containers": [
            {"name": container.name, "status": container.status, "health": container.health, "image": container.image}
            for container in task.containers
        ],
        "tags": dict(state.tags),
    }


def kept(
    hosts: Iterable[Mapping[str, Any]], kinds: Iterable[str], filters: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Hosts of these kinds that no filter excludes."""
    wanted_kinds = set(kinds)
    return [
        host for host in hosts if host["kind"] in wanted_kinds and all(_fits(host, *pair) for pair in filters.items())
    ]


def _fits(host: Mapping[str, Any], name: str, values: Any) -> bool:
    if name.startswith("tag:"):
        held: Any = host["tags"].get(name.removeprefix("tag:"))
    elif name not in host:
        return True
    else:
        held = host[name]
    return held in (values if isinstance(values, list) else [values])
