# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provider of a service on AWS: reads its fleet, and hands each action to whoever carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ...aws.arns import target_group_name
from ...aws.elbv2_states import TargetState
from ...aws.tasks import TaskState
from ...rollout.actions import (
    POLL_SECONDS,
    Adjust,
    CancelScaleIn,
    FleetAction,
    Replace,
    ScaleIn,
    ScheduleScaleIn,
    SetScaleIn,
    Stage,
)
from ...rollout.model import Colour, ColourState, Fleet, Release, Weights
from ...service.location import weights_of
from .. import task_logs
from ..evidence import Evidence
from ..port_calls import port_call
from .colour_state import Reading, colour_state
from .ecs import EcsProvider
from .fleet import ServiceFleet
from .listener import ListenerProvider
from .narrator import Narrator
from .steady_health import SteadyHealth

# A listener rule changes by this run's writes, or by somebody's hand.
_RULE_SECONDS = 10.0


@dataclass
class ServiceProvider:
    """`in_place`: the live colour is compared with the specification, since its own tasks would be replaced."""

    fleet: ServiceFleet
    in_place: bool = False
    listener: ListenerProvider = field(init=False)
    ecs: EcsProvider = field(init=False)
    narrator: Narrator = field(init=False)
    health: SteadyHealth = field(default_factory=SteadyHealth)
    # The first look of the run was odd.
    _looks_again: bool = False

    def __post_init__(self) -> None:
        self.listener, self.ecs = ListenerProvider(self.fleet), EcsProvider(self.fleet, self.in_place)
        groups = self.fleet.location.target_groups
        evidence = {colour: Evidence(str(groups[colour].health_check) if colour in groups else "") for colour in Colour}
        self.narrator = Narrator(self.fleet.progress, self._log_lines, evidence)

    @port_call
    def read(self, count_unended: bool = False) -> Fleet:
        fleet = self._look(0.0, count_unended)
        if not self._looks_again:
            return fleet
        # A status or a refusal may rest on this look alone.
        self._looks_again = False
        self.fleet.clock.sleep(POLL_SECONDS)
        return self._look(0.0, count_unended)

    @port_call
    def glance(self) -> Fleet:
        return self._look(_RULE_SECONDS)

    @port_call
    def read_load_balancer(self) -> Fleet:
        rules, targets = self.fleet.read_load_balancer()
        weights, *others = (weights_of(rule, self.fleet.location) for rule in rules)
        states = {colour: self._targets_alone(colour, targets[colour]) for colour in Colour}
        return Fleet(weights, states[Colour.BLUE], states[Colour.GREEN], others=tuple(others))

    def _targets_alone(self, colour: Colour, targets: tuple[TargetState, ...]) -> ColourState:
        known = self.health.known(Reading(colour, None, targets)).targets
        healthy = sum(target.state == "healthy" for target in known)
        return ColourState(colour, running=healthy, healthy=healthy)

    def _look(self, longest_seconds: float, count_unended: bool = False) -> Fleet:
        reading = self.fleet.read(longest_seconds, count_unended)
        weights, *others = (weights_of(rule, self.fleet.location) for rule in reading.rules)
        states = {colour: self._state(reading.colours[colour], weights) for colour in Colour}
        return Fleet(
            weights,
            states[Colour.BLUE],
            states[Colour.GREEN],
            self.fleet.location.is_routed,
            weights_changed_at=self.fleet.weights_changed_at,
            test_rule_changed_at=self.fleet.test_rule_changed_at,
            others=tuple(others),
            of_connections=self.fleet.location.of_connections,
        )

    def _state(self, reading: Reading, weights: Weights) -> ColourState:
        reading = self.health.known(reading)
        self.narrator.look(reading)
        state = colour_state(reading)
        self._looks_again = self._looks_again or self.health.has_odd_first_look(reading, state)
        state = self.health.believe(reading, state)
        further = tuple(map(target_group_name, self.fleet.further_target_groups(reading.colour)))
        names = tuple(self.fleet.names(reading.colour))
        cause = self.narrator.rollback_cause(reading)
        state = replace(state, ecs_rollback=cause, further_target_groups=further, names=names)
        if self.in_place and weights.leader is reading.colour:
            return replace(state, deviations=self.ecs.changes(reading.colour).reasons)
        if self._is_compared(reading.colour, weights):
            found = self.ecs.adjustments(reading.colour)
            return replace(state, redeployments=found.redeployments, adjustments=found.reasons)
        return state

    def _is_compared(self, colour: Colour, weights: Weights) -> bool:
        """Only what releases of ours made is compared with a specification, and only while it has all traffic."""
        ours = self.fleet.spec is not None and self.fleet.location.given is None
        return ours and not self.in_place and weights.of(colour) == 100

    @port_call
    def register(self, release: Release) -> str:
        return self.fleet.register(release)

    @port_call
    def apply(self, action: FleetAction, until: float) -> None:
        self.fleet.write_until = until
        match action:
            case Stage():
                self.listener.stage(action)
            case Replace():
                self.ecs.replace(action)
                if action.count:
                    self.listener.open_bounds(action.colour, action.count)
            case Adjust(colour=colour):
                self.ecs.adjust(colour)
            case ScaleIn(colour=colour):
                self.listener.scale_in(colour)
            case ScheduleScaleIn():
                self.listener.schedule_scale_in(action)
            case CancelScaleIn(colour=colour):
                self.listener.cancel_scale_in(colour)
            case SetScaleIn(colour=colour, suspended=suspended):
                self.listener.set_scale_in(colour, suspended)

    @port_call
    def shift(self, weights: Weights, until: float) -> None:
        self.fleet.write_until = until
        self.listener.shift(weights)

    @port_call
    def difference(self, colour: Colour) -> dict[str, str]:
        return self.ecs.difference(colour)

    def _log_lines(self, task: TaskState, container: str) -> Sequence[str]:
        return task_logs.last_lines(self.fleet.aws, self.fleet.location, task, container)
