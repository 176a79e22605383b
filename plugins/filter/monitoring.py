# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alarms and dashboards for roles and playbooks. The input is environment_info's environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils.aws.arns import ArnScope
from ..module_utils.aws.naming import COLOURS, EnvironmentNames, HealthCheckNames, ServiceNames
from ..module_utils.aws.route53 import metrics_region
from ..module_utils.monitoring import alarm_parts as parts
from ..module_utils.monitoring import environment_alarms as shared_alarms
from ..module_utils.monitoring import environment_dashboard as shared_dashboard
from ..module_utils.monitoring import objectives, sampling_rules
from ..module_utils.monitoring import service_alarms as alarms
from ..module_utils.monitoring import service_dashboard as dashboard
from ..module_utils.monitoring.burn_alarms import burn_alarms
from ..module_utils.monitoring.collector import Watched, namespace
from ..module_utils.monitoring.observed import Observed, dimension
from ..module_utils.monitoring.program_graphs import own_graphs, program_of
from ..module_utils.monitoring.saved_queries import service_queries
from ..module_utils.service.location import NETWORK, WEB


def _place(environment: Mapping[str, Any]) -> ArnScope:
    return ArnScope(environment["region"], environment["account"], environment["caller"].split(":")[1])


def alarm_topic_arn(
    environment: Mapping[str, Any], of_health_checks: bool = False, severity: str = parts.CRITICAL
) -> str:
    """ARN of the environment's topic of a severity, or of releases; that of health checks is in the region of their metrics."""
    place = _place(environment)
    source = metrics_region(place.region)
    if of_health_checks and source != place.region:
        topic = HealthCheckNames(environment["name"], place.region).topic
        return replace(place, region=source).arn("sns", topic)
    names = EnvironmentNames(environment["name"])
    topics = {
        parts.CRITICAL: names.alarm_topic,
        parts.WARNING: names.warning_topic,
        parts.RELEASES: names.release_topic,
    }
    if severity not in topics:
        raise AnsibleFilterError(f"There is no topic of the severity {severity!r}; there are {', '.join(topics)}.")
    return place.arn("sns", topics[severity])


def health_check_topics(environment: Mapping[str, Any], services: Sequence[Mapping[str, Any]]) -> list[str]:
    """ARNs of the topics that alarms on health checks tell, of services by their variables in the inventory."""
    watched = [
        service
        for service in services
        if service.get("dns_health_check")
        and boolean(service.get("dns_health_alarm", service.get("monitoring_enabled", True)))
    ]
    own = alarm_topic_arn(environment, of_health_checks=True)
    return list(
        dict.fromkeys(arn for service in watched for arn in service.get("dns_health_alarm_topic_arns") or [own])
    )


def alarm_arn(environment: Mapping[str, Any], service: str, kind: str) -> str:
    """ARN of an alarm of a service, by its kind."""
    prefix = ServiceNames(environment["name"], service).alarm_prefix
    return _place(environment).arn("cloudwatch", f"alarm:{prefix}{kind}")


def environment_alarms(
    environment: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None = None,
    more: Sequence[Mapping[str, Any]] = (),
    tell: Sequence[str] = (),
    runbook_url: str = "",
    tell_warnings: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Alarms of what the services share, with the additional ones of the inventory under the same prefix."""
    names = EnvironmentNames(environment["name"])
    own = shared_alarms.environment_alarms(_shared(environment, names), _thresholds(thresholds))
    return parts.composed(own, more, parts.Notice(names.alarm_prefix, tell, runbook_url, tell_warnings))


def _shared(environment: Mapping[str, Any], names: EnvironmentNames) -> shared_alarms.Shared:
    """As far as the environment has it, and it was asked for."""
    balancer, files = environment.get("load_balancer") or {}, environment.get("file_system") or {}
    database = environment.get("database")
    return shared_alarms.Shared(
        names,
        dimension(balancer["arn"]) if balancer else "",
        balancer.get("certificate_arn") or "",
        files.get("id", ""),
        files.get("throughput_mode") == "bursting",
        names.database if database else "",
        bool(database and database.get("is_cluster")),
    )


def service_alarms(
    environment: Mapping[str, Any],
    service: str,
    thresholds: Mapping[str, Any] | None = None,
    more: Sequence[Mapping[str, Any]] = (),
    tell: Sequence[str] = (),
    kind: str = WEB,
    queues: Sequence[str] = (),
    runbook_url: str = "",
    tell_warnings: Sequence[str] = (),
    composite: bool = True,
    slos: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Alarms of a service, with the additional ones of the inventory under the same prefix."""
    observed = replace(_observed(environment, service, kind), thresholds=_thresholds(thresholds), queues=queues)
    notice = parts.Notice(observed.names.alarm_prefix, tell, runbook_url, tell_warnings)
    # Where nobody looked, the service counts as released: its alarms begin as CloudWatch has them begin.
    released = service in environment.get("released", [service])
    own = [*burn_alarms(observed, _objectives(slos)), *alarms.service_alarms(observed, composite, released)]
    return parts.composed(own, more, notice)


def environment_dashboard(environment: Mapping[str, Any], alarm_names: Sequence[str] = ()) -> dict[str, Any]:
    """Body of the dashboard of what the services share."""
    names = EnvironmentNames(environment["name"])
    cluster = environment.get("cluster") or {}
    insights = cluster.get("container_insights", "disabled") != "disabled"
    arns = [_place(environment).arn("cloudwatch", f"alarm:{name}") for name in alarm_names]
    cluster_name = (cluster.get("name") or names.cluster) if insights else ""
    return shared_dashboard.body(_shared(environment, names), environment["region"], cluster_name, arns)


def service_dashboard(
    environment: Mapping[str, Any],
    service: str,
    alarm_names: Sequence[str] = (),
    log_group: str = "",
    kind: str = WEB,
    queues: Sequence[str] = (),
    slos: Sequence[Mapping[str, Any]] = (),
    collector: Mapping[str, Any] | None = None,
    graphs: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Body of the dashboard of a service."""
    # Which colour has the traffic is no alarm to look at: of green it would be red for good.
    shown = [name for name in alarm_names if parts.kind_of(name) != "traffic-on-green"]
    arns = [_place(environment).arn("cloudwatch", f"alarm:{name}") for name in shown]
    watched = Watched(environment["name"], service, environment["region"], log_group, 0)
    observed = replace(
        _observed(environment, service, kind),
        log_group=log_group,
        queues=queues,
        program=program_of(collector or {}, watched),
    )
    own = own_graphs(graphs, namespace(collector or {}, watched), service, environment["region"])
    return dashboard.body(observed, environment["region"], arns, _objectives(slos), own)


def _observed(environment: Mapping[str, Any], service: str, kind: str) -> Observed:
    names = ServiceNames(environment["name"], service)
    cluster = environment["cluster"]
    insights, cluster_name = cluster["container_insights"] != "disabled", cluster.get("name", "")
    each_task = cluster["container_insights"] == "enhanced"
    further = {
        name: {"LoadBalancer": dimension(group["load_balancer_arn"]), "TargetGroup": dimension(group["arn"])}
        for name, group in (environment.get("further_target_groups") or {}).items()
    }
    if kind != WEB:
        return Observed(
            names, "", {}, insights, each_task, cluster=cluster_name, further=further, of_connections=kind == NETWORK
        )
    balancer = environment["load_balancer"]
    groups = {colour: balancer["target_groups"].get(names.target_group(colour)) for colour in COLOURS}
    missing = [names.target_group(colour) for colour, arn in groups.items() if arn is None]
    if missing:
        raise AnsibleFilterError(
            f"Load balancer {balancer['name']} has no rule with target group {' and '.join(missing)}: "
            f"run the role service for {service} first."
        )
    return Observed(
        names,
        dimension(balancer["arn"]),
        {colour: dimension(arn) for colour, arn in groups.items()},
        insights,
        each_task,
        cluster=cluster_name,
        further=further,
    )


def _objectives(slos: Sequence[Mapping[str, Any]]) -> list[objectives.Objective]:
    found = objectives.objectives(slos)
    wrong = list(objectives.problems(found))
    if wrong:
        raise AnsibleFilterError("; ".join(wrong))
    return found


def _thresholds(given: Mapping[str, Any] | None) -> parts.Thresholds:
    known = vars(parts.Thresholds())
    unknown = sorted(set(given or {}) - set(known))
    if unknown:
        raise AnsibleFilterError(f"There is no threshold {', '.join(unknown)}; there are {', '.join(known)}.")
    return parts.Thresholds(**{name: type(known[name])(value) for name, value in (given or {}).items()})


def rules_of_traces(
    rules: Sequence[Mapping[str, Any]] | None,
    environment: str,
    service: str = "",
    collector: Mapping[str, Any] | None = None,
    health_check: Mapping[str, Any] | None = None,
    kind: str = WEB,
    trace_health_checks: bool = False,
) -> list[dict[str, Any]]:
    """Sampling rules of an environment, or of a service with the one that leaves its health check out."""
    if not service:
        return sampling_rules.environment_rules(environment, rules or ())
    values = {
        "monitoring_sampling_rules": rules,
        "monitoring_trace_health_checks": trace_health_checks,
        "service_collector": collector,
        "service_health_check": health_check,
    }
    return sampling_rules.of_inventory(ServiceNames(environment, service), values, kind != WEB)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "alarm_arn": alarm_arn,
            "alarm_topic_arn": alarm_topic_arn,
            "health_check_topics": health_check_topics,
            "environment_alarms": environment_alarms,
            "environment_dashboard": environment_dashboard,
            "service_alarms": service_alarms,
            "subscriptions_of": parts.subscriptions_of,
            "sampling_rules": rules_of_traces,
            "saved_queries": service_queries,
            "service_dashboard": service_dashboard,
        }
