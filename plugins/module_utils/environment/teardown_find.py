# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the collection made for an environment, found by tags, and by names where AWS has no tags: one function per service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..aws import (
    acm,
    autoscaling,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    ecs,
    efs,
    elbv2,
    iam,
    logs,
    route53,
    scheduler,
    sns,
    xray,
)
from ..aws.naming import (
    COLOURS,
    TAG_CLUSTER,
    TAG_ENVIRONMENT,
    TAG_LISTENER,
    TAG_REGION,
    TAG_SERVICE,
    DashboardNames,
    EnvironmentNames,
    HealthCheckNames,
    ServiceNames,
)
from ..aws.route53 import metrics_region
from ..aws.session import Aws
from ..aws.tags import tags_of
from ..aws.xray import SamplingRule
from ..monitoring.alarms import in_order, is_composite
from ..service import further_places, routing_removal
from ..service.alias_records import Balancer, bare, leftovers
from . import teardown_backup as backup_teardown
from . import teardown_others
from . import teardown_rds as rds_teardown
from .teardown_order import Resource

_AT_ONCE = 8


def everything(aws: Aws, name: str, services: set[str], clusters: Sequence[str] = ()) -> list[Resource]:
    """All resources of the environment but its names in DNS; services and clusters of others are those that the inventory knows."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        groups = pool.submit(_target_groups, aws, name)
        beside = pool.submit(lambda: _beside(aws, name, groups.result()))
        running = pool.submit(lambda: _ecs(aws, name, [*_clusters(groups.result()), *clusters]))
        log_groups = pool.submit(_log_groups, aws, name)
        finders: list[Callable[[Aws, str], list[Resource]]] = [
            _balancer, _further_balancers, _certificates, _roles, _ledger, _files, _topics, _alarms, _schedules, _traces,
            rds_teardown.databases, rds_teardown.parameter_groups, rds_teardown.log_groups,
            backup_teardown.plans_and_vaults,
        ]  # fmt: skip
        submitted = [pool.submit(find, aws, name) for find in finders]
        submitted += [pool.submit(network, aws, name, kind) for kind in ec2.KINDS]
        found = [
            resource for future in (running, groups, beside, log_groups, *submitted) for resource in future.result()
        ]
        # An environment that is half there shows its services in one place or the other.
        services |= {
            resource.detail for resource in found if resource.kind in {"ECS service", "log group"} and resource.detail
        }
        services |= {
            resource.detail[TAG_SERVICE]
            for resource in found
            if resource.kind == "target group" and TAG_SERVICE in resource.detail
        }
        submitted = [
            pool.submit(find, aws, name, services)
            for find in (_task_definitions, _dashboards, _saved_queries, _repositories)
        ]
        return found + [resource for future in submitted for resource in future.result()]


def network(aws: Aws, name: str, kind: str) -> list[Resource]:
    """What carries the environment's tag, of one of EC2's kinds."""
    found = ec2.tagged(aws, kind, name)
    resources = [Resource(kind, key, _named(key, entry), entry) for key, entry in found.items()]
    if kind == "security group":
        # Groups name each other in their rules: all rules go before the first group.
        resources += [
            Resource("security group rules", f"{key} rules", _named(key, entry), entry) for key, entry in found.items()
        ]
    return resources


def _named(key: str, entry: Mapping[str, Any]) -> str:
    name = tags_of(entry).get("Name", "")
    return f"{name} ({key})" if name else key


def _clusters(groups: Sequence[Resource]) -> list[str]:
    """Clusters of others in which services run. Workers have no target groups to say so: the inventory names theirs."""
    return sorted({group.detail[TAG_CLUSTER] for group in groups if group.detail.get(TAG_CLUSTER)})


def _ecs(aws: Aws, name: str, others: Sequence[str]) -> list[Resource]:
    return [
        resource
        for cluster in dict.fromkeys((EnvironmentNames(name).cluster, *(other.rpartition("/")[2] for other in others)))
        for resource in _of_cluster(aws, name, cluster)
    ]


def _of_cluster(aws: Aws, name: str, cluster_name: str) -> list[Resource]:
    """Services with our tag, and the cluster if that has it too."""
    cluster = ecs.cluster(aws, cluster_name)
    if cluster is None:
        return []
    states = ecs.services(aws, cluster_name, ecs.service_names(aws, cluster_name))
    services = sorted(service for service, state in states.items() if state.tags.get(TAG_ENVIRONMENT) == name)
    others = ", ".join(sorted(set(states) - set(services)))
    why = f"ECS services of others run in it: {others}" if others else ""
    ours = tags_of(cluster).get(TAG_ENVIRONMENT) == name
    scaled = autoscaling.scalable_targets(aws, cluster_name, services) if services else {}
    resources = [Resource("cluster", cluster["clusterArn"], cluster_name, protected=why)] if ours else []
    resources += [Resource("autoscaling", f"{cluster_name}/{service}", service, cluster_name) for service in scaled]
    # Who was asked to go is no longer asked: once it is gone, nobody may know any more whose it was.
    stay = [service for service in services if states[service].status != "DRAINING"]
    return resources + [
        Resource("ECS service", f"{cluster_name} {service}", service, _service_of(service)) for service in stay
    ]


def _service_of(ecs_service: str) -> str:
    service, _dash, colour = ecs_service.rpartition("-")
    return service if colour in COLOURS else ""


def _task_definitions(aws: Aws, name: str, services: set[str]) -> list[Resource]:
    return [
        Resource("task definition", arn, arn.rpartition("/")[2])
        for service in sorted(services)
        for arn in _own_revisions(aws, name, ServiceNames(name, service).family)
    ]


def _own_revisions(aws: Aws, name: str, family: str) -> list[str]:
    """One call for each of many revisions would take long: it is made where the latest one is not ours."""
    revisions = ecs.task_definition_revisions(aws, family)
    if not revisions or _is_own_revision(aws, name, family):
        return revisions
    return [arn for arn in revisions if _is_own_revision(aws, name, arn)]


def _is_own_revision(aws: Aws, name: str, reference: str) -> bool:
    return (ecs.revision_tags(aws, reference) or {}).get(TAG_ENVIRONMENT) == name


def _balancer(aws: Aws, name: str) -> list[Resource]:
    found = elbv2.load_balancer(aws, EnvironmentNames(name).load_balancer)
    if found is None:
        return []
    arn = found["LoadBalancerArn"]
    if elbv2.tags(aws, [arn])[arn].get(TAG_ENVIRONMENT) != name:
        return []
    return [load_balancer(aws, found, name)]


def _further_balancers(aws: Aws, name: str) -> list[Resource]:
    """Beside the first: by their names' beginning and their tags."""
    found = elbv2.load_balancers(aws, f"{name}-")
    tags = elbv2.tags(aws, [balancer["LoadBalancerArn"] for balancer in found]) if found else {}
    return [
        load_balancer(aws, balancer, name)
        for balancer in found
        if tags[balancer["LoadBalancerArn"]].get(TAG_ENVIRONMENT) == name
    ]


def load_balancer(aws: Aws, found: Mapping[str, Any], name: str = "") -> Resource:
    """Its listeners and their rules go with it. Without an environment's name nobody knows which of them are others'."""
    arn = found["LoadBalancerArn"]
    protected = elbv2.load_balancer_attributes(aws, arn).get("deletion_protection.enabled") == "true"
    why = (
        "deletion protection is on; set load_balancer_deletion_protection to false and run provision.yml"
        if protected
        else ""
    )
    reasons = (why, teardown_others.behind(aws, arn, name) if name else "")
    return Resource("load balancer", arn, found["LoadBalancerName"], found, protected="; ".join(filter(None, reasons)))


def _target_groups(aws: Aws, name: str) -> list[Resource]:
    # Names are cut to fit, but never their beginning.
    arns = elbv2.target_group_arns(aws, name)
    return [
        Resource("target group", arn, arn.split("/")[1], tags)
        for arn, tags in elbv2.tags(aws, arns).items()
        if tags.get(TAG_ENVIRONMENT) == name
    ]


def _beside(aws: Aws, name: str, groups: Sequence[Resource]) -> list[Resource]:
    """Rules in listeners of others, which stay there: those that forward to our target groups and to nothing else."""
    ours = {group.id for group in groups}
    listeners = sorted({group.detail[TAG_LISTENER] for group in groups if group.detail.get(TAG_LISTENER)})
    found = [*rules_to(aws, listeners, ours), *to_further(aws, groups)]
    return list({resource.id: resource for resource in found}.values())


def to_further(aws: Aws, groups: Sequence[Resource]) -> list[Resource]:
    """What leads to further target groups: rules, and the listeners that were made for them at network load balancers."""
    ours = [group.id for group in groups if further_places.has_own_listener(group.detail)]
    found = elbv2.target_groups_by_arn(aws, ours).values() if ours else ()
    balancers = {arn for group in found for arn in group.load_balancer_arns}
    ways = further_places.ways_to(aws, balancers, ours)
    return [
        *(Resource("listener rule", rule.arn, f"{rule.conditions} → {rule.owner}") for rule in ways.rules),
        *(
            Resource("listener", listener["ListenerArn"], further_places.described(listener))
            for listener in ways.listeners
        ),
    ]


def rules_to(aws: Aws, listeners: Sequence[str], target_groups: set[str]) -> list[Resource]:
    """Rules of these listeners that forward to these target groups alone."""
    return [
        Resource("listener rule", rule.arn, f"{rule.conditions} → {rule.owner}")
        for rule in routing_removal.rules_to(aws, listeners, target_groups)
    ]


def _certificates(aws: Aws, name: str) -> list[Resource]:
    return [
        Resource("certificate", certificate["CertificateArn"], certificate["DomainName"])
        for certificate in acm.certificates(aws)
        if acm.tags(aws, certificate["CertificateArn"]).get(TAG_ENVIRONMENT) == name
    ]


def _log_groups(aws: Aws, name: str) -> list[Resource]:
    prefix = f"/pear/{name}/"
    return [
        Resource("log group", group, group, group.removeprefix(prefix).partition("/")[0])
        for group, arn in logs.log_groups(aws, prefix).items()
        if logs.tags(aws, arn).get(TAG_ENVIRONMENT) == name
    ]


def _roles(aws: Aws, name: str) -> list[Resource]:
    """Those of the same environment name in another region are another environment's."""
    tags = {role: iam.role_tags(aws, role) for role in iam.role_names(aws, f"{name}-")}
    ours = {TAG_ENVIRONMENT: name, TAG_REGION: aws.region}
    return [Resource("role", role, role) for role, own in tags.items() if ours.items() <= own.items()]


def _traces(aws: Aws, name: str) -> list[Resource]:
    """Sampling rules, which are deleted by their names, and groups of X-Ray."""
    return [
        Resource(part.kind, part.name if isinstance(part, SamplingRule) else part.arn, part.name, tags)
        for part, tags in xray.named_for(aws, name)
        if tags.get(TAG_ENVIRONMENT) == name
    ]


def _ledger(aws: Aws, name: str) -> list[Resource]:
    table = EnvironmentNames(name).ledger
    found = dynamodb.table(aws, table)
    if found is None or found["TableStatus"] == "DELETING":
        return []
    if dynamodb.table_tags(aws, found["TableArn"]).get(TAG_ENVIRONMENT) != name:
        return []
    why = "its deletion protection is on; switch it off first" if found.get("DeletionProtectionEnabled") else ""
    return [Resource("ledger", table, table, protected=why)]


def _files(aws: Aws, name: str) -> list[Resource]:
    found = efs.find_file_system(aws, name)
    if found is None or tags_of(found).get(TAG_ENVIRONMENT) != name:
        return []
    return file_system(aws, name, found)


def file_system(aws: Aws, name: str, found: Mapping[str, Any]) -> list[Resource]:
    """The file system, with its mount targets and access points."""
    key = found["FileSystemId"]
    if found["LifeCycleState"] in {"deleting", "deleted"}:
        return []
    targets = [Resource("mount target", mount_target["MountTargetId"]) for mount_target in efs.mount_targets(aws, key)]
    points = [Resource("access point", access_point["AccessPointId"]) for access_point in efs.access_points(aws, key)]
    return [Resource("file system", key, f"{name} ({key})"), *targets, *points]


def _topics(aws: Aws, name: str) -> list[Resource]:
    names = EnvironmentNames(name)
    return _named_topics(aws, name, (names.alarm_topic, names.warning_topic, names.release_topic))


def _named_topics(aws: Aws, name: str, topics: Sequence[str]) -> list[Resource]:
    return [
        Resource("topic", arn, topic, aws.region)
        for topic in topics
        for arn in sns.topic_arns(aws, topic)
        if sns.tags(aws, arn).get(TAG_ENVIRONMENT) == name
    ]


def _schedules(aws: Aws, name: str) -> list[Resource]:
    """The group goes with all that is in it."""
    found = scheduler.group(aws, name)
    if found is None or found["State"] == "DELETING":
        return []
    if scheduler.group_tags(aws, found["Arn"]).get(TAG_ENVIRONMENT) != name:
        return []
    return [Resource("schedules", name, name)]


def _alarms(aws: Aws, name: str) -> list[Resource]:
    """Without those of health checks of the same environment name in another region, whose metrics this one keeps."""
    own = HealthCheckNames(name, aws.region)
    return [alarm for alarm in _named_alarms(aws, name, f"{name}/") if not own.is_of_another_region(alarm.id)]


def _named_alarms(aws: Aws, name: str, prefix: str) -> list[Resource]:
    """A composite alarm before those that its rule names."""
    found = {
        alarm["AlarmName"]: alarm
        for alarm in cloudwatch.alarms(aws, prefix)
        if cloudwatch.tags(aws, alarm["AlarmArn"]).get(TAG_ENVIRONMENT) == name
    }
    return [
        Resource("composite alarm" if is_composite(found[alarm]) else "alarm", alarm, alarm, aws.region)
        for alarm in reversed(in_order(found.values()))
    ]


def beside_health_checks(aws: Aws, name: str) -> list[Resource]:
    """Alarms and their topic where Route 53 keeps its metrics, unless that is the environment's region anyway.

    Another environment of this name may be in that region: what is its own stays.
    """
    there, names = aws.elsewhere(metrics_region(aws.region)), HealthCheckNames(name, aws.region)
    if there is aws:
        return []
    return [*_named_alarms(there, name, names.alarm_prefix), *_named_topics(there, name, [names.topic])]


def _dashboards(aws: Aws, name: str, services: set[str]) -> list[Resource]:
    names = DashboardNames(name, aws.region)
    ours = {names.of_service(service) for service in services} | {names.shared}
    return [
        Resource("dashboard", dashboard, dashboard)
        for dashboard, arn in cloudwatch.dashboards(aws, names.prefix).items()
        if dashboard in ours and cloudwatch.tags(aws, arn).get(TAG_ENVIRONMENT) == name
    ]


def _saved_queries(aws: Aws, name: str, services: set[str]) -> list[Resource]:
    """They carry no tags: ours say so in their first line."""
    prefixes = tuple(ServiceNames(name, service).saved_query_prefix for service in services)
    return [
        Resource("saved query", query.id, query.name, query)
        for query in logs.saved_queries(aws, f"{name}/")
        if query.name.startswith(prefixes) and query.owner == name
    ]


def _repositories(aws: Aws, name: str, services: set[str]) -> list[Resource]:
    """Repositories are shared by the environments of an account: theirs is the service's name alone."""
    ours = [found for found in ecr.repositories(aws) if found["repositoryName"] in services]
    return [
        Resource("repository", found["repositoryName"], found["repositoryName"])
        for found in ours
        if ecr.repository_tags(aws, found["repositoryArn"]).get(TAG_SERVICE) in services
    ]


def health_checks(aws: Aws, name: str) -> list[Resource]:
    found = route53.health_checks(aws, HealthCheckNames(name, aws.region).reference_prefix)
    return [
        Resource("health check", check["Id"], check["HealthCheckConfig"].get("FullyQualifiedDomainName", ""))
        for check in found
    ]


def _to_our_balancers(aws: Aws, name: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records that lead to the environment's own load balancers, or to a first one that it had: never those to one of others."""
    further = [
        record
        for resource in _further_balancers(aws, name)
        for record in leftovers(records, Balancer(resource.name, resource.detail["DNSName"], "", aws.region))
    ]
    return [*_to_first_balancer(aws, name, records), *further]


def _to_first_balancer(aws: Aws, name: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    called = EnvironmentNames(name).load_balancer
    balancer = elbv2.load_balancer(aws, called)
    if balancer is not None:
        arn = balancer["LoadBalancerArn"]
        if elbv2.tags(aws, [arn])[arn].get(TAG_ENVIRONMENT) != name:
            return []
    return leftovers(records, Balancer(called, (balancer or {}).get("DNSName", ""), "", aws.region))


def names_in_dns(aws: Aws, name: str, zone: str, certificates: Sequence[str]) -> list[Resource]:
    """Records that lead to the environment's load balancer; and where nothing else is in a zone of its own, the zone with the proofs
    of its certificates. Elsewhere proofs stay: ACM has one record for a domain and an account, by which it renews the certificates of
    every environment and region that has the domain.

    https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
    """
    zone_id = route53.find_zone(aws, zone)
    if zone_id is None:
        return []
    found = route53.all_records(aws, zone_id)
    ours = _to_our_balancers(aws, name, found)
    proofs = {
        bare(option["ResourceRecord"]["Name"])
        for arn in certificates
        for option in acm.describe_certificate(aws, arn).get("DomainValidationOptions", [])
        if "ResourceRecord" in option
    }
    proven = [record for record in found if record["Type"] == "CNAME" and bare(record["Name"]) in proofs]
    others = [record for record in found if record not in (*ours, *proven) and record["Type"] not in {"NS", "SOA"}]
    zone_goes = not others and route53.zone_tags(aws, zone_id).get(TAG_ENVIRONMENT) == name
    resources = [
        Resource(
            "DNS record",
            f"{record['Name']} {record['Type']} {record.get('SetIdentifier', '')}".strip(),
            "",
            (zone_id, record),
        )
        for record in (*ours, *(proven if zone_goes else ()))
    ]
    if zone_goes:
        resources.append(Resource("hosted zone", zone_id, zone))
    return resources
