# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Roll the live colour of a service to a specification, and follow the deployment to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..aws import autoscaling, ecs, service_definition
from ..aws.ecs_states import ServiceState, short
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.pacing import paced
from ..service.specification import Specification
from .evidence import Evidence, sentence
from .interruption import Interrupted, interruptible
from .live_colour import Routes, find_routes
from .providers.deployment_observer import EcsDeploymentObserver
from .release_plan import Plan, Seen, Wanted, decide, diff
from .rolling import Followed, Outcome, Verdict
from .rolling_record import Recorder, on_record
from .watching import Watcher


@dataclass(frozen=True)
class Release:
    """One attempt: what is wanted, where traffic goes, what is there, and what has to be done."""

    spec: Specification
    routes: Routes
    seen: Seen
    wanted: Wanted
    plan: Plan

    @property
    def ecs_service(self) -> str:
        return self.spec.names.ecs_service(self.seen.colour)


def run(call: Invocation) -> dict[str, Any]:
    """Return the outcome; raise Failure with the same keys where the new version is not what runs."""
    release = observe(call)
    result = {
        "changed": release.plan.changed,
        "colour": release.seen.colour,
        "diff": diff(release.seen, release.wanted, release.plan),
        "task_definition": release.plan.task_definition or None,
    }
    if call.check_mode:
        outcome = Outcome.SUCCEEDED if release.plan.changed else Outcome.UNCHANGED
        return {**result, "outcome": str(outcome), "reason": release.plan.reason, "deployment_id": None, "evidence": {}}
    with interruptible():
        try:
            if not release.plan.changed:
                return _apply_and_follow(call, release, result, None)
            with on_record(call, release.spec, release.seen.colour) as recorder:
                return _apply_and_follow(call, release, result, recorder)
        except Interrupted as signal:
            left = _left_behind(release, signal)
            # Said here too: ansible-playbook does not wait for the result of a task that it interrupts.
            call.progress.line(left)
            raise Failure(left, **{**result, "outcome": str(Outcome.INTERRUPTED)}) from signal


def observe(call: Invocation) -> Release:
    """Read what is there and decide. Nothing is written."""
    spec = Specification(call.params, call.aws.region)
    routes = find_routes(call, spec)
    services = ecs.services(call.aws, spec.cluster, [spec.names.ecs_service(colour) for colour in ("blue", "green")])
    by_colour = {
        colour: services[spec.names.ecs_service(colour)]
        for colour in ("blue", "green")
        if spec.names.ecs_service(colour) in services
    }
    live = by_colour.get(routes.live)
    running = ecs.task_definition(call.aws, live.task_definition) if live else None
    wanted = Wanted(
        spec.task_definition(), spec.settings(routes.target_groups[routes.live]), spec.desired_count, spec.tags
    )
    seen = Seen(
        routes.live,
        by_colour,
        running,
        autoscaled=live is not None and autoscaling.owns_desired_count(call.aws, spec.cluster, live.name),
    )
    plan = decide(seen, wanted)
    if plan.register:
        # Only then: a revision that a failed release left behind is used again.
        seen = replace(seen, latest_definition=ecs.task_definition(call.aws, spec.names.family))
        plan = decide(seen, wanted)
    return Release(spec, routes, seen, wanted, plan)


def _apply_and_follow(
    call: Invocation, release: Release, result: Mapping[str, Any], recorder: Recorder | None
) -> dict[str, Any]:
    call.progress.line(f"{release.ecs_service}: {release.plan.reason}")
    task_definition = release.plan.task_definition or _register(call, release)
    service = _apply(call, release, task_definition)
    if release.plan.changed:
        call.progress.line("asked of ECS; from here on it goes on by itself, whether this task watches or not")
    evidence = Evidence(release.routes.health_checks[release.seen.colour])
    verdict, deployment_id = _follow(call, release, service, task_definition, evidence)
    if recorder:
        recorder.ended(verdict.outcome, verdict.reason, task_definition)
    answer = {
        **result,
        "task_definition": task_definition,
        "deployment_id": deployment_id,
        "reason": verdict.reason,
        "evidence": evidence.as_dict(),
    }
    if verdict.outcome is not Outcome.SUCCEEDED:
        raise Failure(
            _message(release, verdict, evidence, task_definition), **{**answer, "outcome": str(verdict.outcome)}
        )
    outcome = Outcome.SUCCEEDED if release.plan.changed else Outcome.UNCHANGED
    call.progress.line(f"{release.ecs_service}: {short(task_definition)}, {verdict.reason}")
    return {**answer, "outcome": str(outcome)}


def _register(call: Invocation, release: Release) -> str:
    spec = release.spec
    definition = release.wanted.definition
    arn = paced(
        call.clock,
        call.progress,
        lambda: ecs.register_task_definition(call.aws, spec.names.family, definition, spec.tags),
    )
    call.progress.line(f"registered {short(arn)}")
    return arn


def _apply(call: Invocation, release: Release, task_definition: str) -> ServiceState:
    """Write what the plan says, the live colour first; return the live service after it."""
    spec, plan, wanted = release.spec, release.plan, release.wanted
    at_pace = partial(paced, call.clock, call.progress)
    live = release.seen.live
    if plan.create or live is None:
        request = service_definition.create_request(wanted.settings, task_definition, wanted.desired)
        create = partial(ecs.create_service, call.aws, spec.cluster, release.ecs_service, request, spec.tags)
        live = at_pace(create)
    if plan.update:
        update = service_definition.update_request(wanted.settings, set(plan.settings))
        if plan.redefine:
            update["taskDefinition"] = task_definition
        if plan.desired is not None:
            update["desiredCount"] = plan.desired
        if plan.force:
            update["forceNewDeployment"] = True
        live = at_pace(partial(ecs.update_service, call.aws, spec.cluster, release.ecs_service, update))
    if plan.tags:
        ecs.tag(call.aws, live.arn, spec.tags)
    if plan.create_idle:
        idle = release.seen.idle_colour
        settings = spec.settings(release.routes.target_groups[idle])
        request = service_definition.create_request(settings, task_definition, 0)
        name = spec.names.ecs_service(idle)
        at_pace(partial(ecs.create_service, call.aws, spec.cluster, name, request, spec.tags))
    return live


def _follow(
    call: Invocation, release: Release, service: ServiceState, task_definition: str, evidence: Evidence
) -> tuple[Verdict, str]:
    primary = service.primary
    if primary is None:
        raise Failure(
            f"ECS service {service.name} has no primary deployment: was it deleted meanwhile? Run this again."
        )
    before = release.seen.live
    sight = EcsDeploymentObserver(
        call.aws,
        release.spec.cluster,
        service.name,
        release.routes.target_groups[release.seen.colour],
        release.spec.names.log_group,
        primary.id,
        # Of an update, the record that was current before it is not ours.
        before.current_service_deployment if before and release.plan.update else "",
    )
    watcher = Watcher(
        sight,
        call.clock,
        call.progress,
        evidence,
        Followed(primary.id, task_definition, before.task_definition if before else ""),
        {event.id for event in before.events} if before else set(),
    )
    return watcher.follow(call.params["timeout_seconds"]), primary.id


def _message(release: Release, verdict: Verdict, evidence: Evidence, task_definition: str) -> str:
    new, before = short(task_definition), release.seen.live
    old = short(before.task_definition) if before else ""
    ends = {
        Outcome.ROLLED_BACK: f"{new} failed, and ECS rolled back: {old} serves",
        Outcome.FAILED: f"{new} failed"
        + ("" if old and old != new else ", and there is no version before it to return to"),
        Outcome.SUPERSEDED: f"{new} is not what runs: another deployment replaced it",
        Outcome.TIMED_OUT: f"{new} did not become what runs in time; ECS goes on trying, look at it before the next release",
    }
    head = ends.get(verdict.outcome or Outcome.FAILED, new)
    return sentence(f"{release.ecs_service}: {head}. {verdict.reason}", evidence)


def _left_behind(release: Release, signal: Interrupted) -> str:
    return (
        f"{release.ecs_service}: interrupted by {signal}. What was asked of ECS goes on without this task: the deployment ends "
        "by itself, succeeded or rolled back by the circuit breaker. Run the same playbook again to follow it."
    )
