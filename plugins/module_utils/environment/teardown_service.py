# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What belongs to one service of an environment, while the environment stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..aws import elbv2, route53, scheduler
from ..aws.naming import (
    COLOURS,
    TAG_LISTENER,
    TAG_SERVICE,
    DashboardNames,
    EnvironmentNames,
    HealthCheckNames,
    RoleNames,
    ServiceNames,
)
from ..aws.session import Aws
from ..service import health_check
from ..service.alias_records import bare
from . import teardown_find
from .teardown_order import Resource


@dataclass(frozen=True)
class Scope:
    """A service, and where the inventory says that parts of it are."""

    environment: str
    service: str
    names: Sequence[str] = ()
    zones: Sequence[str] = ()
    clusters: Sequence[str] = ()


def resources(aws: Aws, scope: Scope) -> list[Resource]:
    """Everything of the service: what carries its tag or its name, its rules, schedules and records. Releases stay in the ledger."""
    environment, service = scope.environment, scope.service
    own = ServiceNames(environment, service)
    found = teardown_find.everything(aws, environment, {service}, scope.clusters)
    checks = _health_checks(aws, environment, service)
    if checks or scope.zones:
        found += teardown_find.beside_health_checks(aws, environment)
    kept = [resource for resource in found if belongs(resource, own, aws.region)]
    groups = [resource for resource in kept if resource.kind == "target group"]
    records = [
        resource
        for zone in scope.zones
        for resource in teardown_find.names_in_dns(aws, environment, zone, [])
        if _named(resource, scope.names)
    ]
    routed = {
        resource.id: resource
        for resource in (*_rules(aws, environment, groups), *teardown_find.to_further(aws, groups))
    }
    return [*kept, *checks, *routed.values(), *_schedules(aws, environment, service), *records]


def belongs(resource: Resource, own: ServiceNames, region: str) -> bool:
    """Whether a resource of the environment is this service's. A name that merely begins like it is another service's."""
    colours = {own.ecs_service(colour) for colour in COLOURS}
    exact = {
        "ECS service": resource.name in colours,
        "autoscaling": resource.name in colours,
        "target group": resource.kind == "target group" and resource.detail.get(TAG_SERVICE) == own.service,
        "log group": resource.id == own.log_group,
        "role": resource.id in RoleNames(own.environment, region).of_service(own.service).values(),
        "dashboard": resource.id == DashboardNames(own.environment, region).of_service(own.service),
        "sampling rule": resource.kind == "sampling rule" and resource.detail.get(TAG_SERVICE) == own.service,
        "trace group": resource.kind == "trace group" and resource.detail.get(TAG_SERVICE) == own.service,
        "saved query": resource.name.startswith(own.saved_query_prefix),
        "task definition": resource.name.rpartition(":")[0] == own.family,
        "repository": resource.id == own.service,
        "composite alarm": resource.id.startswith(own.alarm_prefix),
        "alarm": resource.id.startswith((own.alarm_prefix, own.step_alarm_prefix))
        or resource.id == HealthCheckNames(own.environment, region).alarm(own.service),
    }
    return exact.get(resource.kind, False)


def _rules(aws: Aws, environment: str, groups: Sequence[Resource]) -> list[Resource]:
    """In the environment's own listeners too: its load balancer stays."""
    balancer = elbv2.load_balancer(aws, EnvironmentNames(environment).load_balancer)
    listeners = (
        {listener["ListenerArn"] for listener in elbv2.listeners(aws, balancer["LoadBalancerArn"])}
        if balancer
        else set()
    )
    listeners |= {group.detail[TAG_LISTENER] for group in groups if group.detail.get(TAG_LISTENER)}
    return teardown_find.rules_to(aws, sorted(listeners), {group.id for group in groups})


def _schedules(aws: Aws, environment: str, service: str) -> list[Resource]:
    found = scheduler.schedules(aws, environment, f"{service}.")
    return [Resource("schedule", name, name, environment) for name in found]


def _health_checks(aws: Aws, environment: str, service: str) -> list[Resource]:
    return [
        Resource("health check", check["Id"], check["HealthCheckConfig"].get("FullyQualifiedDomainName", ""))
        for check in route53.health_checks(
            aws, health_check.reference_prefix(HealthCheckNames(environment, aws.region), service)
        )
    ]


def _named(resource: Resource, names: Iterable[str]) -> bool:
    if resource.kind != "DNS record":
        return False
    record = resource.detail[1]
    return bare(record["Name"].replace("\\052", "*")) in {bare(name) for name in names}
