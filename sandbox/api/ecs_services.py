"""ECS services and their deployments: requests change what is wanted, the scheduler does the rest."""

from __future__ import annotations

import copy
from typing import Any

from ..errors import ApiError
from ..fargate.model import Breaker, Deployment, Limit, Service
from ..laws import block_storage
from .ecs_calls import EcsCalls
from .overlay import Context, Handler

_DEFAULTS: dict[str, Any] = {
    "deploymentConfiguration": {},
    "schedulingStrategy": "REPLICA",
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "availabilityZoneRebalancing": "DISABLED",
    "loadBalancers": [],
    "serviceRegistries": [],
    "platformVersion": "1.4.0",
    "healthCheckGracePeriodSeconds": 0,
}
_NOT_SETTINGS = {
    "cluster",
    "service",
    "serviceName",
    "desiredCount",
    "clientToken",
    "tags",
    "forceNewDeployment",
    "launchType",
}
# A change of one of these starts a deployment, as on ECS; the others take effect at once.
_DEPLOYS = {
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "platformVersion",
    "capacityProviderStrategy",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
}


class ServiceCalls(EcsCalls):
    """The calls about services."""

    def handlers(self) -> dict[str, Handler]:
        return {
            "CreateService": self.create,
            "UpdateService": self.update,
            "DeleteService": self.delete,
            "DescribeServices": self.describe,
            "ListServices": self.list_arns,
        }

    def create(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            cluster, name = self._lookup.cluster(request), request["serviceName"]
            settings = copy.deepcopy(_DEFAULTS) | {k: v for k, v in request.items() if k not in _NOT_SETTINGS}
            settings["taskDefinition"] = self._lookup.definition_arn(request["taskDefinition"])
            settings["deploymentConfiguration"] = _deployment_configuration(settings["deploymentConfiguration"])
            known = self._store.services.get((cluster, name))
            if known is not None:
                if known.settings == settings and known.desired == request.get("desiredCount", 0):
                    return {"service": self._answers.service(known, with_tags=True)}
                raise ApiError("InvalidParameterException", "Creation of service was not idempotent.")
            self._check(settings)
            self._check_volumes(settings)
            self._check_names(settings, (cluster, name))
            _refuse_grace_period(request, settings)
            service = Service(
                cluster=cluster,
                name=name,
                arn=self._answers.arn("service", f"{cluster}/{name}"),
                settings=settings,
                desired=int(request.get("desiredCount", 0)),
                tags=list(request.get("tags", [])),
                created_by=f"arn:aws:iam::{self._sandbox.settings.account}:user/{context.access_key}",
            )
            service.begin(_deployment(settings))
            self._store.services[cluster, name] = service
            self._store.inactive.pop((cluster, name), None)
            return {"service": self._answers.service(service, with_tags=True)}

    def update(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            service = self._lookup.service(request)
            changed = {key: value for key, value in request.items() if key not in _NOT_SETTINGS and value is not None}
            if "taskDefinition" in changed:
                changed["taskDefinition"] = self._lookup.definition_arn(changed["taskDefinition"])
            if "deploymentConfiguration" in changed:
                merged = {**service.settings["deploymentConfiguration"], **changed["deploymentConfiguration"]}
                changed["deploymentConfiguration"] = _deployment_configuration(merged)
            strategy = changed.get("capacityProviderStrategy")
            if strategy is not None and strategy != service.settings.get("capacityProviderStrategy", []):
                _require_new_deployment(request)
            settings = {**service.settings, **changed}
            self._check(settings)
            self._check_volumes(settings)
            self._check_names(settings, (service.cluster, service.name))
            _refuse_grace_period(request, settings)
            deploys = request.get("forceNewDeployment") or any(
                service.settings.get(key) != settings.get(key) for key in _DEPLOYS
            )
            service.settings = settings
            if request.get("desiredCount") is not None:
                service.desired = int(request["desiredCount"])
            if deploys:
                service.begin(_deployment(settings))
            return {"service": self._answers.service(service)}

    def delete(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            service = self._lookup.service(request)
            if service.desired > 0 and not request.get("force"):
                raise ApiError("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
            service.status, service.desired = "DRAINING", 0
            return {"service": self._answers.service(service)}

    def describe(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            cluster = self._lookup.cluster(request)
            found, failures = [], []
            for reference in request["services"]:
                key = (cluster, str(reference).rpartition("/")[2])
                service = self._store.services.get(key) or self._store.inactive.get(key)
                if service is None:
                    failures.append({"arn": self._answers.arn("service", "/".join(key)), "reason": "MISSING"})
                else:
                    found.append(self._answers.service(service, "TAGS" in request.get("include", [])))
            return {"services": found, "failures": failures}

    def list_arns(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            cluster = self._lookup.cluster(request)
            return {
                "serviceArns": sorted(
                    service.arn for service in self._store.services.values() if service.cluster == cluster
                )
            }

    def _check(self, settings: dict[str, Any]) -> None:
        vpc = (settings.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        if vpc is None:
            raise ApiError(
                "InvalidParameterException",
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            )
        for subnet in vpc["subnets"]:
            self._fargate.network.subnet(subnet)
        containers = {
            container["name"]: container
            for container in self._store.definitions[settings["taskDefinition"]]["containerDefinitions"]
        }
        for balancer in settings.get("loadBalancers") or []:
            arn, name, port = balancer["targetGroupArn"], balancer["containerName"], balancer["containerPort"]
            ports = [mapping["containerPort"] for mapping in containers.get(name, {}).get("portMappings", [])]
            if port not in ports:
                raise ApiError(
                    "InvalidParameterException", f"The container {name} did not have a container port {port} defined."
                )
            if not self._sandbox.targets.load_balancers_of(arn):
                raise ApiError(
                    "InvalidParameterException",
                    f"The target group with targetGroupArn {arn} does not have an associated load balancer.",
                )

    def _check_volumes(self, settings: dict[str, Any]) -> None:
        definition = self._store.definitions[settings["taskDefinition"]]
        refuse_volumes(settings.get("volumeConfigurations") or [], definition, settings.get("platformVersion") or "")

    def _check_names(self, settings: dict[str, Any], key: tuple[str, str]) -> None:
        others = [
            service.settings.get("serviceConnectConfiguration") or {}
            for known, service in self._store.services.items()
            if known != key
        ]
        definition = self._store.definitions[settings["taskDefinition"]]
        refuse_names(settings.get("serviceConnectConfiguration") or {}, definition, others)


def refuse_volumes(configurations: list[dict[str, Any]], definition: dict[str, Any], platform: str) -> None:
    wrong = next(block_storage.problems(configurations, definition, platform), "")
    if wrong:
        raise ApiError("InvalidParameterException", wrong)


def refuse_names(connect: dict[str, Any], definition: dict[str, Any], others: list[dict[str, Any]]) -> None:
    """Service Connect serves ports that have names, and a name is one service's in its namespace; messages are the sandbox's.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html
    """
    if not connect.get("enabled"):
        return
    ports = {
        port.get("name")
        for container in definition["containerDefinitions"]
        for port in container.get("portMappings", [])
    }
    taken = {
        (other["namespace"], _discovery_name(service))
        for other in others
        if other.get("enabled")
        for service in other.get("services") or []
    }
    for service in connect.get("services") or []:
        name = _discovery_name(service)
        if service["portName"] not in ports:
            raise ApiError(
                "InvalidParameterException",
                f"Service Connect portName {service['portName']} is not the name of a port mapping of the task definition.",
            )
        if (connect["namespace"], name) in taken:
            raise ApiError(
                "InvalidParameterException",
                f"The discoveryName {name} is already in use in namespace {connect['namespace']}.",
            )


def _discovery_name(service: dict[str, Any]) -> str:
    return str(service.get("discoveryName") or service["portName"])


def _refuse_grace_period(request: dict[str, Any], settings: dict[str, Any]) -> None:
    if "healthCheckGracePeriodSeconds" in request and not settings.get("loadBalancers"):
        raise ApiError(
            "InvalidParameterException",
            "Health check grace period is only valid for services configured to use load balancers",
        )


def _require_new_deployment(request: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html; the message is ECS's."""
    if not request.get("forceNewDeployment"):
        raise ApiError(
            "InvalidParameterException",
            "When switching from launch type to capacity provider strategy on an existing service, or making a change to a "
            "capacity provider strategy on a service that is already using one, you must force a new deployment.",
        )


def _deployment(settings: dict[str, Any]) -> Deployment:
    breaker = settings["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
    limit = breaker.get("thresholdConfiguration") or {}
    return Deployment(
        task_definition=settings["taskDefinition"],
        settings=copy.deepcopy(settings),
        breaker=Breaker(
            bool(breaker.get("enable")),
            bool(breaker.get("rollback")),
            limit=Limit(limit.get("type", "BOUNDED_PERCENT"), int(limit.get("value", 50))),
            resets=breaker.get("resetOnHealthyTask") is not False,
        ),
    )


def _deployment_configuration(given: dict[str, Any]) -> dict[str, Any]:
    breaker = {"enable": False, "rollback": False, **(given.get("deploymentCircuitBreaker") or {})}
    alarms = given.get("alarms") or {}
    if alarms and set(alarms) != {"alarmNames", "enable", "rollback"}:
        raise ApiError("InvalidParameterException", "Deployment alarms need alarmNames, enable and rollback.")
    defaults = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0}
    return {**defaults, **given, "deploymentCircuitBreaker": breaker}
