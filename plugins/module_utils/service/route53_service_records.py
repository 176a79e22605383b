# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Point the names of a service at its load balancers: health check first, then all records in one change batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..aws import cloudwatch, elbv2, route53
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT, HealthCheckNames
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Wait, wait_until
from ..monitoring.alarms import plan as plan_alarms
from . import further_places, health_alarm, health_check
from .alias_records import Balancer, DesiredNames, Plan, Routing, bare, plan, removal
from .health_alarm import HealthAlarm

_SYNC_SECONDS = 300
_NOT_YET = "(to be created)"


@dataclass(frozen=True)
class _Destination:
    """A load balancer, and the names that lead to it."""

    balancer: Balancer
    names: tuple[str, ...]
    is_network: bool = False


def run(call: Invocation) -> dict[str, Any]:
    """Return the zone, the names, and the id of the health check."""
    changes = Changes(call.check_mode)
    absent = call.params["state"] == "absent"
    if absent:
        # The alarm goes with its check.
        call = replace(
            call, params={**call.params, "health_check": None, "alarm": {"tell": [], "starts_in_alarm": False}}
        )
    routing = Routing(**(call.params["routing"] or {}))
    _refuse(call, routing)
    destinations = _destinations(call)
    zone_id = call.params["zone_id"] or route53.find_zone(call.aws, call.params["zone"])
    if zone_id is None and not call.check_mode and not absent:
        raise Failure(
            f"Route 53 has no public hosted zone {call.params['zone']} in this account. Create it (role dns with "
            "dns_create_zone), delegate it from its parent, or name another zone in dns_zone."
        )
    check_id, obsolete = _health_check(call, changes)
    _records(call, changes, zone_id, [_desired(call, routing, check_id, destination) for destination in destinations])
    if check_id or obsolete:
        _alarm(call, changes, check_id)
    for old in obsolete:
        changes.want(f"health check {old}", "present", None, partial(route53.delete_health_check, call.aws, old))
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "zone_id": zone_id,
        "names": [name for destination in destinations for name in destination.names],
        "health_check_id": check_id,
    }


def _refuse(call: Invocation, routing: Routing) -> None:
    zone = call.params["zone"].rstrip(".").lower()
    found = routing.problems()
    further = [name for group in call.params["further"] for name in group["names"]]
    if call.params["names"] and not call.params["load_balancer"]:
        found.append("load_balancer is missing: names lead to it")
    for name in (*call.params["names"], *further):
        if name.lower() != zone and not name.lower().endswith(f".{zone}"):
            found.append(f"name {name} does not lie in zone {zone}")
    check = call.params["health_check"]
    present = call.params["state"] == "present"
    if present and routing.policy != "simple" and not check and not _evaluates(call, routing):
        found.append(
            f"routing.policy is {routing.policy} and there is no health_check: Route 53 would answer with this side whatever its "
            "state. Give a health_check with a host that leads here only"
        )
    if (
        check
        and routing.policy != "simple"
        and check["host"].lower() in {name.lower() for name in (*call.params["names"], *further)}
    ):
        found.append(
            f"health_check.host is {check['host']}, which answers for whichever side is well: name a host that leads here only"
        )
    if found:
        raise Failure(f"Records of {call.params['service']}: {'; '.join(found)}. Nothing was changed.")


def _evaluates(call: Invocation, routing: Routing) -> bool:
    """Not by default where it decides: a load balancer with an empty target group, as idle colours have, is unhealthy to Route 53.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-alias-common.html
    """
    given = call.params["evaluate_target_health"]
    return bool(given) if given is not None else routing.policy == "simple"


def _health_check(call: Invocation, changes: Changes) -> tuple[str | None, list[str]]:
    """Return the id of the check that the records must name, and the ids of those to remove after that."""
    options = call.params["health_check"]
    names, service = _names(call), call.params["service"]
    desired = health_check.config(options) if options else None
    found = route53.health_checks(call.aws, health_check.reference_prefix(names, service))
    planned = health_check.plan(found, desired)
    check_id = planned.keep
    if planned.create:
        changes.want("health check", planned.before, planned.create, lambda: None)
        check_id = _NOT_YET
        if not call.check_mode:
            reference = health_check.reference(names, service, call.clock.now())
            check_id = route53.create_health_check(call.aws, reference, dict(planned.create))
            call.progress.line(f"health check {check_id} of {options['host']}{options['path']} created")
    if planned.update and planned.keep:
        kept, update = planned.keep, dict(planned.update)
        changes.want(
            "health check", planned.before, update, lambda: route53.update_health_check(call.aws, kept, update)
        )
    if check_id and check_id != _NOT_YET:
        _tags(call, changes, check_id)
    return check_id, list(planned.remove)


def _names(call: Invocation) -> HealthCheckNames:
    return HealthCheckNames(call.params["environment"], call.aws.region)


def _alarm(call: Invocation, changes: Changes, check_id: str | None) -> None:
    """The alarm comes after its check and goes before it: whatever is interrupted, the next run finds both."""
    options = call.params["alarm"]
    if options is None:
        return
    aws = call.aws.elsewhere(route53.metrics_region(call.aws.region))
    name = _names(call).alarm(call.params["service"])
    host = (call.params["health_check"] or {}).get("host", "")
    settings = {key: value for key, value in options.items() if key != "starts_in_alarm"}
    desired = [health_alarm.desired(name, HealthAlarm(check_id, host, **settings))] if check_id else []
    planned = plan_alarms(cloudwatch.alarms_named(aws, [name]), desired, name)
    for alarm in planned.put:
        silent = planned.before[name] is None and options["starts_in_alarm"]
        put = cloudwatch.create_in_alarm if silent else cloudwatch.put_alarm
        apply = partial(put, aws, name, alarm, call.params["tags"])
        changes.want(f"alarm {name}", planned.before[name], planned.after[name], apply)
    if planned.delete:
        changes.want(f"alarm {name}", "present", None, partial(cloudwatch.delete_alarms, aws, planned.delete))


def _tags(call: Invocation, changes: Changes, check_id: str) -> None:
    desired = {**call.params["tags"], "Name": f"{call.params['environment']}-{call.params['service']}"}
    calls = TagCalls(
        partial(route53.health_check_tags, call.aws, check_id),
        partial(route53.tag_health_check, call.aws, check_id),
        partial(route53.untag_health_check, call.aws, check_id),
    )
    put_tags_right(changes, {**call.params, "tags": desired}, calls, "tags of the health check")


def _destinations(call: Invocation) -> list[_Destination]:
    """Each load balancer once, with all names that lead to it. A name leads to one."""
    found: dict[str, _Destination] = {}
    leads: dict[str, str] = {}
    for listed in _listed(call):
        target = bare(listed.balancer.dns_name)
        known = found.get(target)
        found[target] = (
            replace(listed, names=tuple({bare(name): name for name in (*known.names, *listed.names)}.values()))
            if known
            else listed
        )
        for name in map(bare, listed.names):
            if leads.setdefault(name, target) != target:
                raise Failure(
                    f"Records of {call.params['service']}: {name} should lead to {leads[name]} and to {target}: a name leads to one "
                    "load balancer. Nothing was changed."
                )
    return list(found.values())


def _listed(call: Invocation) -> Iterator[_Destination]:
    """As the options have them. In check mode a further load balancer that would be made has no names yet."""
    main = call.params["load_balancer"]
    if main and call.params["names"]:
        place = (main["name"], main["dns_name"], main["zone_id"])
        yield _Destination(Balancer(*place, call.aws.region, main["shared"]), tuple(call.params["names"]))
    for group in call.params["further"]:
        found = further_places.balancer(call.aws, call.params["environment"], group)
        if found is not None:
            arn = found["LoadBalancerArn"]
            shared = elbv2.tags(call.aws, [arn])[arn].get(TAG_ENVIRONMENT) != call.params["environment"]
            place = (found["LoadBalancerName"], found["DNSName"], found["CanonicalHostedZoneId"])
            balancer = Balancer(*place, call.aws.region, shared)
            yield _Destination(balancer, tuple(group["names"]), found["Type"] == "network")
        elif call.params["state"] == "present" and not call.check_mode:
            named = group.get("load_balancer") or group.get("listener_arn")
            raise Failure(
                f"Records of {call.params['service']}: there is no load balancer {named!r}, to which {', '.join(group['names'])} "
                "should lead. Nothing was changed."
            )


def _desired(call: Invocation, routing: Routing, check_id: str | None, destination: _Destination) -> DesiredNames:
    # Behind a network load balancer there are no idle colours.
    evaluates = destination.is_network or _evaluates(call, routing)
    families, overwrite = call.params["families"], call.params["overwrite"]
    return DesiredNames(destination.names, destination.balancer, families, routing, evaluates, check_id, overwrite)


def _records(call: Invocation, changes: Changes, zone_id: str | None, names: list[DesiredNames]) -> None:
    absent = call.params["state"] == "absent"
    plans: list[Plan] = []
    for desired in names:
        # A zone that check mode would create has no records yet.
        found = [
            record
            for name in desired.names
            if zone_id is not None
            for record in route53.records_of(call.aws, zone_id, name)
        ]
        plans.append(removal(found, desired) if absent else plan(found, desired))
    refusals = [refusal for planned in plans for refusal in planned.refusals]
    if refusals:
        raise Failure(f"Records of {call.params['service']}: {'; '.join(refusals)}.")
    batch = [change for planned in plans for change in planned.changes]
    for planned in plans:
        for label, record in planned.after.items():
            changes.want(label, planned.before[label], record, lambda: None)
    if batch and zone_id and not call.check_mode:
        comment = f"{call.params['environment']}: {call.params['service']}"
        change_id = route53.change(call.aws, zone_id, batch, comment)
        call.progress.line(f"{sum(len(planned.after) for planned in plans)} records changed")
        if call.params["wait"]:
            _wait(call, change_id)


def _wait(call: Invocation, change_id: str) -> None:
    wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"change {change_id} on all name servers of Route 53",
            observe=partial(route53.change_status, call.aws, change_id),
            done=lambda status: status == "INSYNC",
            seconds=_SYNC_SECONDS,
            advice="Route 53 has accepted the records and continues to distribute them.",
        ),
    )
