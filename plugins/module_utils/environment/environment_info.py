# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a whole environment at once: every call that can go beside another does."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..aws import acm, ec2, ecr, ecs, efs, elbv2, rds, rds_shapes, sts
from ..aws.arns import load_balancer_of
from ..aws.elbv2_states import USUAL_PORTS, usual_listener
from ..aws.errors import Failure
from ..aws.naming import COLOURS, TAG_ENVIRONMENT, EnvironmentNames, ServiceNames
from ..aws.session import Aws
from ..aws.tags import tags_of
from ..common.invocation import Invocation
from ..common.ownership import ForeignError, is_refused
from ..service import foreign

TAG_TIER = "pear:tier"
PARTS = (
    "certificates",
    "cluster",
    "file_system",
    "identity",
    "listeners",
    "load_balancer",
    "network",
    "repositories",
    "target_groups",
    "zones",
)
# Read only where it is asked for: most environments have none, and most callers need no right to look for one.
DATABASE = "database"
TIERS = ("public", "private", "data")
_AT_ONCE = 8


def run(call: Invocation) -> dict[str, Any]:
    """Return the environment; what does not exist yet is null or empty."""
    identity = _identity(call)
    _refuse_foreign(call)
    return {"changed": False, "environment": {**identity, **read(call.aws, call.params)}}


def _refuse_foreign(call: Invocation) -> None:
    """For what modules of other collections write: they ask nobody whose it is."""
    claims, name = call.params.get("claims") or {}, call.params["environment"]
    found = [
        *(foreign.bucket(call.aws, claims["bucket"]) if claims.get("bucket") else ()),
        *(foreign.hosted_zone(call.aws, claims["hosted_zone"]) if claims.get("hosted_zone") else ()),
    ]
    ours, adopted = {TAG_ENVIRONMENT: name}, call.params.get("adopt") or ()
    refused = [existing for existing in found if is_refused(existing, ours, adopted)]
    if refused:
        raise ForeignError(refused, name)


def _identity(call: Invocation) -> dict[str, str]:
    """First by itself: wrong credentials or a dead endpoint end here, with one clear sentence, within seconds."""
    if "identity" not in call.params["parts"]:
        return {}
    found = sts.caller(call.aws)
    return {"account": found["account"], "caller": found["arn"]}


def read(aws: Aws, desired: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the environment that are asked for, by name and tag. What is not asked for is not in the answer."""
    name = desired["environment"]
    names = EnvironmentNames(name)
    given = desired.get("existing_network") or {}
    others = {key: value or "" for key, value in (desired.get("existing") or {}).items()}
    calls: dict[str, dict[str, Callable[[], Any]]] = {
        "zones": {"zones": lambda: ec2.zones(aws)},
        "network": {
            "vpc": lambda: _vpc(_vpcs(aws, name, given), name),
            "subnets": lambda: _subnets(aws, name, given),
            "security_groups": lambda: _security_groups(aws, names),
        },
        "load_balancer": {
            "load_balancer": lambda: _load_balancer(
                aws, names.load_balancer, desired["parts"], others.get("load_balancer", "")
            )
        },
        "cluster": {"cluster": lambda: _cluster(_cluster_of(aws, names.cluster, others.get("cluster", "")))},
        "repositories": {"repositories": lambda: _repositories(aws)},
        "file_system": {"file_system": lambda: _file_system(aws, name, others.get("file_system", ""))},
        "certificates": {"certificates": lambda: _certificates(aws)},
        "database": {"database": lambda: _database(aws, names.database)},
    }
    services = desired.get("services") or []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        submitted = {key: pool.submit(read) for part in desired["parts"] for key, read in calls.get(part, {}).items()}
        if desired.get("further_target_groups"):
            submitted["further_target_groups"] = pool.submit(_further, aws, desired)
        if services:
            cluster = others.get("cluster") or names.cluster
            submitted["released"] = pool.submit(_released, aws, name, cluster, services)
    return {"name": name, "region": aws.region, **{key: future.result() for key, future in submitted.items()}}


def _released(aws: Aws, environment: str, cluster: str, services: Sequence[str]) -> list[str]:
    """Those of the services that have an ECS service: the first release makes it, and nothing removes it before the service goes."""
    names = {service: ServiceNames(environment, service) for service in services}
    by_service = {service: [own.ecs_service(colour) for colour in COLOURS] for service, own in names.items()}
    found = ecs.services(aws, cluster, [name for both in by_service.values() for name in both])
    return [service for service, both in by_service.items() if any(name in found for name in both)]


def _further(aws: Aws, desired: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Further target groups of the one service that is named, as far as something leads to them."""
    (service,) = desired["services"]
    names = ServiceNames(desired["environment"], service)
    # No further target group has a colour's name: these are the colours' own, where a network load balancer leads to them.
    by_name = {
        name: names.target_group(name) if name in COLOURS else names.further_target_group(name)
        for name in desired["further_target_groups"]
    }
    found = elbv2.target_groups(aws, list(by_name.values()))
    return {
        name: {"arn": found[full].arn, "load_balancer_arn": found[full].load_balancer_arns[0]}
        for name, full in by_name.items()
        if full in found and found[full].load_balancer_arns
    }


def _vpcs(aws: Aws, name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [ec2.vpc(aws, given["vpc_id"])] if given else ec2.environment_vpcs(aws, name)


def _subnets(aws: Aws, name: str, given: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Subnets by tier, in the order of their zones."""
    if given:
        tiers = {subnet: tier for tier in TIERS for subnet in given.get(f"{tier}_subnet_ids") or []}
        subnets = ec2.subnets_by_id(aws, sorted(tiers))
        by_tier = [(tiers[subnet["SubnetId"]], subnet) for subnet in subnets]
    else:
        subnets = ec2.environment_subnets(aws, name)
        by_tier = [(tags_of(subnet).get(TAG_TIER, ""), subnet) for subnet in subnets]
    return {
        tier: [
            {"id": subnet["SubnetId"], "zone": subnet["AvailabilityZone"], "cidr": subnet["CidrBlock"]}
            for subnet in sorted(
                (s for t, s in by_tier if t == tier), key=lambda s: (s["AvailabilityZone"], s["CidrBlock"])
            )
        ]
        for tier in TIERS
    }


def _vpc(found: Sequence[Mapping[str, Any]], name: str) -> dict[str, str] | None:
    if len(found) > 1:
        ids = ", ".join(vpc["VpcId"] for vpc in found)
        raise Failure(
            f"{len(found)} VPCs carry the tags of environment {name}: {ids}. Remove the tags from all but one."
        )
    return {"id": found[0]["VpcId"], "cidr": found[0]["CidrBlock"]} if found else None


def _security_groups(aws: Aws, names: EnvironmentNames) -> dict[str, Any]:
    groups = {group["GroupName"]: group["GroupId"] for group in ec2.environment_security_groups(aws, names.environment)}
    pattern = re.compile(re.escape(names.further_load_balancer_security_group("NAME")).replace("NAME", "(.+)"))
    return {
        "load_balancer": groups.get(names.load_balancer_security_group),
        "tasks": groups.get(names.task_security_group),
        "file_system": groups.get(names.file_system_security_group),
        "database": groups.get(names.database),
        "further_load_balancers": {
            match[1]: group for name, group in groups.items() if (match := pattern.fullmatch(name))
        },
    }


def _certificates(aws: Aws) -> list[dict[str, Any]]:
    return [
        {
            "arn": certificate["CertificateArn"],
            "domain": certificate["DomainName"],
            "status": certificate.get("Status", "ISSUED"),
            # One that waits for its validation has no end yet.
            "ends_at": certificate["NotAfter"].timestamp() if certificate.get("NotAfter") else 0.0,
        }
        for certificate in acm.certificates(aws)
    ]


def _missing(what: str, value: str, variable: str) -> Failure:
    return Failure(
        f"{variable} is {value!r}, and there is no such {what} in this account and region. Nothing was changed."
    )


def _load_balancer(aws: Aws, name: str, parts: Collection[str], existing: str) -> dict[str, Any] | None:
    """The environment's load balancer, or one of others by its ARN or a listener's."""
    found = elbv2.load_balancer_of_arn(aws, load_balancer_of(existing)) if existing else elbv2.load_balancer(aws, name)
    if found is None and existing:
        raise _missing("load balancer", existing, "load_balancer_existing")
    if found is None:
        return None
    answer: dict[str, Any] = {
        "arn": found["LoadBalancerArn"],
        "name": found["LoadBalancerName"],
        "dns_name": found["DNSName"],
        "zone_id": found["CanonicalHostedZoneId"],
        "scheme": found["Scheme"],
        "security_groups": sorted(found.get("SecurityGroups", [])),
    }
    if "listeners" in parts:
        listeners = [
            listener
            for listener in elbv2.listeners(aws, answer["arn"])
            if ":listener/" not in existing or listener["ListenerArn"] == existing
        ]
        if ":listener/" in existing and not listeners:
            raise _missing("listener", existing, "load_balancer_existing")
        chosen = {protocol.lower(): usual_listener(listeners, protocol) for protocol in USUAL_PORTS}
        answer["listeners"] = {name: listener and listener["ListenerArn"] for name, listener in chosen.items()}
        answer["ports"] = {name: listener["Port"] for name, listener in chosen.items() if listener}
        answer["certificate_arn"] = _certificate_of(chosen["https"])
    if "target_groups" in parts:
        answer["target_groups"] = elbv2.load_balancer_target_groups(aws, answer["arn"])
    return answer


def _certificate_of(https: Mapping[str, Any] | None) -> str | None:
    """The default certificate of the https listener, if ACM has it: IAM's have no days that are told."""
    arns = [certificate["CertificateArn"] for certificate in (https or {}).get("Certificates", [])]
    return next((arn for arn in arns if ":acm:" in arn), None)


def _cluster_of(aws: Aws, name: str, existing: str) -> dict[str, Any] | None:
    found = ecs.cluster(aws, existing or name)
    if found is None and existing:
        raise _missing("cluster", existing, "cluster_existing")
    return found


def _cluster(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    settings = {setting["name"]: setting["value"] for setting in found.get("settings", [])}
    return {
        "arn": found["clusterArn"],
        "name": found["clusterName"],
        "container_insights": settings.get("containerInsights", "disabled"),
        "capacity_providers": sorted(found.get("capacityProviders", [])),
    }


def _database(aws: Aws, name: str) -> dict[str, Any] | None:
    cluster = rds.cluster(aws, name)
    found = cluster or rds.instance(aws, name)
    return {**rds_shapes.connection(found), "is_cluster": cluster is not None} if found else None


def _file_system(aws: Aws, name: str, existing: str) -> dict[str, Any] | None:
    found = efs.file_system(aws, existing) if existing else efs.find_file_system(aws, name)
    if found is None and existing:
        raise _missing("file system", existing, "file_system_existing")
    if found is None:
        return None
    points = efs.access_points(aws, found["FileSystemId"])
    return {
        "id": found["FileSystemId"],
        "arn": found["FileSystemArn"],
        "throughput_mode": found.get("ThroughputMode", "bursting"),
        "access_points": {tags_of(point).get("Name", ""): point["AccessPointId"] for point in points},
    }


def _repositories(aws: Aws) -> dict[str, str]:
    """URI by name."""
    return {repository["repositoryName"]: repository["repositoryUri"] for repository in ecr.repositories(aws)}
