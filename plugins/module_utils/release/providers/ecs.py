# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deployment that ECS carries by itself: the tasks of the colour that holds traffic are replaced in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...aws import autoscaling, ecs, service_definition
from ...aws.errors import Failure
from ...rollout.actions import Replace
from ...rollout.model import Colour
from ...service.scaling import foreign
from .fleet import ServiceFleet
from .in_place_changes import Adjustments, Changes, LiveService, Specified, adjustments_of, changes_of, diff


@dataclass
class EcsProvider:
    """Compares the live colour with the specification, and has ECS replace its tasks."""

    fleet: ServiceFleet
    in_place: bool = False
    # Task definitions never change, and autoscaling is somebody else's to set up: each is read once in a run.
    _definitions: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    _autoscaled: dict[str, bool] = field(default_factory=dict)

    def changes(self, colour: Colour) -> Changes:
        """What a release in place would write."""
        return changes_of(self._live(colour), self._specified(colour))

    def difference(self, colour: Colour) -> dict[str, str]:
        live, specified = self._live(colour), self._specified(colour)
        changes = changes_of(live, specified)
        if not self.in_place:
            found = adjustments_of(live, specified)
            changes = Changes(settings=found.settings, desired_count=found.desired_count, tags=found.tags)
        return diff(live, specified, changes)

    def adjustments(self, colour: Colour) -> Adjustments:
        """How the live colour differs where releases go to the other one."""
        return adjustments_of(self._live(colour), self._specified(colour))

    def adjust(self, colour: Colour) -> None:
        """Write what needs no new tasks."""
        state = self.fleet.services.get(colour)
        found, specified = self.adjustments(colour), self._specified(colour)
        if state is None:
            return
        update = service_definition.update_request(
            {**specified.settings, **service_definition.NO_RETURN_BY_ECS}, set(found.settings)
        )
        if found.desired_count is not None:
            update["desiredCount"] = found.desired_count
        if update:
            self.fleet.update(colour, update)
        if found.tags:
            ecs.tag(self.fleet.writing, state.arn, specified.tags)

    def replace(self, action: Replace) -> None:
        """Start the deployment: of the specified version with its settings, or back to a version before."""
        colour = action.colour
        if not action.specified:
            count = {} if action.count is None else {"desiredCount": action.count}
            besides = self.fleet.of_version(colour, self._definition(action.task_definition))
            unwatched = self._without_alarms(colour)
            self.fleet.update(colour, {"taskDefinition": action.task_definition, **count, **besides, **unwatched})
            return
        changes, specified = self.changes(colour), self._specified(colour)
        if changes.create:
            request = service_definition.create_request(
                specified.settings, action.task_definition, specified.desired_count
            )
            self.fleet.create(colour, request)
        else:
            self._update(action, changes, specified)
        if changes.create_idle:
            # A name of Service Connect is one ECS service's, and by one of Cloud Map tasks of both colours would answer.
            idle = service_definition.without_names(self._settings(colour.other))
            self.fleet.create(colour.other, service_definition.create_request(idle, action.task_definition, 0))

    def _without_alarms(self, colour: Colour) -> dict[str, Any]:
        """Errors of the version that is left are reported late: by an alarm on them ECS would put that version back.

        The next release sets the alarms again.
        """
        state = self.fleet.services.get(colour)
        if state is None or self.fleet.location.given or not state.settings.get("alarms"):
            return {}
        return service_definition.update_request({**state.settings, "alarms": []}, {"alarms"})

    def _update(self, action: Replace, changes: Changes, specified: Specified) -> None:
        state = self.fleet.services.get(action.colour)
        if state is None:
            raise Failure(f"The ECS service of {action.colour} was deleted meanwhile. Run the same playbook again.")
        update = service_definition.update_request(specified.settings, set(changes.settings))
        if state.task_definition != action.task_definition:
            update["taskDefinition"] = action.task_definition
        count = changes.desired_count if action.count is None else action.count
        if count is not None:
            update["desiredCount"] = count
        # ECS refuses a changed capacity provider strategy without a new deployment.
        if action.fresh or "capacityProviderStrategy" in update:
            update["forceNewDeployment"] = True
        if update:
            self.fleet.update(action.colour, update)
        if changes.tags:
            ecs.tag(self.fleet.writing, state.arn, specified.tags)

    def _live(self, colour: Colour) -> LiveService:
        state = self.fleet.services.get(colour)
        return LiveService(
            colour,
            dict(self.fleet.services),
            self._definition(state.task_definition) if state else None,
            autoscaled=state is not None and self._is_autoscaled(state.name),
            alone=not self.fleet.location.is_routed,
        )

    def _specified(self, colour: Colour) -> Specified:
        spec = self.fleet.specification()
        location = self.fleet.location
        further = {name: group.arn for name, group in location.further_target_groups.items()}
        return Specified(spec.task_definition(), self._settings(colour, further), spec.desired_count, spec.tags)

    def _settings(self, colour: Colour, further: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Tasks of the idle colour would answer in a further target group whatever the weights are: it has none."""
        group = self.fleet.location.target_groups.get(colour)
        return self.fleet.specification().settings(group.arn if group else "", further)

    def _definition(self, arn: str) -> Mapping[str, Any] | None:
        if arn not in self._definitions:
            self._definitions[arn] = ecs.task_definition(self.fleet.aws, arn)
        return self._definitions[arn]

    def _is_autoscaled(self, service: str) -> bool:
        if service not in self._autoscaled:
            self._autoscaled[service] = self._is_scaled_by_anybody(service)
        return self._autoscaled[service]

    def _is_scaled_by_anybody(self, service: str) -> bool:
        """What scales it because an earlier inventory said so is about to be removed, and owns the count no longer."""
        aws, cluster = self.fleet.aws, self.fleet.location.cluster
        if not autoscaling.owns_desired_count(aws, cluster, service):
            return False
        if self.fleet.specification().params.get("autoscaling") is not False:
            return True
        names = [policy["PolicyName"] for policy in autoscaling.policies(aws, cluster, service)]
        names += [action["ScheduledActionName"] for action in autoscaling.scheduled_actions(aws, cluster, service)]
        return bool(foreign(names, autoscaling.OWN))
