# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two ECS services behind listener rules, or a network load balancer's listener: weights there move traffic to the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...aws import autoscaling, ecs, elbv2, service_definition
from ...aws.autoscaling import OWN, Bounds, ScaleIn
from ...aws.ecs_states import ServiceState
from ...aws.elbv2_states import Rule
from ...aws.errors import Failure
from ...rollout.actions import ScheduleScaleIn, Stage
from ...rollout.model import Colour, Weights
from ...service.location import weights_of
from ...service.scaling import foreign
from ..ports import PortError
from .fleet import ServiceFleet

NO_TASKS = Bounds(0, 0)


@dataclass
class ListenerProvider:
    """Stages and scales in a colour that has no production traffic, and shifts traffic."""

    fleet: ServiceFleet
    _test_colour: Colour | None = None

    def shift(self, weights: Weights) -> None:
        """ModifyRule answers with the rule as it is then, ModifyListener with the listener: that is the reading back.

        A further rule is written only once the one before it has answered: the first rule says what was meant.
        """
        location = self.fleet.location
        self.fleet.forget_rules()
        for rule in self.fleet.production:
            try:
                written = self._write(rule, weights)
            finally:
                # Without an answer it may have been changed all the same.
                self.fleet.weights_changed_at = self.fleet.clock.now()
            found = weights_of(written, location)
            if found != weights:
                raise PortError(
                    f"{rule.title} has {found} after {weights} was written to it",
                    transient=True,
                )

    def _write(self, rule: Rule, weights: Weights) -> Rule:
        if rule.is_listener:
            return elbv2.set_default_weights(self.fleet.writing, rule, self._by_arn(weights))
        return elbv2.set_weights(self.fleet.writing, rule, self._by_arn(weights))

    def stage(self, action: Stage) -> None:
        colour = action.colour
        if action.as_it_is:
            fresh = {"forceNewDeployment": True} if action.fresh else {}
            self.fleet.update(colour, {"desiredCount": action.count, **fresh})
            self.open_bounds(colour, action.count)
            return
        self._show_to_testers(colour)
        state = self.fleet.services.get(colour)
        if state is None and self.fleet.location.given:
            raise Failure(
                f"ECS service {self.fleet.location.ecs_services[colour]} was deleted meanwhile. Make it again."
            )
        if state is None:
            request = service_definition.create_request(self._settings(colour), action.task_definition, action.count)
            self.fleet.create(colour, request)
            return
        update = self._changed_settings(colour, state) | {"desiredCount": action.count}
        if state.task_definition != action.task_definition:
            update["taskDefinition"] = action.task_definition
            if self.fleet.spec is None:
                registered = ecs.task_definition(self.fleet.aws, action.task_definition)
                update |= self.fleet.of_version(colour, registered)
        # ECS refuses a changed capacity provider strategy without a new deployment.
        if action.fresh or "capacityProviderStrategy" in update:
            update["forceNewDeployment"] = True
        self.fleet.update(colour, update)
        # After the service: autoscaling moves the count into its bounds at once, of whatever version the service has then.
        self.open_bounds(colour, action.count)

    def scale_in(self, colour: Colour) -> None:
        cluster, name = self.fleet.location.cluster, self.fleet.location.ecs_services[colour]
        if name in autoscaling.scalable_targets(self.fleet.aws, cluster, [name]):
            autoscaling.register(self.fleet.writing, cluster, name, NO_TASKS)
        self.fleet.update(colour, {"desiredCount": 0})

    def schedule_scale_in(self, action: ScheduleScaleIn) -> None:
        colour, cluster = action.colour, self.fleet.location.cluster
        aws, name = self.fleet.aws, self.fleet.location.ecs_services[colour]
        if name not in autoscaling.scalable_targets(aws, cluster, [name]):
            state = self.fleet.services.get(colour)
            # Room to stay as it is until then; without a policy nothing moves inside of it.
            room = Bounds(0, max(1, state.desired if state else 1), scale_in_suspended=True)
            autoscaling.register(self.fleet.writing, cluster, name, room)
        scheduled = ScaleIn(action.at, action.release_id)
        autoscaling.schedule(self.fleet.writing, cluster, name, scheduled.name, action.at, NO_TASKS)
        self._unschedule(name, {scheduled.name})

    def cancel_scale_in(self, colour: Colour) -> None:
        self._unschedule(self.fleet.location.ecs_services[colour], set())
        self.open_bounds(colour, None)

    def _unschedule(self, name: str, keep: set[str]) -> None:
        """Delete the scale-ins of all releases, as a late write may have added one."""
        cluster = self.fleet.location.cluster
        for scale_in in autoscaling.scale_ins(self.fleet.aws, cluster, name):
            if scale_in.name not in keep:
                autoscaling.unschedule(self.fleet.writing, cluster, name, scale_in.name)
        self.fleet.scaling.forget()

    def set_scale_in(self, colour: Colour, suspended: bool) -> None:
        location = self.fleet.location
        autoscaling.set_scale_in(self.fleet.writing, location.cluster, location.ecs_services[colour], suspended)
        self.fleet.scaling.forget()

    def open_bounds(self, colour: Colour, count: int | None) -> None:
        """Give a colour that is used again the bounds of the other one, or take it out of autoscaling if that has none.

        With a count, only where its present bounds would not let it have that many.
        """
        aws, location = self.fleet.aws, self.fleet.location
        name = location.ecs_services[colour]
        bounds = autoscaling.scalable_targets(aws, location.cluster, list(location.ecs_services.values()))
        own, other = bounds.get(name), bounds.get(location.ecs_services.get(colour.other, ""))
        if location.given and (own is None or own.maximum > 0):
            # Autoscaling of services that others made is theirs, but for a scale-in that a release was asked for.
            return
        if count is not None and own is not None and own.maximum >= count:
            return
        if other is not None and other.maximum > 0 and other.minimum > 0:
            if colour in self.fleet.services:
                autoscaling.register(self.fleet.writing, location.cluster, name, other)
        elif own is not None and self._others_scale(name):
            # Deregistering would delete what others made.
            if count is not None:
                autoscaling.register(self.fleet.writing, location.cluster, name, Bounds(own.minimum, count))
        elif own is not None:
            autoscaling.deregister(self.fleet.writing, location.cluster, name)
            self.fleet.scaling.forget()

    def _others_scale(self, name: str) -> bool:
        aws, cluster = self.fleet.aws, self.fleet.location.cluster
        names = [policy["PolicyName"] for policy in autoscaling.policies(aws, cluster, name)]
        names += [action["ScheduledActionName"] for action in autoscaling.scheduled_actions(aws, cluster, name)]
        return bool(foreign(names, OWN))

    def _show_to_testers(self, colour: Colour) -> None:
        """The test rule forwards to the candidate. It carries no production traffic."""
        if self._test_colour is colour:
            return
        test, weights = self.fleet.location.test, Weights.all_to(colour)
        if test is not None and (dict(test.weights) != self._by_arn(weights) or self._test_colour is not None):
            self._write(test, weights)
            self.fleet.test_rule_changed_at = self.fleet.clock.now()
        self._test_colour = colour

    def _by_arn(self, weights: Weights) -> dict[str, int]:
        return {self.fleet.location.target_groups[colour].arn: weights.of(colour) for colour in Colour}

    def _settings(self, colour: Colour) -> dict[str, Any]:
        """A candidate that fails must stay as it failed: the release returns traffic, ECS returns nothing."""
        settings = self.fleet.specification().settings(self.fleet.location.target_groups[colour].arn)
        return {**settings, **service_definition.NO_RETURN_BY_ECS}

    def _changed_settings(self, colour: Colour, state: ServiceState) -> dict[str, Any]:
        if self.fleet.location.given:
            return {}
        # A rollback has no specification; a colour that was released in place, or made beside one, has what that needs.
        settings: Mapping[str, Any] = (
            self._settings(colour)
            if self.fleet.spec is not None
            else {**state.settings, **service_definition.NO_RETURN_BY_ECS}
        )
        return service_definition.update_request(settings, service_definition.differences(state.settings, settings))
