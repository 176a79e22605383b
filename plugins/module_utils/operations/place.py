# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a triage looks: the names of a service, and its location where the load balancer can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import elbv2, task_definition
from ..aws.errors import AwsError, Failure
from ..aws.naming import EnvironmentNames, HealthCheckNames, ServiceNames
from ..aws.session import Aws
from ..rollout.model import Colour
from ..service.existing import locate_by
from ..service.location import WORKER, WORKER_COLOUR, ServiceLocation
from .facts import Unread


@dataclass(frozen=True)
class Place:
    """Names by which everything is found that needs no load balancer; they are the location's where that is known."""

    environment: str
    service: str
    cluster: str
    ledger: str
    ecs_services: Mapping[Colour, str]
    log_group: str
    alarm_prefixes: tuple[str, ...]
    # On its health check, in the region of Route 53's metrics. Empty where there can be none.
    health_alarm: str
    location: ServiceLocation | Unread

    @property
    def database(self) -> str:
        return EnvironmentNames(self.environment).database if self.environment else ""


def find(aws: Aws, params: Mapping[str, Any]) -> Place:
    """The place of a service. A load balancer that cannot be read hides nothing else of ours: names are derived."""
    environment, service = params.get("environment") or "", params["service"]
    location: ServiceLocation | Unread
    try:
        location = locate_by(aws, params)
    except Failure as failed:
        # Of a service that others made only the options' names are known.
        location = unread(failed)
    kind = params.get("kind")
    own, shared = ServiceNames(environment, service), EnvironmentNames(environment)
    if isinstance(location, ServiceLocation):
        cluster, ledger, services = location.cluster, location.ledger, location.ecs_services
    elif params.get("services"):
        cluster, ledger = params["cluster"], params["ledger_table"]
        services = {colour: params["services"][colour]["name"] for colour in Colour}
    else:
        cluster, ledger = params.get("cluster") or shared.cluster, shared.ledger
        colours = (WORKER_COLOUR,) if kind == WORKER else tuple(Colour)
        services = {colour: own.ecs_service(colour) for colour in colours}
    return Place(
        environment,
        service,
        cluster,
        ledger,
        services,
        ""
        if params.get("services")
        else location.log_group
        if isinstance(location, ServiceLocation)
        else own.log_group,
        () if params.get("services") else (own.alarm_prefix, shared.alarm_prefix),
        HealthCheckNames(environment, aws.region).alarm(service) if environment and kind != WORKER else "",
        location,
    )


def log_group_of(definition: Mapping[str, Any] | None) -> str:
    """The log group that a task definition of others names, of its first container that logs to CloudWatch Logs."""
    for container in (definition or {}).get("containerDefinitions", ()):
        if found := task_definition.log_stream(definition or {}, container["name"]):
            return found[0]
    return ""


def file_systems_of(definition: Mapping[str, Any] | None) -> list[str]:
    volumes = (definition or {}).get("volumes", ())
    ids = [volume.get("efsVolumeConfiguration", {}).get("fileSystemId") for volume in volumes]
    return list(dict.fromkeys(found for found in ids if found))


def certificate_of(aws: Aws, listener_arn: str) -> str:
    """ARN of the certificate of a listener; empty where it has none, such as one without TLS."""
    certificates = elbv2.listener(aws, listener_arn).get("Certificates") or [{}]
    return str(certificates[0].get("CertificateArn", ""))


def unread(failed: Failure) -> Unread:
    return Unread(str(failed), throttled=isinstance(failed, AwsError) and failed.throttled)
