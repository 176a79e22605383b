# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what carries the environment's mark and the name of a service that the inventory no longer has. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..aws import cloudwatch, ecs, elbv2, iam, logs, scheduler, xray
from ..aws.naming import (
    TAG_CLUSTER,
    TAG_ENVIRONMENT,
    TAG_LISTENER,
    TAG_REGION,
    TAG_SERVICE,
    TAG_TARGET_GROUP,
    EnvironmentNames,
    HealthCheckNames,
    RoleNames,
)
from ..aws.session import Aws
from ..common.invocation import Invocation
from ..service import further_places, routing_removal

_AT_ONCE = 8


@dataclass(frozen=True, order=True)
class Orphan:
    """One resource, and the service that it was made for."""

    service: str
    kind: str
    name: str


@dataclass(frozen=True)
class Inventory:
    """The environment, and the services that it names."""

    environment: str
    services: frozenset[str]
    # Clusters in which its services may run.
    clusters: frozenset[str] = frozenset()
    # The further target groups that it names, by service.
    target_groups: Mapping[str, Collection[str]] = field(default_factory=dict)

    def without(self, tags: Mapping[str, str]) -> str:
        """The service of these tags, where it was one of the environment's and is no longer; else nothing."""
        service = tags.get(TAG_SERVICE, "")
        return service if tags.get(TAG_ENVIRONMENT) == self.environment and service not in self.services else ""

    def without_target_group(self, tags: Mapping[str, str]) -> str:
        """The service of a target group that is listed no longer, where the service or its list is gone; else nothing."""
        service, name = tags.get(TAG_SERVICE, ""), tags.get(TAG_TARGET_GROUP)
        if name is None or service not in self.services:
            return self.without(tags)
        ours = tags.get(TAG_ENVIRONMENT) == self.environment
        return service if ours and name not in self.target_groups.get(service, ()) else ""


def run(call: Invocation) -> dict[str, Any]:
    """Return the orphans, by service."""
    params = call.params
    clusters = {EnvironmentNames(params["environment"]).cluster, *params["clusters"]}
    inventory = Inventory(
        params["environment"],
        frozenset(params["services"]),
        frozenset(clusters),
        {service: list(names or ()) for service, names in params["target_groups"].items()},
    )
    found = orphans(call.aws, inventory)
    return {"changed": False, "orphans": [vars(orphan) for orphan in found]}


def orphans(aws: Aws, inventory: Inventory) -> list[Orphan]:
    """All of them, in the order of their services."""
    finders: list[Callable[[Aws, Inventory], Iterator[Orphan]]] = [
        _routing, _roles, _alarms, _log_groups, _schedules, _traces,
    ]  # fmt: skip
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        submitted = [pool.submit(lambda find=find: list(find(aws, inventory))) for find in finders]  # type: ignore[misc]
        return sorted({orphan for future in submitted for orphan in future.result()})


def _routing(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    """Target groups, the rules that forward to them alone, and ECS services in every cluster that a target group names."""
    # Names are cut to fit, but never their beginning.
    all_tags = elbv2.tags(aws, elbv2.target_group_arns(aws, inventory.environment))
    ours = {arn: tags for arn, tags in all_tags.items() if tags.get(TAG_ENVIRONMENT) == inventory.environment}
    left = {arn: service for arn, tags in ours.items() if (service := inventory.without_target_group(tags))}
    for arn, service in left.items():
        yield Orphan(service, "target group", arn.split("/")[1])
    listeners = {ours[arn][TAG_LISTENER] for arn in left if ours[arn].get(TAG_LISTENER)} | _own_listeners(
        aws, inventory
    )
    further = {arn: service for arn, service in left.items() if further_places.has_own_listener(ours[arn])}
    known = elbv2.target_groups_by_arn(aws, list(further)).values() if further else ()
    ways = further_places.ways_to(aws, {arn for group in known for arn in group.load_balancer_arns}, further)
    rules = routing_removal.rules_to(aws, sorted(listeners), set(left)) if left else []
    for rule in {rule.arn: rule for rule in (*rules, *ways.rules)}.values():
        (service, *_more) = [left[arn] for arn in rule.weights if arn in left]
        yield Orphan(service, "listener rule", f"{rule.priority} ({rule.conditions})")
    for listener in ways.listeners:
        (service, *_more) = [further[arn] for arn in further_places.forwards_to(listener) if arn in further]
        yield Orphan(service, "listener", further_places.described(listener))
    for cluster in sorted(inventory.clusters | {tags[TAG_CLUSTER] for tags in ours.values() if tags.get(TAG_CLUSTER)}):
        for name, state in ecs.services(aws, cluster, _service_names(aws, cluster)).items():
            if service := inventory.without(state.tags):
                yield Orphan(service, "ECS service", name)


def _service_names(aws: Aws, cluster: str) -> list[str]:
    return ecs.service_names(aws, cluster) if ecs.cluster(aws, cluster) else []


def _own_listeners(aws: Aws, inventory: Inventory) -> set[str]:
    balancer = elbv2.load_balancer(aws, EnvironmentNames(inventory.environment).load_balancer)
    if balancer is None:
        return set()
    return {listener["ListenerArn"] for listener in elbv2.listeners(aws, balancer["LoadBalancerArn"])}


def _roles(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    """Each costs a call: those that the inventory names are not asked for."""
    names = RoleNames(inventory.environment, aws.region)
    known = {role for service in inventory.services for role in names.of_service(service).values()}
    for role in set(iam.role_names(aws, f"{inventory.environment}-")) - known:
        tags = iam.role_tags(aws, role)
        if tags.get(TAG_REGION) == aws.region and (service := inventory.without(tags)):
            yield Orphan(service, "role", role)


def _alarms(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    health = HealthCheckNames(inventory.environment, aws.region)
    for alarm in cloudwatch.alarms(aws, f"{inventory.environment}/"):
        name = alarm["AlarmName"]
        if name.split("/")[1] in inventory.services:
            continue
        if health.is_of_another_region(name):
            continue
        if service := inventory.without(cloudwatch.tags(aws, alarm["AlarmArn"])):
            yield Orphan(service, "alarm", name)


def _log_groups(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    prefix = f"/pear/{inventory.environment}/"
    for name, arn in logs.log_groups(aws, prefix).items():
        if name.removeprefix(prefix).partition("/")[0] in inventory.services:
            continue
        if service := inventory.without(logs.tags(aws, arn)):
            yield Orphan(service, "log group", name)


def _schedules(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    """They have no tags: the group says whose they are, and their names begin with a service's."""
    group = scheduler.group(aws, inventory.environment)
    if not group or scheduler.group_tags(aws, group["Arn"]).get(TAG_ENVIRONMENT) != inventory.environment:
        return
    for name in scheduler.names(aws, inventory.environment):
        service = name.partition(".")[0]
        if service not in inventory.services:
            yield Orphan(service, "schedule", name)


def _traces(aws: Aws, inventory: Inventory) -> Iterator[Orphan]:
    """Sampling rules and groups of X-Ray."""
    for part, tags in xray.named_for(aws, inventory.environment):
        if service := inventory.without(tags):
            yield Orphan(service, part.kind, part.name)
