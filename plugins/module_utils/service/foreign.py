# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resources that others made under the names that the inventory's will have: found all at once, before the first is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from ..aws import (
    backup,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    ecs,
    efs,
    elbv2,
    iam,
    logs,
    rds,
    rds_shapes,
    route53,
    s3,
    scheduler,
    sns,
    xray,
)
from ..aws.arns import ArnScope
from ..aws.errors import AwsError
from ..aws.naming import (
    COLOURS,
    TAG_COMPONENT,
    TAG_ENVIRONMENT,
    DashboardNames,
    EnvironmentNames,
    RoleNames,
    ServiceNames,
    database_logs,
    parameter_group,
)
from ..aws.session import Aws
from ..aws.tags import tags_of
from ..common.ownership import Existing, is_refused, refusal
from ..image.reference import is_elsewhere
from ..monitoring import logs_saved_queries, sampling_rules
from ..monitoring.alarm_parts import is_own
from ..monitoring.saved_queries import service_queries
from . import block_storage, further_targets
from .variables import is_worker

# Variables of the environment's roles that decide which resources it has of its own.
VARIABLES = (
    "cluster_existing",
    "database_enabled",
    "database_engine",
    "database_engine_version",
    "database_log_exports",
    "dns_create_zone",
    "dns_zone",
    "environment_adopt",
    "environment_name",
    "file_system_backup_plan",
    "file_system_enabled",
    "environment_release_topic",
    "file_system_existing",
    "load_balancer_access_logs_bucket",
    "load_balancer_access_logs_create",
    "load_balancer_existing",
    "load_balancer_further",
    "monitoring_alarms",
    "monitoring_dashboard",
    "monitoring_enabled",
    "monitoring_sampling_rules",
    "monitoring_topic_arns",
    "monitoring_warning_topic_arns",
    "network_existing",
    "network_flow_log_days",
)
# Variables of other roles that decide which resources a service has of its own, beside those of its own roles.
SERVICE_VARIABLES = (
    "cluster_existing",
    "monitoring_alarms",
    "monitoring_dashboard",
    "monitoring_enabled",
    "monitoring_sampling_rules",
    "monitoring_saved_queries",
    "monitoring_trace_group",
    "monitoring_trace_health_checks",
)
_AT_ONCE = 8
Finder = Callable[[], Iterator[Existing]]


def of_environment(aws: Aws, values: Mapping[str, Any], place: ArnScope, unchecked: list[str]) -> list[str]:
    """A sentence for each resource of others that has the name of one of the environment's."""
    name = str(values["environment_name"])
    names, roles = EnvironmentNames(name), RoleNames(name, place.region)
    on = values.get
    finders: list[Finder] = [lambda: _table(aws, names.ledger)]
    if not on("cluster_existing"):
        finders.append(lambda: _cluster(aws, names.cluster))
    if not on("load_balancer_existing"):
        finders.append(lambda: _load_balancer(aws, names.load_balancer))
    further = [
        balancer
        for balancer in on("load_balancer_further") or []
        if isinstance(balancer, Mapping) and balancer.get("name")
    ]
    for balancer in further:
        finders.append(partial(_load_balancer, aws, names.further_load_balancer(str(balancer["name"]))))
    if on("file_system_enabled") and not on("file_system_existing"):
        finders.append(lambda: _file_system(aws, name))
        if on("file_system_backup_plan") is not None:
            finders += [lambda: _backups(aws, names.backup), lambda: _role(aws, roles.backup)]
    if on("monitoring_enabled", True) and not on("monitoring_topic_arns"):
        finders.append(lambda: _topic(aws, place.arn("sns", names.alarm_topic)))
        if not on("monitoring_warning_topic_arns"):
            finders.append(lambda: _topic(aws, place.arn("sns", names.warning_topic)))
    if on("monitoring_enabled", True) and on("environment_release_topic"):
        finders.append(lambda: _topic(aws, place.arn("sns", names.release_topic)))
    if on("monitoring_enabled", True):
        rules = sampling_rules.environment_rules(name, on("monitoring_sampling_rules") or ())
        finders.append(lambda: _sampling_rules(aws, [rule["name"] for rule in rules]))
        finders.append(lambda: _alarms(aws, names.alarm_prefix, name, on("monitoring_alarms") or ()))
        if on("monitoring_dashboard", True):
            finders.append(lambda: _dashboard(aws, DashboardNames(name, place.region).shared))
    if on("database_enabled"):
        finders += [lambda: _database(aws, names.database), lambda: _subnet_group(aws, names.database)]
        finders.append(lambda: _database_settings(aws, names.database, values))
    if on("dns_create_zone") and on("dns_zone"):
        finders.append(lambda: hosted_zone(aws, str(on("dns_zone"))))
    if on("load_balancer_access_logs_create") and on("load_balancer_access_logs_bucket"):
        finders.append(lambda: bucket(aws, str(on("load_balancer_access_logs_bucket"))))
    existing = on("network_existing") or {}
    if existing.get("vpc_id"):
        groups = [names.further_load_balancer_security_group(str(balancer["name"])) for balancer in further]
        finders.append(lambda: _security_groups(aws, names, existing["vpc_id"], groups))
    elif on("network_flow_log_days"):
        finders += [
            lambda: _log_group(aws, f"/pear/{name}/network"),
            lambda: _role(aws, roles.flow_log),
        ]
    return _refused(finders, name, on("environment_adopt") or [], unchecked)


def of_service(aws: Aws, values: Mapping[str, Any], unchecked: list[str]) -> list[str]:
    """A sentence for each resource of others that has the name of one of the service's."""
    name, on = str(values["environment_name"]), values.get
    names, roles = ServiceNames(name, str(values["service_name"])), RoleNames(name, aws.region)
    groups = [names.target_group(colour) for colour in COLOURS]
    groups += [names.further_target_group(str(group["name"])) for group in further_targets.given(values)]
    finders: list[Finder] = [lambda: _target_groups(aws, groups)]
    if not on("service_log_group"):
        finders.append(lambda: _log_group(aws, names.log_group))
    if not on("service_execution_role_arn"):
        finders.append(lambda: _role(aws, roles.execution(names.service)))
    if not on("service_task_role_arn"):
        finders.append(lambda: _role(aws, roles.task(names.service)))
    if block_storage.uses_them(values) and not on("service_infrastructure_role_arn"):
        finders.append(lambda: _role(aws, roles.infrastructure(names.service)))
    if on("service_schedules"):
        finders.append(lambda: _role(aws, roles.schedule(names.service)))
    repository = str(on("registry_repository") or "")
    if repository and not on("registry_existing") and not is_elsewhere(on("service_image"), repository):
        finders.append(lambda: _repository(aws, repository))
    if on("monitoring_enabled", True) and on("monitoring_dashboard", True) and not is_worker(values):
        finders.append(lambda: _dashboard(aws, DashboardNames(name, aws.region).of_service(names.service)))
    if on("monitoring_enabled", True):
        rules = sampling_rules.of_inventory(names, values, is_worker(values))
        finders.append(lambda: _sampling_rules(aws, [rule["name"] for rule in rules]))
        if sampling_rules.has_group(values):
            finders.append(lambda: _trace_group(aws, names.trace_group))
        finders.append(lambda: _alarms(aws, names.alarm_prefix, name, on("monitoring_alarms") or ()))
        queries, log_group = service_queries(on("monitoring_saved_queries") or ()), on("service_log_group")
        finders.append(
            lambda: logs_saved_queries.taken(
                aws, name, names.saved_query_prefix, queries, [str(log_group or names.log_group)]
            )
        )
    if on("service_schedules"):
        finders.append(lambda: schedule_group(aws, name))
    cluster = str(on("cluster_existing") or EnvironmentNames(name).cluster)
    finders.append(lambda: running(aws, cluster, names, COLOURS[:1] if is_worker(values) else COLOURS))
    return _refused(finders, name, on("environment_adopt") or [], unchecked)


def _refused(finders: list[Finder], name: str, adopted: list[str], unchecked: list[str]) -> list[str]:
    """The sentences. What the caller has no permission to read is told, and keeps nothing else from being looked at."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(list, find()) for find in finders]
        found = [existing for future in futures for existing in _result(future, unchecked)]
    shared, own = {TAG_COMPONENT: "registry"}, {TAG_ENVIRONMENT: name}
    return [
        refusal(existing, "" if existing.kind == "repository" else name).rstrip(".")
        for existing in found
        if is_refused(existing, shared if existing.kind == "repository" else own, adopted)
    ]


def _result(future: Future[list[Existing]], unchecked: list[str]) -> list[Existing]:
    try:
        return future.result()
    except AwsError as failed:
        unchecked.append(str(failed))
        return []


def running(aws: Aws, cluster: str, names: ServiceNames, colours: Iterable[str]) -> Iterator[Existing]:
    """The ECS services of these names; where there is none yet, the family of their task definitions.

    A service that runs owns its family, also where somebody registered a revision by hand.
    """
    found = ecs.services(aws, cluster, [names.ecs_service(colour) for colour in colours])
    for name, state in found.items():
        yield Existing("ecs_service", name, state.tags)
    tags = None if found else ecs.revision_tags(aws, names.family)
    if tags is not None:
        yield Existing("task_definition", names.family, tags)


def _table(aws: Aws, name: str) -> Iterator[Existing]:
    found = dynamodb.table(aws, name)
    if found:
        yield Existing("ledger", name, dynamodb.table_tags(aws, found["TableArn"]))


def _cluster(aws: Aws, name: str) -> Iterator[Existing]:
    found = ecs.cluster(aws, name)
    if found:
        yield Existing("cluster", name, tags_of(found))


def _load_balancer(aws: Aws, name: str) -> Iterator[Existing]:
    found = elbv2.load_balancer(aws, name)
    if found:
        arn = found["LoadBalancerArn"]
        yield Existing("load_balancer", name, elbv2.tags(aws, [arn])[arn])


def _file_system(aws: Aws, name: str) -> Iterator[Existing]:
    found = efs.find_file_system(aws, name)
    if found:
        yield Existing("file_system", f"{name} ({found['FileSystemId']})", tags_of(found))


def _topic(aws: Aws, arn: str) -> Iterator[Existing]:
    if sns.attributes(aws, arn) is not None:
        yield Existing("topic", arn.rpartition(":")[2], sns.tags(aws, arn))


def _database(aws: Aws, name: str) -> Iterator[Existing]:
    found = rds.cluster(aws, name) or rds.instance(aws, name)
    if found:
        yield Existing("database", name, tags_of(found))


def _subnet_group(aws: Aws, name: str) -> Iterator[Existing]:
    found = rds.subnet_group(aws, name)
    if found:
        yield Existing("database", name, rds.tags(aws, found.arn), label="database subnet group")


def _database_settings(aws: Aws, name: str, values: Mapping[str, Any]) -> Iterator[Existing]:
    """What is made before the database: its parameter group, and the log groups that RDS would make without an end to what they keep."""
    engine, version = str(values.get("database_engine")), str(values.get("database_engine_version"))
    of_cluster = engine == rds_shapes.AURORA
    group = parameter_group(name, engine, version)
    arn = rds.parameter_group_arn(aws, group, of_cluster)
    if arn:
        yield Existing("database", group, rds.tags(aws, arn), label="database parameter group")
    for log in values.get("database_log_exports") or ():
        yield from _log_group(aws, f"{database_logs(name, of_cluster)}{log}")


def _alarms(aws: Aws, prefix: str, environment: str, more: Iterable[Mapping[str, Any]]) -> Iterator[Existing]:
    """Alarms with the names of ours: the collection's own and those of the inventory. One with another name stays, and is no obstacle.

    Tags take a call for each alarm, so the first of ours ends the search: alarms are made all or none, and an alarm of others that came
    later under such a name is refused by cloudwatch_alarms itself.
    """
    named = {f"{prefix}{alarm.get('name')}" for alarm in more}
    for alarm in cloudwatch.alarms(aws, prefix):
        name = alarm["AlarmName"]
        if is_own(name) or name in named:
            found = cloudwatch.tags(aws, alarm["AlarmArn"])
            yield Existing("alarm", name, found)
            if found.get(TAG_ENVIRONMENT) == environment:
                return


def _backups(aws: Aws, name: str) -> Iterator[Existing]:
    plan, vault = backup.plan(aws, name), backup.vault(aws, name)
    if plan:
        yield Existing("backup", name, backup.tags(aws, plan["BackupPlanArn"]), label="backup plan")
    if vault:
        yield Existing("backup", name, backup.tags(aws, vault["BackupVaultArn"]), label="backup vault")


def _dashboard(aws: Aws, name: str) -> Iterator[Existing]:
    found = cloudwatch.dashboard(aws, name)
    if found:
        yield Existing("dashboard", name, cloudwatch.tags(aws, found.arn))


def _sampling_rules(aws: Aws, names: list[str]) -> Iterator[Existing]:
    found = xray.sampling_rules(aws) if names else {}
    for name in names:
        if name in found:
            yield Existing("sampling_rule", name, xray.tags(aws, found[name].arn))


def _trace_group(aws: Aws, name: str) -> Iterator[Existing]:
    found = xray.trace_groups(aws).get(name)
    if found:
        yield Existing("trace_group", name, xray.tags(aws, found.arn))


def schedule_group(aws: Aws, name: str) -> Iterator[Existing]:
    found = scheduler.group(aws, name)
    if found:
        yield Existing("schedule_group", name, scheduler.group_tags(aws, found["Arn"]))


def hosted_zone(aws: Aws, name: str) -> Iterator[Existing]:
    zone_id = route53.find_zone(aws, name)
    if zone_id:
        yield Existing("hosted_zone", name, route53.zone_tags(aws, zone_id))


def bucket(aws: Aws, name: str) -> Iterator[Existing]:
    tags = s3.bucket_tags(aws, name)
    if tags is not None:
        yield Existing("bucket", name, tags)


def _security_groups(aws: Aws, names: EnvironmentNames, vpc_id: str, more: Iterable[str]) -> Iterator[Existing]:
    ours = {
        *more,
        names.load_balancer_security_group,
        names.task_security_group,
        names.file_system_security_group,
        names.database,
    }
    for group in ec2.security_groups(aws, vpc_id):
        if group["GroupName"] in ours:
            yield Existing("security_group", f"{group['GroupName']} ({group['GroupId']})", tags_of(group))


def _log_group(aws: Aws, name: str) -> Iterator[Existing]:
    found = logs.log_group(aws, name)
    if found:
        yield Existing("log_group", name, logs.tags(aws, found["arn"].removesuffix(":*")))


def _role(aws: Aws, name: str) -> Iterator[Existing]:
    found = iam.role(aws, name)
    if found:
        yield Existing("role", name, tags_of(found))


def _target_groups(aws: Aws, names: list[str]) -> Iterator[Existing]:
    found = elbv2.target_groups(aws, names)
    tags = elbv2.tags(aws, [group.arn for group in found.values()]) if found else {}
    for name, group in found.items():
        yield Existing("target_group", name, tags[group.arn])


def _repository(aws: Aws, name: str) -> Iterator[Existing]:
    found = ecr.find_repository(aws, name)
    if found:
        yield Existing("repository", name, ecr.repository_tags(aws, found["repositoryArn"]))
