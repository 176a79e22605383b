# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose a resource is that has the name of one of ours: one rule for every kind that can carry tags.

A resource without the tag pear:environment, or with another environment's, is refused before anything is changed, in check
mode too. Adopting it is a decision of its own, and says first what will be changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..aws.errors import Failure
from ..aws.naming import DEPLOYERS, TAG_COMPONENT, TAG_ENVIRONMENT
from .invocation import Invocation, Run


@dataclass(frozen=True)
class Kind:
    """A kind of resource, and how to go on where one of others has the name: in the words of the inventory."""

    words: str
    # How to use it as it is; empty where there is no way.
    use: str
    # The variable that gives ours another name.
    rename: str
    # Whether it can become ours: of what cannot, the inventory has no word to say so.
    adoptable: bool = True


KINDS: Mapping[str, Kind] = {
    "backup": Kind("backup plan or vault", "set file_system_backup_plan to null", "environment_name"),
    "bucket": Kind("bucket", "set load_balancer_access_logs_create to false", "load_balancer_access_logs_bucket"),
    "cluster": Kind("cluster", "set cluster_existing to its name", "environment_name"),
    "dashboard": Kind("dashboard", "set monitoring_dashboard to false", "service_name"),
    "database": Kind(
        "database", "set database_enabled to false, and give its address in service_environment", "environment_name"
    ),
    "ecs_service": Kind(
        "ECS service",
        "release it with pear.fargate.bluegreen_cutover, whose option services takes those of others",
        "service_name",
        adoptable=False,
    ),
    "file_system": Kind("file system", "set file_system_existing to its ID", "environment_name"),
    "hosted_zone": Kind("hosted zone", "set dns_create_zone to false", "dns_zone"),
    "ledger": Kind("table", "", "environment_name"),
    "load_balancer": Kind(
        "load balancer", "set load_balancer_existing to its ARN, or to a listener's", "environment_name"
    ),
    "log_group": Kind("log group", "set service_log_group to its name", "service_name"),
    "network": Kind("part of the network", "set network_existing", "environment_name"),
    "repository": Kind("repository", "set registry_existing to true", "registry_repository"),
    "role": Kind("role", "", "service_name"),
    "sampling_rule": Kind(
        "sampling rule of X-Ray",
        "leave it out of monitoring_sampling_rules, or for that of health checks set monitoring_trace_health_checks to true",
        "monitoring_sampling_rules, or for that of health checks service_name",
    ),
    "saved_query": Kind("saved query", "set monitoring_enabled to false, which leaves out alarms too", "service_name"),
    "schedule_group": Kind("schedule group", "leave service_schedules out", "environment_name"),
    # Those of service_security_group_ids come besides it.
    "security_group": Kind("security group", "", "environment_name"),
    "target_group": Kind("target group", "", "service_name"),
    "task_definition": Kind("task definition family", "", "service_name"),
    "trace_group": Kind("group of X-Ray", "set monitoring_trace_group to false", "service_name"),
    "topic": Kind("topic", "set monitoring_topic_arns", "environment_name"),
    "alarm": Kind("alarm", "set monitoring_enabled to false", "service_name"),
}
_REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]"
# The same, use and rename, for the resources of a kind whose names say that they are for something else (aws/naming.py).
_BY_NAME: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "alarm": {r"^[^/]+/\*/": (KINDS["alarm"].use, "environment_name")},
    "dashboard": {r"-Environment$": (KINDS["dashboard"].use, "environment_name")},
    "log_group": {
        r"^/pear/[^/]+/network$": ("set network_flow_log_days to 0", "environment_name"),
        r"^/aws/rds/": ("leave it out of database_log_exports", "environment_name"),
    },
    "role": {
        r"-execution$": ("set service_execution_role_arn to its ARN", "service_name"),
        r"-task$": ("set service_task_role_arn to its ARN", "service_name"),
        r"-infrastructure$": ("set service_infrastructure_role_arn to its ARN", "service_name"),
        r"-schedule$": ("leave service_schedules out", "service_name"),
        r"-backup$": ("set file_system_backup_plan to null", "environment_name"),
        r"-flow-log$": ("set network_flow_log_days to 0", "environment_name"),
        rf"-(?:{'|'.join(DEPLOYERS)})$": ("leave it out of deployer_roles", "deployer_name_prefix"),
    },
    "sampling_rule": {r"-health-checks$": ("set monitoring_trace_health_checks to true", "service_name")},
    "topic": {
        r"-warnings$": ("set monitoring_warning_topic_arns", "environment_name"),
        r"-releases$": ("leave environment_release_topic out", "environment_name"),
        rf"-{_REGION}-alarms$": ("set dns_health_alarm_topic_arns", "environment_name"),
    },
}
ADOPTABLE = tuple(sorted(name for name, kind in KINDS.items() if kind.adoptable))
_TAGS_SHOWN = 6


@dataclass(frozen=True)
class Existing:
    """A resource that exists under a name that ours has. `label` tells it apart where its kind has several."""

    kind: str
    name: str
    tags: Mapping[str, str]
    label: str = ""
    # What says whose it is, where AWS has no tags for its kind.
    mark: str = "tag"

    def __str__(self) -> str:
        return f"{self.label or KINDS[self.kind].words} {self.name}"

    @property
    def ways(self) -> tuple[str, str]:
        """How to use it as it is, if there is a way, and the variable that gives ours another name."""
        kind = KINDS[self.kind]
        special = (ways for name, ways in _BY_NAME.get(self.kind, {}).items() if re.search(name, self.name))
        return next(special, (kind.use, kind.rename))


class ForeignError(Failure):
    """Refused: a resource with the name of one of ours is another's."""

    def __init__(self, foreign: Sequence[Existing], environment: str) -> None:
        sentences = [refusal(existing, environment) for existing in foreign]
        named = [{"kind": found.kind, "name": found.name, "tags": dict(found.tags)} for found in foreign]
        super().__init__(f"Nothing was changed: {' '.join(sentences)}", foreign=named)


def is_ours(tags: Mapping[str, str], desired: Mapping[str, str]) -> bool:
    """Compare the mark that our tags carry: the environment, or for what environments share the component.

    Without a mark among the desired tags the module is used by itself, and manages what it is told to.
    """
    for mark in (TAG_ENVIRONMENT, TAG_COMPONENT):
        if mark in desired:
            return tags.get(mark) == desired[mark]
    return True


def is_refused(existing: Existing, desired: Mapping[str, str], adopted: Collection[str]) -> bool:
    """Whether it is another's, and its kind is not to be adopted."""
    return existing.kind not in adopted and not is_ours(existing.tags, desired)


def refusal(existing: Existing, environment: str) -> str:
    """The sentences for one resource: whose it is, and the ways on, three where it can be used as it is and adopted."""
    use, rename = existing.ways
    whose = f"belongs to environment {environment}" if environment else "was made by this collection"
    ways = [f"use it as it is ({use})"] if use else []
    ways.append(f"choose another name ({rename})")
    if KINDS[existing.kind].adoptable:
        shown = "first with --check --diff, which shows all that will be changed in it"
        ways.append(f"adopt it (environment_adopt: [{existing.kind}]; {shown})")
    name, on = str(existing), f"{', '.join(ways[:-1])}{',' if len(ways) > 2 else ''} or {ways[-1]}"
    return (
        f"{name[0].upper()}{name[1:]} exists, and no {existing.mark} says that it {whose} ({_listed_tags(existing)}). "
        f"{on[0].upper()}{on[1:]}."
    )


def claim(call: Invocation, run: Run, tags: Mapping[str, str], found: Iterable[Existing]) -> None:
    """Refuse the resources that are not ours. One that shall be adopted is let through, after the whole difference was told.

    What others made is never removed: adopting it and removing it are two runs.
    """
    foreign = [existing for existing in found if not is_ours(existing.tags, tags)]
    if not foreign:
        return
    if not call.params.get("adopt") or call.params.get("state") == "absent":
        raise ForeignError(foreign, tags.get(TAG_ENVIRONMENT, ""))
    names = ", ".join(str(existing) for existing in foreign)
    if call.check_mode:
        return
    predicted = run(replace(call, check_mode=True))
    call.progress.line(f"adopting {names}")
    for what, before, after in _differences(predicted["diff"]):
        call.progress.line(f"adopting {names}: {what}: {before} → {after}")


def _differences(diff: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for what, after in diff["after"].items():
        yield what, diff["before"].get(what), after


def _listed_tags(existing: Existing) -> str:
    tags = existing.tags
    if not tags:
        return f"it has no {existing.mark}s" if existing.mark == "tag" else f"it has no such {existing.mark}"
    said = [f"{key}={value}" for key, value in sorted(tags.items(), key=_owners_first)]
    more = len(said) - _TAGS_SHOWN
    return f"its tags: {', '.join(said[:_TAGS_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _owners_first(tag: tuple[str, str]) -> tuple[bool, str]:
    words = ("owner", "team", "pear:", "stack", "contact", "managed")
    return not any(word in tag[0].lower() for word in words), tag[0]
