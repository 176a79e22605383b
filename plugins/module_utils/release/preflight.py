# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would make a release fail later, found before anything is changed: all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..aws import cloudwatch, ec2, iam, service_quotas
from ..aws.errors import AwsError
from ..common.invocation import Invocation
from ..common.ownership import is_refused, refusal
from ..image import platform as image_platform
from ..monitoring.objectives import objectives
from ..rollout.begin import Order
from ..rollout.history import live_colour
from ..rollout.model import Fleet
from ..service import foreign
from ..service.location import ServiceLocation
from ..service.specification import Specification
from .error_budget import budgets
from .ledger import DynamoLedger
from .who_answers import answered_by_another, requests

# Rights that a release does not need, and a region that has no such quota: said, and gone on.
_UNREADABLE = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NoSuchResourceException"}
_WITHOUT_ALARMS = """-e '{"service_gates": {"alarms": []}}'"""
_OVERRIDE = "-e service_budget=override -e service_budget_reason='...'"
_TASKS = "ecs-tasks.amazonaws.com"
_ECS = "ecs.amazonaws.com"
# A role that was just made cannot be assumed at first; ECS's circuit breaker counts the tasks that fail for it. How long that
# lasts is not said; ten seconds are usual.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
_ROLE_IS_NEW_SECONDS = 15.0


@dataclass(frozen=True)
class Finding:
    """What stands in the way of a release. `momentary`: it is so now, and says nothing about a release at another time."""

    sentence: str
    momentary: bool = False

    def __str__(self) -> str:
        return self.sentence


Findings = Callable[[], Iterator[str | Finding]]


def preflight(
    call: Invocation, location: ServiceLocation, spec: Specification, order: Order, fleet: Fleet
) -> list[Finding]:
    """Everything that is found. What the caller may not read is said, and is no finding: a release needs not that right.

    Where nothing is found, it waits until roles that were just made can be assumed; not in check mode.
    """
    tasks = max(order.desired_count, fleet.blue.running, fleet.green.running)
    roles: list[dict[str, Any]] = []
    checks: list[Findings] = [
        partial(_alarms, call, order),
        partial(_budgets, call, location, order),
        partial(_addresses, call, spec, tasks),
        partial(_quota, call, spec, tasks),
        partial(_roles, call, spec, roles),
        partial(image_platform.findings, call, spec.params["containers"], spec.params["architecture"]),
        partial(_fleet, location, fleet),
        partial(_others, call, location, spec),
        partial(_answered_by_others, location, call.params, order),
        partial(_of_connections, location, call.params, order),
    ]
    found: list[Finding] = []
    for check in checks:
        try:
            found += [finding if isinstance(finding, Finding) else Finding(finding) for finding in check()]
        except AwsError as failed:
            if failed.code not in _UNREADABLE:
                raise
            call.progress.line(f"not looked at before the release: {failed}")
    if not found and not call.check_mode:
        _until_assumable(call, roles)
    return found


def _alarms(call: Invocation, order: Order) -> Iterator[str | Finding]:
    states = cloudwatch.alarm_states(call.aws, order.gates.alarms) if order.gates.alarms else {}
    for name in order.gates.alarms:
        if name not in states:
            yield f"alarm {name} of the gates does not exist: it could never pass"
        elif states[name] == "ALARM":
            yield Finding(
                f"alarm {name} of the gates is firing already: the release would be returned at once. To release a fix anyway, take it out "
                f"of service_gates for this run, such as {_WITHOUT_ALARMS}",
                momentary=True,
            )


def _budgets(call: Invocation, location: ServiceLocation, order: Order) -> Iterator[Finding]:
    """A service that has failed its users as often as it may is given no more risk, but what mends it."""
    spent = _spent(call, location)
    if not spent or not order.budget_override:
        for why in spent:
            yield Finding(
                f"{why}. playbooks/rollback.yml is not held back. To release what mends it: {_OVERRIDE}", True
            )
        return
    before = _given_before(call, location, order)
    if before:
        yield Finding(
            f"{'; '.join(spent)}. {order.budget_override!r} was the reason of release {before} already, and one is for one version. "
            f"To release what mends it, give its own reason: {_OVERRIDE}",
            momentary=True,
        )
        return
    for why in spent:
        call.progress.line(f"{why}: released all the same, since {order.budget_override}")


def _spent(call: Invocation, location: ServiceLocation) -> list[str]:
    """Why the gate is closed: budgets that are spent, or metrics that nobody can read now. No data is never a pass."""
    try:
        found = budgets(call.aws, location, objectives(call.params.get("slos") or []), call.clock.now())
    except AwsError as failed:
        if failed.code in _UNREADABLE:
            raise
        return [f"the error budgets could not be read: {str(failed).rstrip('.')}"]
    return [f"the {budget}" for budget in found if budget.is_spent]


def _given_before(call: Invocation, location: ServiceLocation, order: Order) -> str:
    """The release of another version that was given the same reason: one in the inventory would open the gate for good."""
    history = DynamoLedger(call.aws, location.ledger, location.service).history()
    return next(
        (
            release.id
            for release in history.releases
            if release.budget_override == order.budget_override and release.fingerprint != order.fingerprint
        ),
        "",
    )


def _addresses(call: Invocation, spec: Specification, tasks: int) -> Iterator[str]:
    """Each task takes an address; for a while there are twice as many tasks."""
    free = ec2.free_addresses(call.aws, list(spec.params["subnet_ids"]))
    if sum(free.values()) < tasks:
        by_subnet = ", ".join(f"{subnet} {count}" for subnet, count in sorted(free.items()))
        yield f"{tasks} more tasks need as many addresses; the subnets have {sum(free.values())} left ({by_subnet})"


def _quota(call: Invocation, spec: Specification, tasks: int) -> Iterator[str]:
    if any(provider["capacity_provider"] != "FARGATE" for provider in spec.params["capacity_providers"]):
        # Spot has a quota of its own; what goes where is ECS's to decide.
        return
    needed = tasks * spec.params["cpu"] / 1024
    # A release can do without: who waits for it does not wait long for an API that does not answer.
    aws = call.aws.brief()
    try:
        allowed, used = service_quotas.vcpus_allowed(aws), cloudwatch.fargate_vcpus_used(aws)
    except AwsError as failed:
        if not failed.transient:
            raise
        call.progress.line(
            f"warning: whether the Fargate quota suffices could not be read before the release: {failed}"
        )
        return
    if used + needed > allowed:
        yield (
            f"{tasks} more tasks need {needed:g} vCPUs; the account uses {used:g} of its {allowed:g} on Fargate. "
            "Ask for more in Service Quotas (Fargate On-Demand vCPU resource count)"
        )


def _roles(call: Invocation, spec: Specification, read: list[dict[str, Any]]) -> Iterator[Finding]:
    """ECS takes a role that it may not assume without a word, and then starts no task. Provisioning comes first, and puts it right.

    Roles that are there are added to `read`.
    """
    named = [(option, spec.params[option], _TASKS) for option in ("execution_role_arn", "task_role_arn")]
    named += [
        (f"volumes.{volume['name']}.ebs.role_arn", volume["ebs"]["role_arn"], _ECS)
        for volume in spec.params.get("volumes") or []
        if volume.get("ebs")
    ]
    for option, arn, service in named:
        name = str(arn or "").rpartition("/")[2]
        role = iam.role(call.aws, name) if name else None
        if role is not None:
            read.append(role)
        if name and role is None:
            yield Finding(f"role {name} ({option}) does not exist; playbooks/provision.yml makes it", momentary=True)
        elif role is not None and not _trusts(role["AssumeRolePolicyDocument"], service):
            sentence = (
                f"role {name} ({option}) does not let {service} assume it; playbooks/provision.yml puts that right"
            )
            yield Finding(sentence, momentary=True)


def _until_assumable(call: Invocation, roles: Sequence[Mapping[str, Any]]) -> None:
    """Wait until none of these roles is new any more."""
    made = max((role["CreateDate"].timestamp() for role in roles), default=0.0)
    # The clocks of AWS and of this machine may differ.
    pause = min(made + _ROLE_IS_NEW_SECONDS - call.clock.now(), _ROLE_IS_NEW_SECONDS)
    if pause > 0:
        call.progress.line(f"waiting {pause:.0f} s: a role of the tasks was just made, and ECS cannot assume it yet")
        call.clock.sleep(pause)


def _trusts(trust: Mapping[str, Any], service: str) -> bool:
    for statement in _listed(trust.get("Statement", [])):
        principal = statement.get("Principal", {})
        services = _listed(principal.get("Service", [])) if isinstance(principal, Mapping) else []
        if statement.get("Effect") == "Allow" and service in services:
            return True
    return False


def _listed(value: Any) -> list[Any]:
    """A policy may write one thing without a list around it."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _answered_by_others(location: ServiceLocation, options: Mapping[str, Any], order: Order) -> Iterator[str | Finding]:
    """Momentary, since provisioning, which comes first, may be what puts the rules right."""
    for request in requests(location, options, in_place=order.plan.in_place):
        if request.own is None:
            what, option = ("rule", "test_rule_arn")
            if location.of_connections:
                what, option = (
                    "listener",
                    "test_listener_arn" if location.given else "service_listener.test_listener_port",
                )
            yield f"{request.title} asks the candidate, which needs a {what} for it: name one with {option}, or leave the check out"
            continue
        answered = answered_by_another(location, request)
        if answered:
            advice = f"correct {request.advice}service_hosts, service_paths or service_priority"
            yield Finding(f"{request.title}: {answered}: {advice}", momentary=True)
        elif request.advice and request.own.asks_for_login:
            yield Finding(
                f"{request.title}: the load balancer answers it with its login, so it would say nothing about this service: take the "
                "request out, give it a command, or set service_login.test_rule to false where it asks a candidate",
                momentary=True,
            )


def _of_connections(location: ServiceLocation, options: Mapping[str, Any], order: Order) -> Iterator[str]:
    """What a network load balancer cannot tell: it sees connections, and counts them for all of its target groups together."""
    if not location.of_connections:
        return
    judged = {
        "gates.errors": (order.gates.errors, "status codes"),
        "gates.latency": (order.gates.latency, "response times"),
        "slos": (options.get("slos"), "requests that fail or are slow"),
    }
    for option, (given, what) in judged.items():
        if given:
            yield f"{option} needs {what}, and a network load balancer sees none: leave it out, and judge by gates.alarms or gates.metrics"
    ports = {"version_probe": location.listener_port, "checks": location.test_listener_port}
    requests = {
        "version_probe": options.get("version_probe"),
        "checks": [c for c in options.get("checks") or () if not c["command"]],
    }
    for option, port in ports.items():
        if requests[option] and port.datagrams:
            yield f"{option} asks by HTTP, and the listener on port {port.port} takes UDP alone: make it a command, or leave it out"


def _others(call: Invocation, location: ServiceLocation, spec: Specification) -> Iterator[str]:
    """What others made under the names of this service's: a release would replace what they run."""
    if location.given:
        return
    colours = [colour.value for colour in location.colours]
    found = list(foreign.running(call.aws, location.cluster, location.names, colours))
    if call.params.get("schedules"):
        found += foreign.schedule_group(call.aws, location.environment)
    for existing in found:
        if is_refused(existing, spec.tags, call.params.get("adopt", ())):
            yield refusal(existing, location.environment).rstrip(".")


def _fleet(location: ServiceLocation, fleet: Fleet) -> Iterator[Finding]:
    live = live_colour(fleet, [])
    if live is None or fleet.weights.of(live) != 100:
        return
    state = fleet.state(live)
    if not state.replaced and state.desired:
        yield Finding(
            f"{location.ecs_services[live]}, which is live, is in the middle of a deployment ({state}): somebody else is releasing, "
            "or the last release is not over",
            momentary=True,
        )
