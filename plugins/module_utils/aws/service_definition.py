# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of an ECS service: desired, as ECS describes them, and the requests that apply the difference.

Pure. Both sides become the same flat dictionary, so that what differs is what has to be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from . import launch_volumes
from .task_definition import port_name, serving

_NETWORK = {"subnets", "security_groups", "assign_public_ip"}
# Settings of a service whose deployments ECS leaves as they end, because a controller returns traffic.
NO_RETURN_BY_ECS: dict[str, Any] = {"rollback": False, "alarms": []}
_DEPLOYMENT = {"minimum_healthy_percent", "maximum_percent", "circuit_breaker", "rollback", "alarms"}
# A change of these starts new tasks; ECS applies all others to the service as it runs.
REDEPLOYING = frozenset(
    {
        "subnets", "security_groups", "assign_public_ip", "platform_version", "capacity_providers", "load_balancers",
        "service_connect", "service_registries", "volumes",
    }
)  # fmt: skip
# Of Service Connect: for a request, which TCP has none of, and for a connection without traffic.
_TIMEOUTS = {"request": "perRequestTimeoutSeconds", "idle": "idleTimeoutSeconds"}
_PLAIN = {
    "availability_zone_rebalancing": "availabilityZoneRebalancing",
    "health_check_grace_seconds": "healthCheckGracePeriodSeconds",
    "platform_version": "platformVersion",
    "propagate_tags": "propagateTags",
    "enable_ecs_managed_tags": "enableECSManagedTags",
    "enable_execute_command": "enableExecuteCommand",
}


def wanted(spec: Mapping[str, Any], target_group_arn: str, further: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings of the service of one colour, from the specification of a release. A worker has no target group of its own.

    `further` are ARNs of target groups in which its tasks are registered too, by name.
    """
    settings = {
        "subnets": sorted(spec["subnet_ids"]),
        "security_groups": sorted(spec["security_group_ids"]),
        "assign_public_ip": bool(spec.get("assign_public_ip")),
        "minimum_healthy_percent": spec["minimum_healthy_percent"],
        "maximum_percent": spec["maximum_percent"],
        "circuit_breaker": True,
        "rollback": True,
        # ECS returns to the last completed deployment where one of them fires, also while no controller runs.
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        "alarms": sorted({*((spec.get("gates") or {}).get("alarms") or []), *(spec.get("deployment_alarms") or [])}),
        "availability_zone_rebalancing": "ENABLED" if spec["availability_zone_rebalancing"] else "DISABLED",
        "health_check_grace_seconds": spec["health_check_grace_seconds"],
        "platform_version": spec["platform_version"],
        "propagate_tags": "SERVICE",
        "enable_ecs_managed_tags": True,
        "enable_execute_command": bool(spec.get("enable_execute_command")),
        "capacity_providers": _strategy(spec.get("capacity_providers") or [], "capacity_provider"),
        "load_balancers": _balancers(spec, target_group_arn, further or {}),
        "volumes": launch_volumes.wanted(spec.get("volumes") or []),
        "service_connect": _connect_wanted(spec),
        "service_registries": sorted(
            (
                {"arn": registry["arn"], **_target(registry.get("port"), spec)}
                for registry in spec.get("service_registries") or []
            ),
            key=itemgetter("arn"),
        ),
    }
    if not settings["load_balancers"]:
        # ECS refuses a grace period for health checks where there is no load balancer.
        del settings["health_check_grace_seconds"]
    return settings


def _balancers(spec: Mapping[str, Any], target_group_arn: str, further: Mapping[str, str]) -> list[dict[str, Any]]:
    own = {"target_group_arn": target_group_arn, "container": serving(spec), "port": spec.get("port")}
    beside = [
        {
            "target_group_arn": further[group["name"]],
            "container": group.get("container") or serving(spec),
            "port": group["port"],
        }
        for group in spec.get("further_target_groups") or []
        if group["name"] in further
    ]
    return sorted([*([own] if target_group_arn else []), *beside], key=itemgetter("target_group_arn"))


def described(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same settings of a service that ECS describes."""
    vpc = raw.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    deployment = raw.get("deploymentConfiguration", {})
    breaker, alarms = deployment.get("deploymentCircuitBreaker", {}), deployment.get("alarms", {})
    return {
        "subnets": sorted(vpc.get("subnets", [])),
        "security_groups": sorted(vpc.get("securityGroups", [])),
        "assign_public_ip": vpc.get("assignPublicIp") == "ENABLED",
        "minimum_healthy_percent": deployment.get("minimumHealthyPercent", 100),
        "maximum_percent": deployment.get("maximumPercent", 200),
        "circuit_breaker": breaker.get("enable", False),
        "rollback": breaker.get("rollback", False),
        "alarms": sorted(alarms.get("alarmNames", [])) if alarms.get("enable") and alarms.get("rollback") else [],
        "availability_zone_rebalancing": raw.get("availabilityZoneRebalancing", "DISABLED"),
        "health_check_grace_seconds": raw.get("healthCheckGracePeriodSeconds", 0),
        "platform_version": raw.get("platformVersion", "LATEST"),
        "propagate_tags": raw.get("propagateTags", "NONE"),
        "enable_ecs_managed_tags": raw.get("enableECSManagedTags", False),
        "enable_execute_command": raw.get("enableExecuteCommand", False),
        "capacity_providers": _strategy(raw.get("capacityProviderStrategy", []), "capacityProvider"),
        "load_balancers": sorted(
            (
                {
                    "target_group_arn": load_balancer["targetGroupArn"],
                    "container": load_balancer["containerName"],
                    "port": load_balancer["containerPort"],
                }
                for load_balancer in raw.get("loadBalancers", [])
            ),
            key=itemgetter("target_group_arn"),
        ),
        "volumes": launch_volumes.described(_primary(raw).get("volumeConfigurations") or []),
        "service_connect": _connect_described(raw),
        "service_registries": sorted(
            (
                {
                    "arn": registry["registryArn"],
                    "container": registry.get("containerName"),
                    "port": registry.get("containerPort"),
                }
                for registry in raw.get("serviceRegistries", [])
            ),
            key=itemgetter("arn"),
        ),
    }


def _target(port: int | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    """SRV records need a port of a container; ECS refuses one for other records."""
    return {"container": serving(spec) if port else None, "port": port}


def _connect_wanted(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Everything is told that ECS would fill in: what it answers is compared with it."""
    connect = spec.get("service_connect")
    if not connect:
        return {}
    services = [
        {
            "port_name": port_name(service.get("port") or spec["port"]),
            "name": service["name"],
            "aliases": [
                {
                    "port": service.get("client_port") or service.get("port") or spec["port"],
                    "dns_name": service.get("dns_name") or service["name"],
                }
            ],
            **_timeouts_and_tls(service),
        }
        for service in connect["services"]
    ]
    return {"namespace": connect["namespace_arn"], "services": sorted(services, key=itemgetter("name"))}


def _timeouts_and_tls(service: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is asked for: ECS has timeouts of its own where none is."""
    timeout = {
        key: service[f"{key}_timeout_seconds"] for key in _TIMEOUTS if service.get(f"{key}_timeout_seconds") is not None
    }
    tls = {key: value for key, value in (service.get("tls") or {}).items() if value}
    return {**({"timeout": timeout} if timeout else {}), **({"tls": tls} if tls else {})}


def _timeouts_and_tls_described(service: Mapping[str, Any]) -> dict[str, Any]:
    timeout = {key: service["timeout"][name] for key, name in _TIMEOUTS.items() if name in service.get("timeout", {})}
    found = service.get("tls") or {}
    tls = {
        "authority_arn": found.get("issuerCertificateAuthority", {}).get("awsPcaAuthorityArn"),
        "role_arn": found.get("roleArn"),
        "kms_key_arn": found.get("kmsKey"),
    }
    tls = {key: value for key, value in tls.items() if value}
    return {**({"timeout": timeout} if timeout else {}), **({"tls": tls} if tls else {})}


def _primary(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Some settings ECS tells by deployment: the newest one has what was asked for last."""
    return next((each for each in raw.get("deployments", []) if each["status"] == "PRIMARY"), {})


def _connect_described(raw: Mapping[str, Any]) -> dict[str, Any]:
    connect = _primary(raw).get("serviceConnectConfiguration") or {}
    if not connect.get("enabled"):
        return {}
    services = [
        {
            "port_name": service["portName"],
            "name": service.get("discoveryName") or service["portName"],
            "aliases": [
                {"port": alias["port"], "dns_name": alias.get("dnsName", "")}
                for alias in service.get("clientAliases", [])
            ],
            **_timeouts_and_tls_described(service),
        }
        for service in connect.get("services", [])
    ]
    return {"namespace": connect.get("namespace", ""), "services": sorted(services, key=itemgetter("name"))}


def names(settings: Mapping[str, Any]) -> list[str]:
    """Names of Service Connect and ids of services of Cloud Map by which others find the tasks of a service."""
    served = [service["name"] for service in (settings.get("service_connect") or {}).get("services", [])]
    return served + [registry["arn"].rpartition("/")[2] for registry in settings.get("service_registries", [])]


def without_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a service whose tasks others do not find by these names; it may still call others by theirs."""
    connect = settings["service_connect"]
    return {**settings, "service_connect": {**connect, "services": []} if connect else {}, "service_registries": []}


def differences(current: Mapping[str, Any], settings: Mapping[str, Any]) -> set[str]:
    return {key for key, value in settings.items() if current.get(key) != value}


def create_request(settings: Mapping[str, Any], task_definition: str, desired: int) -> dict[str, Any]:
    """Return what CreateService needs beside cluster, name and tags."""
    request = _request(settings, set(settings)) | {
        "taskDefinition": task_definition,
        "desiredCount": desired,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
    }
    if not settings["capacity_providers"]:
        del request["capacityProviderStrategy"]
        request["launchType"] = "FARGATE"
    if not settings["service_registries"]:
        del request["serviceRegistries"]
    if not settings["volumes"]:
        del request["volumeConfigurations"]
    if not settings["load_balancers"]:
        del request["loadBalancers"]
    return request


def update_request(settings: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    """Return the part of UpdateService that writes the changed settings; ECS keeps the others."""
    return _request(settings, changed)


def _request(settings: Mapping[str, Any], changed: set[str]) -> dict[str, Any]:
    request: dict[str, Any] = {name: settings[key] for key, name in _PLAIN.items() if key in changed}
    if changed & _NETWORK:
        request["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": settings["subnets"],
                "securityGroups": settings["security_groups"],
                "assignPublicIp": "ENABLED" if settings["assign_public_ip"] else "DISABLED",
            }
        }
    if changed & _DEPLOYMENT:
        request["deploymentConfiguration"] = {
            "minimumHealthyPercent": settings["minimum_healthy_percent"],
            "maximumPercent": settings["maximum_percent"],
            "deploymentCircuitBreaker": {"enable": settings["circuit_breaker"], "rollback": settings["rollback"]},
            "alarms": {
                "alarmNames": settings["alarms"],
                "enable": bool(settings["alarms"]),
                "rollback": bool(settings["alarms"]),
            },
        }
    if "capacity_providers" in changed:
        request["capacityProviderStrategy"] = [
            {"capacityProvider": item["capacity_provider"], "weight": item["weight"], "base": item["base"]}
            for item in settings["capacity_providers"]
        ]
    if "load_balancers" in changed:
        request["loadBalancers"] = [
            {
                "targetGroupArn": load_balancer["target_group_arn"],
                "containerName": load_balancer["container"],
                "containerPort": load_balancer["port"],
            }
            for load_balancer in settings["load_balancers"]
        ]
    if "volumes" in changed:
        request["volumeConfigurations"] = launch_volumes.request(settings["volumes"])
    if "service_registries" in changed:
        request["serviceRegistries"] = [
            {"registryArn": registry["arn"]}
            | ({"containerName": registry["container"], "containerPort": registry["port"]} if registry["port"] else {})
            for registry in settings["service_registries"]
        ]
    if "service_connect" in changed:
        request["serviceConnectConfiguration"] = _connect_request(settings["service_connect"])
    return request


def _connect_request(connect: Mapping[str, Any]) -> dict[str, Any]:
    if not connect:
        # Said at the creation too: a cluster may have a namespace that ECS takes by itself where nothing is said.
        return {"enabled": False}
    services = [
        {
            "portName": service["port_name"],
            "discoveryName": service["name"],
            "clientAliases": [{"port": alias["port"], "dnsName": alias["dns_name"]} for alias in service["aliases"]],
            **_timeouts_and_tls_request(service),
        }
        for service in connect["services"]
    ]
    return {"enabled": True, "namespace": connect["namespace"], "services": services}


def _timeouts_and_tls_request(service: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if timeout := service.get("timeout"):
        request["timeout"] = {_TIMEOUTS[key]: seconds for key, seconds in timeout.items()}
    if tls := service.get("tls"):
        key = {"kmsKey": tls["kms_key_arn"]} if "kms_key_arn" in tls else {}
        authority = {"awsPcaAuthorityArn": tls["authority_arn"]}
        request["tls"] = {"issuerCertificateAuthority": authority, "roleArn": tls["role_arn"], **key}
    return request


def balancers_of_version(
    load_balancers: Sequence[Mapping[str, Any]], definition: Mapping[str, Any], own: str | None = None
) -> list[dict[str, Any]]:
    """The load balancers of a service, with the container and the port that a version of it has: ECS refuses those of another one.

    Of several ports the first is the one that requests go to; where a version has no port at all, ECS says what is wrong.
    `own` is the target group of the colour, empty for a worker. A further one that is sent the same port goes where that one goes; one
    whose port the version does not have is left out, as the version never served it. None where all of them are others'.
    """
    ports = {
        container["name"]: [mapping["containerPort"] for mapping in container.get("portMappings", [])]
        for container in definition.get("containerDefinitions", [])
    }
    known = {name: listed for name, listed in ports.items() if listed}
    first = next((_goes_to(balancer) for balancer in load_balancers if balancer["target_group_arn"] == own), None)
    return [
        _of_version(balancer, known)
        for balancer in load_balancers
        if own is None or _goes_to(balancer) == first or balancer["port"] in ports.get(balancer["container"], [])
    ]


def _goes_to(balancer: Mapping[str, Any]) -> tuple[str, int]:
    return balancer["container"], balancer["port"]


def _of_version(balancer: Mapping[str, Any], ports: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    name = balancer["container"] if balancer["container"] in ports or len(ports) != 1 else next(iter(ports))
    known = ports.get(name, [])
    return {
        **balancer,
        "container": name,
        "port": known[0] if known and balancer["port"] not in known else balancer["port"],
    }


def connect_of_version(connect: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    """The names of Service Connect with the ports that a version of the service has: ECS refuses those of another one.

    A name keeps its port where the version has it; the others get the remaining ones in order, and one without a port is left out.
    """
    if not connect:
        return {}
    named = [
        mapping["name"]
        for container in definition.get("containerDefinitions", [])
        for mapping in container.get("portMappings", [])
        if mapping.get("name")
    ]
    services = connect.get("services", [])
    kept = {service["port_name"] for service in services} & {*named}
    free = iter([name for name in named if name not in kept])
    ports = [service["port_name"] if service["port_name"] in kept else next(free, None) for service in services]
    return {
        **connect,
        "services": [{**service, "port_name": port} for service, port in zip(services, ports, strict=True) if port],
    }


def _strategy(providers: list[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """ECS always returns weight and base; omitted ones are 0."""
    strategy = [
        {"capacity_provider": provider[name], "weight": provider.get("weight") or 0, "base": provider.get("base") or 0}
        for provider in providers
    ]
    return sorted(strategy, key=lambda item: item["capacity_provider"])
