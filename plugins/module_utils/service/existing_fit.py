# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what others made fits what the inventory puts on it: looked at before anything is made, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import ec2, ecr, ecs, efs, elbv2, iam, logs, wafv2
from ..aws.arns import load_balancer_of
from ..aws.elbv2_states import usual_listener
from ..aws.errors import AwsError
from ..aws.session import Aws
from .reachable_ports import span

# Variables of the environment's roles, besides those of foreign.py, that say what its resources need.
VARIABLES = ("load_balancer_scheme", "load_balancer_web_acl_arn", "network_task_ports")
_POLICIES = ("autoscaling_policies", "autoscaling_step_policies")
_TASKS = "ecs-tasks.amazonaws.com"
_ECS = "ecs.amazonaws.com"
_ANYWHERE = "0.0.0.0/0"
# Without a way out, Fargate pulls images and writes logs through these.
_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "s3")


def of_environment(aws: Aws, values: Mapping[str, Any], unchecked: list[str]) -> list[str]:
    """A sentence for each thing of others that the environment cannot stand on."""
    network = values.get("network_existing") or {}
    checks: list[Callable[[], Iterator[str]]] = []
    if network.get("vpc_id"):
        checks.append(lambda: _network(aws, values, network))
    if values.get("load_balancer_existing"):
        checks.append(lambda: _load_balancer(aws, str(values["load_balancer_existing"]), network))
        checks.append(lambda: _ways_to_tasks(aws, values, str(values["load_balancer_existing"])))
        if values.get("load_balancer_web_acl_arn"):
            checks.append(lambda: _web_acl(aws, values))
    if values.get("cluster_existing"):
        checks.append(lambda: _cluster(aws, str(values["cluster_existing"])))
    if values.get("file_system_existing"):
        checks.append(lambda: _file_system(aws, str(values["file_system_existing"]), network))
    return _found(checks, unchecked)


def of_service(aws: Aws, values: Mapping[str, Any], unchecked: list[str]) -> list[str]:
    """A sentence for each thing of others that the service cannot use."""
    checks: list[Callable[[], Iterator[str]]] = []
    if values.get("service_log_group"):
        checks.append(lambda: _log_group(aws, str(values["service_log_group"])))
    roles = {
        "service_execution_role_arn": _TASKS,
        "service_task_role_arn": _TASKS,
        "service_infrastructure_role_arn": _ECS,
    }
    for variable, service in roles.items():
        if values.get(variable):
            checks.append(partial(_role, aws, variable, str(values[variable]), service))
    if values.get("registry_existing"):
        checks.append(lambda: _repository(aws, str(values.get("registry_repository"))))
    if values.get("service_subnet_ids"):
        checks.append(lambda: _subnets_of_service(aws, values))
    if values.get("service_security_group_ids"):
        checks.append(lambda: _security_groups(aws, values))
    if values.get("cluster_existing") and values.get("service_capacity_providers"):
        checks.append(lambda: _capacity(aws, values))
    if values.get("cluster_existing") and any(values.get(key) for key in _POLICIES):
        checks.append(lambda: _insights(aws, values))
    return _found(checks, unchecked)


def _found(checks: Sequence[Callable[[], Iterator[str]]], unchecked: list[str]) -> list[str]:
    """What is missing is a finding; what the caller may not read is told, and is none."""
    found: list[str] = []
    for check in checks:
        try:
            found += check()
        except AwsError as failed:
            missing = "NotFound" in failed.code or "Malformed" in failed.code
            (found if missing else unchecked).append(str(failed).rstrip("."))
    return found


def _network(aws: Aws, values: Mapping[str, Any], network: Mapping[str, Any]) -> Iterator[str]:
    vpc_id = ec2.vpc(aws, network["vpc_id"])["VpcId"]
    tables = ec2.route_tables(aws, vpc_id)
    tiers = ["private"]
    if not values.get("load_balancer_existing"):
        tiers += ["public"] if values.get("load_balancer_scheme", "internet-facing") == "internet-facing" else []
    for tier in tiers:
        variable = f"network_existing.{tier}_subnet_ids"
        ids = network.get(f"{tier}_subnet_ids") or []
        subnets = ec2.subnets_by_id(aws, ids) if ids else []
        elsewhere = [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] != vpc_id]
        if elsewhere:
            yield f"{variable}: {', '.join(elsewhere)} is not in {vpc_id}"
        yield from _zones(variable, subnets)
        closed = [
            subnet["SubnetId"] for subnet in subnets if not _way_out(tables, subnet["SubnetId"], tier == "public")
        ]
        if closed and tier == "public":
            yield f"{variable}: {', '.join(closed)} has no route to an internet gateway, which an internet-facing load balancer needs"
        else:
            yield from _closed(aws, variable, vpc_id, closed)


def _subnets_of_service(aws: Aws, values: Mapping[str, Any]) -> Iterator[str]:
    variable = "service_subnet_ids"
    subnets = ec2.subnets_by_id(aws, values[variable])
    yield from _zones(variable, subnets)
    vpc_id = _vpc_of(aws, values)
    elsewhere = [subnet["SubnetId"] for subnet in subnets if vpc_id and subnet["VpcId"] != vpc_id]
    if elsewhere:
        yield f"{variable}: {', '.join(elsewhere)} is not in {vpc_id}, where the environment's security groups and target groups are"
        return
    public = bool(values.get("service_assign_public_ip"))
    for vpc in sorted({subnet["VpcId"] for subnet in subnets}):
        tables = ec2.route_tables(aws, vpc)
        inside = [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == vpc]
        yield from _closed(
            aws, variable, vpc, [subnet_id for subnet_id in inside if not _way_out(tables, subnet_id, public)]
        )


def _vpc_of(aws: Aws, values: Mapping[str, Any]) -> str:
    """The environment's VPC; empty where it is still to be made."""
    existing = values.get("network_existing") or {}
    if existing.get("vpc_id"):
        return str(existing["vpc_id"])
    found = ec2.environment_vpcs(aws, str(values.get("environment_name")))
    return str(found[0]["VpcId"]) if found else ""


def _security_groups(aws: Aws, values: Mapping[str, Any]) -> Iterator[str]:
    vpc_id, variable = _vpc_of(aws, values), "service_security_group_ids"
    there = {group["GroupId"] for group in ec2.security_groups(aws, vpc_id)} if vpc_id else set(values[variable])
    missing = [group for group in values[variable] if group not in there]
    if missing:
        yield f"{variable} holds {', '.join(missing)}, and {vpc_id}, where the tasks are, has no such security group"


def _capacity(aws: Aws, values: Mapping[str, Any]) -> Iterator[str]:
    """ECS refuses a provider that the cluster lacks, and a cluster of others gets none from here."""
    found = ecs.cluster(aws, str(values["cluster_existing"]))
    there = (found or {}).get("capacityProviders", [])
    named = {
        str(provider.get("capacity_provider"))
        for provider in values["service_capacity_providers"]
        if isinstance(provider, Mapping)
    }
    if found and named - set(there):
        yield (
            f"service_capacity_providers names {', '.join(sorted(named - set(there)))}, and cluster {found['clusterName']} "
            f"(cluster_existing) has {', '.join(sorted(there)) or 'none'}: leave it out, or ask its owner to add it"
        )


def _insights(aws: Aws, values: Mapping[str, Any]) -> Iterator[str]:
    """A backlog is divided by the number of running tasks, which Container Insights counts."""
    with_backlog = [
        key
        for key in _POLICIES
        if any(isinstance(policy, Mapping) and policy.get("metric") == "backlog" for policy in values.get(key) or [])
    ]
    if not with_backlog:
        return
    found = ecs.cluster(aws, str(values["cluster_existing"])) or {}
    if found and all(setting.get("value") == "disabled" for setting in found.get("settings", [])):
        yield from (
            f"{key} has a backlog, and Container Insights is off in cluster {found['clusterName']} (cluster_existing): ask its owner to "
            "turn it on, or follow another metric"
            for key in with_backlog
        )


def _closed(aws: Aws, variable: str, vpc_id: str, closed: Sequence[str]) -> Iterator[str]:
    """Subnets without a way out, where the VPC has no endpoints in its place."""
    if closed and (missing := _missing_endpoints(aws, vpc_id)):
        yield (
            f"{variable}: {', '.join(closed)} has no route to {_ANYWHERE}, and the VPC no endpoint of {', '.join(missing)}: tasks "
            "could not pull their image. Add a NAT gateway or the endpoints, or name other subnets"
        )


def _zones(variable: str, subnets: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    zones = sorted({subnet["AvailabilityZone"] for subnet in subnets})
    if len(zones) < 2:
        yield (
            f"{variable} is in {' and '.join(zones) or 'no availability zone'}; name subnets of two zones at least, so that the loss of "
            "one does not end the service"
        )


def _way_out(tables: Sequence[Mapping[str, Any]], subnet_id: str, to_the_internet: bool) -> bool:
    """The routes of the subnet's own table, or else of the VPC's main one."""
    own = [
        table
        for table in tables
        if any(association.get("SubnetId") == subnet_id for association in table.get("Associations", []))
    ]
    main = [table for table in tables if any(association.get("Main") for association in table.get("Associations", []))]
    routes = [route for table in own or main for route in table.get("Routes", [])]
    out = [route for route in routes if route.get("DestinationCidrBlock") == _ANYWHERE]
    if to_the_internet:
        return any(str(route.get("GatewayId", "")).startswith("igw-") for route in out)
    return bool(out)


def _missing_endpoints(aws: Aws, vpc_id: str) -> list[str]:
    there = {endpoint["ServiceName"].partition(f"{aws.region}.")[2] for endpoint in ec2.endpoints(aws, vpc_id)}
    return [service for service in _ENDPOINTS if service not in there]


def _load_balancer(aws: Aws, existing: str, network: Mapping[str, Any]) -> Iterator[str]:
    found = elbv2.load_balancer_of_arn(aws, load_balancer_of(existing))
    if found is None:
        yield f"load_balancer_existing is {existing!r}, and there is no such load balancer in this account and region"
        return
    if found.get("Type", "application") != "application":
        yield f"load_balancer_existing is a {found['Type']} load balancer; the rules of services need an application load balancer"
        return
    if network.get("vpc_id") and found["VpcId"] != network["vpc_id"]:
        yield (
            f"load_balancer_existing is in {found['VpcId']} and network_existing.vpc_id is {network['vpc_id']}: it does not reach "
            "tasks there"
        )
    if not network.get("vpc_id"):
        yield (
            f"load_balancer_existing is in {found['VpcId']}, and the environment would make a VPC of its own, which it does not reach: set "
            "network_existing to that VPC"
        )
    listeners = elbv2.listeners(aws, found["LoadBalancerArn"])
    arns = [listener["ListenerArn"] for listener in listeners]
    if ":listener/" in existing and existing not in arns:
        yield f"load_balancer_existing is {existing!r}, and load balancer {found['LoadBalancerName']} has no such listener"
    elif ":listener/" not in existing and usual_listener(listeners, "HTTPS") is None:
        ports = sorted(listener["Port"] for listener in listeners if listener["Protocol"] == "HTTPS")
        has = (
            f"HTTPS listeners on the ports {', '.join(map(str, ports))} and none on 443"
            if ports
            else "no HTTPS listener"
        )
        yield (
            f"load balancer {found['LoadBalancerName']} has {has}: name the listener to use by its ARN in load_balancer_existing"
        )


def _web_acl(aws: Aws, values: Mapping[str, Any]) -> Iterator[str]:
    """Nothing is put in front of a load balancer of others: somebody may believe that there is a firewall."""
    named, existing = str(values["load_balancer_web_acl_arn"]), str(values["load_balancer_existing"])
    found = wafv2.web_acl(aws, load_balancer_of(existing))
    if found != named:
        yield (
            f"load_balancer_web_acl_arn is {named!r} and load_balancer_existing has {found or 'no web ACL'} in front of it, which stays "
            "as it is: ask its owner to associate it, or leave load_balancer_web_acl_arn out"
        )


def _ways_to_tasks(aws: Aws, values: Mapping[str, Any], existing: str) -> Iterator[str]:
    """The tasks let the load balancer's security groups in; whether those let requests out is their owner's to say."""
    found, ports = elbv2.load_balancer_of_arn(aws, load_balancer_of(existing)), values.get("network_task_ports")
    own = set((found or {}).get("SecurityGroups", []))
    if not found or not own or not isinstance(ports, list):
        return
    groups = [group for group in ec2.security_groups(aws, found["VpcId"]) if group["GroupId"] in own]
    rules = [rule for group in groups for rule in group.get("IpPermissionsEgress", [])]
    if groups and not any(_lets_out(rule, first, last) for rule in rules for first, last in map(span, ports)):
        yield (
            f"the security groups of load_balancer_existing ({', '.join(sorted(own))}) let it send nothing to the ports "
            f"{', '.join(map(str, ports))} (network_task_ports): ask its owner for such an egress rule"
        )


def _lets_out(rule: Mapping[str, Any], first: int, last: int) -> bool:
    if rule["IpProtocol"] == "-1":
        return True
    return rule["IpProtocol"] == "tcp" and rule.get("FromPort", 0) <= last and first <= rule.get("ToPort", 65535)


def _cluster(aws: Aws, name: str) -> Iterator[str]:
    found = ecs.cluster(aws, name)
    if found is None:
        yield f"cluster_existing is {name!r}, and there is no such active cluster in this account and region"


def _file_system(aws: Aws, file_system_id: str, network: Mapping[str, Any]) -> Iterator[str]:
    found = efs.file_system(aws, file_system_id)
    if found is None:
        yield f"file_system_existing is {file_system_id!r}, and there is no such file system in this account and region"
        return
    ids = network.get("private_subnet_ids") or []
    needed = {subnet["AvailabilityZone"] for subnet in ec2.subnets_by_id(aws, ids)} if ids else set()
    there = {target["AvailabilityZoneName"] for target in efs.mount_targets(aws, file_system_id)}
    if missing := sorted(needed - there):
        yield f"file system {file_system_id} has no mount target in {', '.join(missing)}, where tasks run: they could not mount it"


def _log_group(aws: Aws, name: str) -> Iterator[str]:
    if logs.log_group(aws, name) is None:
        yield f"service_log_group is {name!r}, and there is no such log group in {aws.region}: containers would not start"


def _role(aws: Aws, variable: str, arn: str, service: str) -> Iterator[str]:
    if not arn.startswith("arn:"):
        yield f"{variable} is {arn!r}; it must be the role's ARN, arn:aws:iam::ACCOUNT:role/NAME"
        return
    found = iam.role(aws, arn.rpartition("/")[2])
    if found is None or found["Arn"] != arn:
        yield f"{variable} is {arn!r}, and there is no such role in this account"
    elif service not in str(found["AssumeRolePolicyDocument"]):
        yield f"{variable}: the trust policy of {arn} does not let {service} assume it"


def _repository(aws: Aws, name: str) -> Iterator[str]:
    if ecr.find_repository(aws, name) is None:
        yield f"registry_existing is true, and there is no repository {name!r} (registry_repository) in {aws.region}"
