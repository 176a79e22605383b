# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names by which other services find a service's tasks: Service Connect, and services of Cloud Map. Options and findings, pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_CONNECT_SERVICE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "port": {"type": "int"},
    "dns_name": {"type": "str"},
    "client_port": {"type": "int"},
    "protocol": {"type": "str", "choices": ["http", "http2", "grpc"]},
    "request_timeout_seconds": {"type": "int"},
    "idle_timeout_seconds": {"type": "int"},
    "tls": {
        "type": "dict",
        "options": {
            "authority_arn": {"type": "str", "required": True},
            "role_arn": {"type": "str", "required": True},
            # The key's name on AWS, and no key.
            "kms_key_arn": {"type": "str", "no_log": False},
        },
    },
}
# Documented by the fragment pear.fargate.service.
DISCOVERY_ARGUMENTS: dict[str, Any] = {
    "service_connect": {
        "type": "dict",
        "options": {
            "namespace_arn": {"type": "str", "required": True},
            "services": {"type": "list", "elements": "dict", "default": [], "options": _CONNECT_SERVICE},
        },
    },
    "service_registries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"arn": {"type": "str", "required": True}, "port": {"type": "int"}},
    },
}
_ARN = "arn:aws[a-z-]*:servicediscovery:[a-z0-9-]+:[0-9]{12}:"
_NAMESPACE, _SERVICE = (re.compile(f"{_ARN}{kind}") for kind in ("namespace/ns-.+", "service/srv-.+"))
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceConnectService.html
_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")


def discovery_findings(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Of a release's options, or with the prefix service_ of a service's variables; these two have the same names in both."""
    given = options.get("service_connect")
    connect = given if isinstance(given, Mapping) else {}
    registries = _mappings(options.get("service_registries"))
    served = _mappings(connect.get("services"))
    if connect and not _NAMESPACE.fullmatch(str(connect.get("namespace_arn"))):
        # ECS may answer a namespace's name or its ARN where a name was given; an ARN is always answered as it is.
        yield (
            f"service_connect.namespace_arn is {connect.get('namespace_arn')!r}; it must be the ARN of a namespace of "
            "Cloud Map, such as arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-abcdefgh12345678"
        )
    for service in served:
        if not _NAME.fullmatch(str(service.get("name"))):
            yield (
                f"service_connect.services: {service.get('name')!r} is no name; it has lower-case letters, digits, _ and -, "
                "at most 64, and does not begin with -"
            )
        if not (service.get("port") or options.get(f"{prefix}port")):
            yield f"service_connect.services: {service.get('name')} has no port"
        if service.get("request_timeout_seconds") is not None and not service.get("protocol"):
            yield (
                f"service_connect.services: {service.get('name')} has request_timeout_seconds and no protocol; TCP has no requests, so set "
                "protocol or leave it out"
            )
    for registry in registries:
        if not _SERVICE.fullmatch(str(registry.get("arn"))):
            yield (
                f"service_registries: {registry.get('arn')!r} is no ARN of a service of Cloud Map, such as "
                "arn:aws:servicediscovery:eu-central-1:123456789012:service/srv-abcdefgh12345678"
            )
    strategy = options.get(f"{prefix}strategy") or "rolling"
    if strategy != "rolling":
        reason = f"{prefix}strategy is {strategy}: tasks of a candidate would be found by these names before it has passed anything"
        if served:
            yield (
                f"service_connect.services names ports, and {reason}; in a namespace only one ECS service can have a name. "
                "Use rolling, or leave services out: clients may have any strategy"
            )
        if registries:
            yield f"service_registries is set, and {reason}. Use rolling"


def has_names(options: Mapping[str, Any]) -> bool:
    """Whether a release's options give the tasks names by which others find them."""
    return bool((options.get("service_connect") or {}).get("services") or options.get("service_registries"))


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    """What is no list of mappings, the argument specs report."""
    return [element for element in found or () if isinstance(element, Mapping)] if isinstance(found, list) else []
