# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that give roles the same AWS names, and tags in the same form, as the modules use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import (
    DashboardNames,
    EnvironmentNames,
    RoleNames,
    ServiceNames,
)
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import tag_texts


def environment_names(environment: str, region: str = "") -> dict[str, Any]:
    """Names of an environment's cluster, load balancer, ledger, VPC and security groups.

    With a region also those of what has none: IAM roles and the dashboard.
    """
    names = EnvironmentNames(environment).as_dict()
    if not region:
        return names
    return {
        **names,
        **RoleNames(environment, region).as_dict(),
        "dashboard": DashboardNames(environment, region).shared,
    }


def service_names(service: str, environment: str, region: str = "") -> dict[str, Any]:
    """Names of a service's task family, log group, and per colour its ECS service and target group.

    With a region also those of what has none: IAM roles and the dashboard.
    """
    names = ServiceNames(environment, service).as_dict()
    if not region:
        return names
    dashboard = DashboardNames(environment, region).of_service(service)
    return {**names, **RoleNames(environment, region).of_service(service), "dashboard": dashboard}


def further_load_balancer(environment: str, name: str) -> str:
    """Name on AWS of a load balancer beside the environment's first."""
    return EnvironmentNames(environment).further_load_balancer(name)


# The console's hosts, by what the names of regions begin with.
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def dashboard_url(dashboard: str, region: str) -> str:
    """The address of a CloudWatch dashboard in the console of its region's partition."""
    others = (host for prefix, host in _CONSOLES.items() if region.startswith(prefix))
    host = next(others, f"{region}.console.aws.amazon.com")
    return f"https://{host}/cloudwatch/home?region={region}#dashboards/dashboard/{dashboard}"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "dashboard_url": dashboard_url,
            "environment_names": environment_names,
            "further_load_balancer": further_load_balancer,
            "service_names": service_names,
            "tag_texts": tag_texts,
        }
