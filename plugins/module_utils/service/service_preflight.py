# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate a service's variables before anything is changed. Reads AWS, and reports all findings at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ..aws import efs, elbv2, secretsmanager, ssm, sts
from ..aws.arns import ArnScope
from ..aws.elbv2_states import usual_listener
from ..aws.errors import AwsError, Failure
from ..aws.naming import COLOURS, EnvironmentNames, ServiceNames
from ..aws.tags import tags_of
from ..common.invocation import Invocation
from ..image import build, container_image
from ..image import platform as image_platform
from . import (
    existing_fit,
    foreign,
    further_fit,
    further_targets,
    listener_protocol,
    network_listener,
    reachable_ports,
    rule_conditions,
    rule_quota,
    uncovered_hosts,
)
from .location import NETWORK
from .policies import secret_arn
from .rule_names import with_names
from .rule_priorities import conflicts
from .variables import findings, has_requests, is_worker, warnings

# Variables of the environment that say what a service can stand on.
ENVIRONMENT_VARIABLES = (
    "file_system_enabled",
    "file_system_access_points",
    "file_system_existing",
    "load_balancer_certificate",
    "load_balancer_certificate_arn",
    uncovered_hosts.PEM,
    "load_balancer_domain",
    "load_balancer_existing",
    "network_ports_between_tasks",
    *further_fit.VARIABLES,
)
# Placeholder of an ARN: a target group that does not exist yet owns no rule.
_NONE = "(none)"


def run(call: Invocation) -> dict[str, Any]:
    """Return no findings, or raise Failure with all of them."""
    # First and alone: wrong credentials or an unreachable endpoint fail here within seconds.
    identity = sts.caller(call.aws)
    values: Mapping[str, Any] = call.params["variables"]
    # A host that is no service has no variables here: the types of its roles' variables are all there is to check.
    found = [
        *call.params["findings"],
        *(findings(values) if values else ()),
        *reachable_ports.findings(values, call.params["environment"]),
    ]
    place = ArnScope(call.aws.region, identity["account"], identity["arn"].split(":")[1])
    unchecked: list[str] = []
    checks = (
        *(_priorities, _listener_of_network, _further_target_groups, _image, _secrets),
        *(_login_secret, _access_points, _certificate, _https),
    )
    for check in checks if values else ():
        found += _careful(partial(check, call, values, place), unchecked)
    found += image_platform.by_tag(call, _sidecars(values), _architecture(values), unchecked)
    if call.params["ownership"]:
        found += _foreign(call, values, place, unchecked)
    if found:
        text = "\n".join(f"  - {finding}" for finding in found)
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        raise Failure(f"{count}, and nothing was changed:\n{text}", findings=found, unchecked=unchecked)
    uncovered = uncovered_hosts.warnings(values, call.params["environment"])
    told_only = [
        *warnings(values),
        *uncovered,
        *(f"Not looked at before the release: {failed}" for failed in unchecked),
    ]
    return {"changed": False, "findings": [], "unchecked": unchecked, "warnings": told_only}


def _careful(check: Callable[[], Iterator[str]], unchecked: list[str]) -> list[str]:
    """A deployer may lack the permission of a check: report the skipped check."""
    try:
        return list(check())
    except AwsError as failed:
        unchecked.append(str(failed))
        return []


def _foreign(call: Invocation, values: Mapping[str, Any], place: ArnScope, unchecked: list[str]) -> list[str]:
    """Resources of others: under the names of ours, or not fit for the use that the inventory makes of them."""
    shared, found = call.params["shared"], []
    if isinstance(shared.get("environment_name"), str):
        found += foreign.of_environment(call.aws, shared, place, unchecked)
        found += existing_fit.of_environment(call.aws, shared, unchecked)
    if isinstance(values.get("environment_name"), str) and isinstance(values.get("service_name"), str):
        found += foreign.of_service(call.aws, values, unchecked)
        found += existing_fit.of_service(call.aws, values, unchecked)
    return found


def _priorities(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    name, service = (values.get(key) for key in ("environment_name", "service_name"))
    if not (isinstance(name, str) and isinstance(service, str)) or any(rule_conditions.findings(values)):
        return
    if is_worker(values):
        yield from _routed_before(call, ServiceNames(name, service))
        return
    if not has_requests(values):
        yield from _of_another_kind(call, ServiceNames(name, service))
        return
    https = _listener(call, name)
    if https is None:
        return
    names = [ServiceNames(name, service).target_group(colour) for colour in COLOURS]
    groups = elbv2.target_groups(call.aws, names)
    blue, green = (groups[name].arn if name in groups else f"{_NONE} {name}" for name in names)
    rules = with_names(call.aws, elbv2.rules(call.aws, https), blue, green)
    desired = rule_conditions.desired_rules(rule_conditions.of_variables(values), (blue, green), rules)
    for taken in conflicts(rules, desired):
        yield f"service_priority is {values.get('service_priority') or 'free to choose'}: {taken}"
    yield from rule_quota.findings(call.aws, https, rules, desired)


def _further_target_groups(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """Nothing is read where there are none, or where what the inventory says of them is wrong already."""
    if not further_targets.given(values) or any(further_targets.findings(values)):
        return
    if isinstance(values.get("environment_name"), str) and isinstance(values.get("service_name"), str):
        yield from further_fit.findings(call.aws, values, call.params["environment"])


def _routed_before(call: Invocation, names: ServiceNames) -> Iterator[str]:
    """A worker that has target groups was a service with requests: its rules and its second colour would be left over."""
    found = elbv2.target_groups(call.aws, [names.target_group(colour) for colour in COLOURS])
    if found:
        yield (
            f"service_kind is worker, and {names.service} has the target groups {', '.join(sorted(found))} of a service with requests: "
            f"remove it first, with playbooks/destroy.yml -l {names.service} -e confirm={names.service}, or name the worker otherwise"
        )


def _of_another_kind(call: Invocation, names: ServiceNames) -> Iterator[str]:
    """A service that had requests has target groups of HTTP, which no network load balancer's listener takes."""
    found = elbv2.target_groups(call.aws, [names.target_group(colour) for colour in COLOURS])
    requests = sorted(name for name, group in found.items() if group.protocol in further_targets.OF_REQUESTS)
    if requests:
        yield (
            f"service_kind is network, and {names.service} has the target groups {', '.join(requests)} of a service with requests: remove "
            f"it first, with playbooks/destroy.yml -l {names.service} -e confirm={names.service}, or name the service otherwise"
        )


def _listener_of_network(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """Nothing is read where what the inventory says of it is wrong already."""
    named = isinstance(values.get("environment_name"), str) and isinstance(values.get("service_name"), str)
    if named and values.get("service_kind") == NETWORK and not any(network_listener.variable_findings(values)):
        yield from further_fit.listener_findings(call.aws, values, call.params["environment"])


def _listener(call: Invocation, name: str) -> str | None:
    """The listener that gets the service's rules, if it is there already."""
    existing = call.params["environment"].get("load_balancer_existing") or ""
    if ":listener/" in existing:
        return str(existing)
    found = elbv2.load_balancer_of_arn(call.aws, existing) if existing else None
    balancer = found or elbv2.load_balancer(call.aws, EnvironmentNames(name).load_balancer)
    listeners = elbv2.listeners(call.aws, balancer["LoadBalancerArn"]) if balancer else []
    https = usual_listener(listeners, "HTTPS")
    return str(https["ListenerArn"]) if https else None


def _image(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """A prebuilt image is looked up as a release would; what is built has nothing to be looked up yet."""
    image = values.get("service_image")
    if not image:
        if not (values.get("registry_build") or {}).get("context"):
            yield "neither service_image nor registry_build.context is set: there is nothing to run"
        else:
            yield from _build_context(values["registry_build"])
        return
    desired = {"image": image, "tag": values.get("registry_tag") or None}
    try:
        container_image.run(Invocation(desired, call.aws, True, call.clock, call.progress))
    except AwsError:
        raise
    except Failure as missing:
        yield f"service_image is {image!r}: {missing}"


def _build_context(given: Mapping[str, Any]) -> Iterator[str]:
    try:
        build.plan(str(given["context"]), str(given.get("containerfile") or ""), {}, "", "")
    except Failure as missing:
        yield str(missing)


def _access_points(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """An access point is made by the inventory's role file_system, or is there already."""
    volumes = {
        volume["access_point"]: str(volume.get("name"))
        for volume in values.get("service_volumes") or []
        if isinstance(volume, Mapping) and isinstance(volume.get("access_point"), str)
    }
    environment = call.params["environment"]
    planned = environment.get("file_system_access_points") if environment.get("file_system_enabled") else []
    known = {str(point.get("name")) for point in planned or [] if isinstance(point, Mapping)}
    if not volumes.keys() - known or not isinstance(values.get("environment_name"), str):
        return
    existing = environment.get("file_system_existing")
    found = (
        efs.file_system(call.aws, existing) if existing else efs.find_file_system(call.aws, values["environment_name"])
    )
    points = efs.access_points(call.aws, found["FileSystemId"]) if found else []
    known |= {tags_of(point).get("Name", "") for point in points}
    for point in sorted(volumes.keys() - known):
        yield (
            f"service_volumes: the access point {point!r} of {volumes[point]} does not exist, and the environment makes none of that name; "
            f"there are {', '.join(sorted(known)) or 'none'}. Add it to file_system_access_points, and set file_system_enabled"
        )


def _certificate(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    name = values.get("environment_name")
    if isinstance(name, str) and has_requests(values):
        yield from uncovered_hosts.findings(
            call.aws, values, call.params["environment"], partial(_listener, call, name)
        )


def _https(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    """Only a listener of others may be without TLS, and only if the inventory names it."""
    existing = str(call.params["environment"].get("load_balancer_existing") or "")
    if ":listener/" in existing and has_requests(values):
        asked = values.get("service_login"), values.get("service_protocol_version")
        yield from listener_protocol.findings(call.aws, existing, *asked)


def _login_secret(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    login = values.get("service_login") or {}
    arn = (login.get("oidc") or {}).get("client_secret_arn") if isinstance(login, Mapping) else None
    if isinstance(arn, str) and not secretsmanager.secret_exists(call.aws, arn):
        yield f"service_login.oidc.client_secret_arn names a secret that Secrets Manager does not have in {call.aws.region}"


def _secrets(call: Invocation, values: Mapping[str, Any], place: ArnScope) -> Iterator[str]:
    for where, source in _named_secrets(values):
        arn = secret_arn(source, place)
        if arn.split(":")[3:5] != [place.region, place.account]:
            # Another region's or account's: this run's credentials and endpoint say nothing about it.
            continue
        # The value may be a secret by mistake: it is not repeated.
        if ":secretsmanager:" in arn and not secretsmanager.secret_exists(call.aws, arn):
            yield f"{where} names a secret that Secrets Manager does not have in {call.aws.region}"
        if ":ssm:" in arn and not ssm.parameter_exists(call.aws, _parameter(arn, source)):
            yield f"{where} names a parameter that SSM does not have in {call.aws.region}"


def _named_secrets(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each secret that ECS reads for each container, with the variable that names it."""
    app = values.get("service_container")
    given = [("service_container.", app)] if isinstance(app, Mapping) else []
    given += [(f"service_sidecars: {sidecar['name']}: ", sidecar) for sidecar in _sidecars(values)]
    named = [("service_secrets", values.get("service_secrets"))]
    for where, container in given:
        log = container.get("log")
        named.append((f"{where}secrets", container.get("secrets")))
        named.append((f"{where}log.secret_options", log.get("secret_options") if isinstance(log, Mapping) else None))
        if isinstance(container.get("repository_credentials"), str):
            yield f"{where}repository_credentials", container["repository_credentials"]
    for where, secrets in named:
        if isinstance(secrets, Mapping):
            yield from ((f"{where}.{name}", source) for name, source in secrets.items() if isinstance(source, str))


def _sidecars(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those that have a name and an image; what is wrong with the others is a finding already."""
    return [
        sidecar
        for sidecar in values.get("service_sidecars") or []
        if isinstance(sidecar, Mapping) and all(isinstance(sidecar.get(key), str) for key in ("name", "image"))
    ]


def _architecture(values: Mapping[str, Any]) -> str | None:
    """That of the tasks; another word than ECS's is a finding already."""
    named = values.get("service_architecture")
    return str(named) if named in image_platform.ARCHITECTURES else None


def _parameter(arn: str, source: str) -> str:
    """SSM lists a parameter by its name, which begins with / where it has a path; its ARN has one slash either way."""
    if not source.startswith("arn:"):
        return source
    name = arn.partition(":parameter/")[2]
    return f"/{name}" if "/" in name else name
