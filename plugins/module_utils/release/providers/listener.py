# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fleet of a service on ECS behind a load balancer: read in one go, and changed colour by colour."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ...aws import autoscaling, ecs, elbv2, service_definition, task_definition
from ...aws.autoscaling import SCALE_IN, Bounds
from ...aws.ecs_states import ServiceState, short
from ...aws.errors import Failure
from ...aws.session import Aws
from ...rollout.actions import CancelScaleIn, ScaleIn, ScheduleScaleIn, Stage
from ...rollout.model import Colour, Fleet, Release, Weights
from ...service.location import ServiceLocation, weights_of
from ...service.specification import Specification
from ..port_calls import port_call
from ..ports import PortError, Progress
from .colour_state import Reading, colour_state, needs_stopped_tasks

NOUGHT = Bounds(0, 0)
_AT_ONCE = 4


@dataclass
class ListenerFleets:
    """Two ECS services behind one rule. A rollback has no specification: it uses what is registered."""

    aws: Aws
    location: ServiceLocation
    progress: Progress
    spec: Specification | None = None
    _seen: dict[Colour, ServiceState] = field(default_factory=dict)
    _scheduled: dict[str, float] | None = None
    _test_colour: Colour | None = None

    # --- reading ---

    @port_call
    def read(self) -> Fleet:
        aws, location = self.aws, self.location
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            services = pool.submit(ecs.services, aws, location.cluster, list(location.ecs_services.values()))
            rule = pool.submit(elbv2.rule, aws, location.production.arn)
            targets = {
                colour: pool.submit(elbv2.target_health, aws, location.target_groups[colour].arn) for colour in Colour
            }
            scheduled = pool.submit(self._scale_ins)
            self._seen = {
                c: services.result()[name] for c, name in location.ecs_services.items() if name in services.result()
            }
            sides = {
                colour: colour_state(
                    Reading(
                        colour,
                        self._seen.get(colour),
                        targets[colour].result(),
                        self._stopped(colour),
                        scheduled.result().get(location.ecs_services[colour]),
                    )
                )
                for colour in Colour
            }
            return Fleet(weights_of(rule.result(), location), sides[Colour.BLUE], sides[Colour.GREEN])

    def state(self, colour: Colour) -> ServiceState | None:
        """The ECS service of a colour as it was last read."""
        return self._seen.get(colour)

    def _stopped(self, colour: Colour) -> list[Any]:
        if not needs_stopped_tasks(self._seen.get(colour)):
            return []
        return list(ecs.tasks(self.aws, self.location.cluster, self.location.ecs_services[colour], "STOPPED"))

    def _scale_ins(self) -> dict[str, float]:
        """Scheduled scale-ins change by our own hand alone, so they are read once and after each change."""
        if self._scheduled is None:
            names = list(self.location.ecs_services.values())
            self._scheduled = autoscaling.scheduled(self.aws, self.location.cluster, names, SCALE_IN)
        return self._scheduled

    # --- writing ---

    @port_call
    def register(self, release: Release) -> str:
        """Return a revision that says what is wanted: one that is known already, or a new one."""
        spec = self._specification()
        wanted = spec.task_definition()
        candidate = self._seen.get(release.candidate)
        for reference in (candidate.task_definition if candidate else "", spec.names.family):
            known = ecs.task_definition(self.aws, reference) if reference else None
            if known and known.get("status", "ACTIVE") == "ACTIVE" and task_definition.same(known, wanted):
                return str(known["taskDefinitionArn"])
        arn = ecs.register_task_definition(self.aws, spec.names.family, wanted, spec.tags)
        self.progress.line(f"registered {short(arn)}")
        return arn

    @port_call
    def apply(self, action: Stage | ScaleIn | ScheduleScaleIn | CancelScaleIn) -> None:
        colour = action.colour
        match action:
            case Stage():
                self._stage(action)
            case ScaleIn():
                self._scale_in(colour)
            case ScheduleScaleIn(at=at):
                self._schedule(colour, at)
            case CancelScaleIn():
                self._cancel(colour)

    def _stage(self, action: Stage) -> None:
        colour, name = action.colour, self.location.ecs_services[action.colour]
        self._show_to_testers(colour)
        self._open_bounds(colour, action.count)
        state = self._seen.get(colour)
        if state is None:
            request = service_definition.create_request(self._settings(colour), action.task_definition, action.count)
            ecs.create_service(self.aws, self.location.cluster, name, request, self._specification().tags)
            return
        update = self._changed_settings(colour, state) | {"desiredCount": action.count}
        if state.task_definition != action.task_definition:
            update["taskDefinition"] = action.task_definition
        elif state.desired == 0:
            # A deployment of its own, so that failures of an earlier try are not counted against this one.
            update["forceNewDeployment"] = True
        ecs.update_service(self.aws, self.location.cluster, name, update)

    def _scale_in(self, colour: Colour) -> None:
        name = self.location.ecs_services[colour]
        if name in autoscaling.scalable_targets(self.aws, self.location.cluster, [name]):
            autoscaling.register(self.aws, self.location.cluster, name, NOUGHT)
        ecs.update_service(self.aws, self.location.cluster, name, {"desiredCount": 0})

    def _schedule(self, colour: Colour, at: float) -> None:
        name, cluster = self.location.ecs_services[colour], self.location.cluster
        if name not in autoscaling.scalable_targets(self.aws, cluster, [name]):
            state = self._seen.get(colour)
            # Room to stay as it is until then; without a policy nothing moves inside of it.
            autoscaling.register(self.aws, cluster, name, Bounds(0, max(1, state.desired if state else 1)))
        autoscaling.schedule(self.aws, cluster, name, SCALE_IN, at, NOUGHT)
        self._scheduled = None

    def _cancel(self, colour: Colour) -> None:
        autoscaling.unschedule(self.aws, self.location.cluster, self.location.ecs_services[colour], SCALE_IN)
        self._scheduled = None
        self._open_bounds(colour, None)

    def _open_bounds(self, colour: Colour, count: int | None) -> None:
        """Give a colour that is used again the bounds of the other one, or take it out of autoscaling if that has none.

        With a count, only where its present bounds would not let it have that many.
        """
        cluster, name = self.location.cluster, self.location.ecs_services[colour]
        bounds = autoscaling.scalable_targets(self.aws, cluster, list(self.location.ecs_services.values()))
        mine, theirs = bounds.get(name), bounds.get(self.location.ecs_services[colour.other])
        autoscaled = theirs is not None and theirs.maximum > 0 and theirs.minimum > 0
        if count is not None and mine is not None and mine.maximum >= count:
            return
        if theirs is not None and autoscaled:
            if name in self._known_services():
                autoscaling.register(self.aws, cluster, name, theirs)
        elif mine is not None:
            autoscaling.deregister(self.aws, cluster, name)
            self._scheduled = None

    def _known_services(self) -> set[str]:
        return {state.name for state in self._seen.values()}

    def _show_to_testers(self, colour: Colour) -> None:
        """The test rule forwards to the candidate. It carries no production traffic."""
        if self._test_colour is colour:
            return
        wanted = self._by_arn(Weights.all_to(colour))
        if dict(self.location.test.weights) != wanted or self._test_colour is not None:
            elbv2.set_weights(self.aws, self.location.test.arn, wanted)
        self._test_colour = colour

    def _by_arn(self, weights: Weights) -> dict[str, int]:
        return {self.location.target_groups[colour].arn: weights.of(colour) for colour in Colour}

    def _settings(self, colour: Colour) -> dict[str, Any]:
        """A candidate that fails must stay as it failed: going back is the release's, by traffic, not ECS's."""
        settings = self._specification().settings(self.location.target_groups[colour].arn)
        return {**settings, "rollback": False}

    def _changed_settings(self, colour: Colour, state: ServiceState) -> dict[str, Any]:
        if self.spec is None:
            return {}
        wanted: Mapping[str, Any] = self._settings(colour)
        return service_definition.update_request(wanted, service_definition.differences(state.settings, wanted))

    def _specification(self) -> Specification:
        if self.spec is None:
            raise Failure(
                f"Service {self.location.service} has no ECS service to return to, and a rollback makes none. "
                "Run playbooks/release.yml with the version that should serve."
            )
        return self.spec


@dataclass(frozen=True)
class ListenerTraffic:
    """Weights in the production rule. ModifyRule answers with the rule as it is then: that is the reading back."""

    aws: Aws
    location: ServiceLocation

    @port_call
    def shift(self, weights: Weights) -> None:
        by_arn = {self.location.target_groups[colour].arn: weights.of(colour) for colour in Colour}
        written = elbv2.set_weights(self.aws, self.location.production.arn, by_arn)
        found = weights_of(written, self.location)
        if found != weights:
            raise PortError(f"The production rule has {found} after {weights} was written to it", transient=True)
