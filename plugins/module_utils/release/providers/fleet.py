# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service on AWS as one run sees it: both colours and the weights, read in one go. What the providers share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ...aws import ecs, elbv2, launch_volumes, service_definition, task_definition
from ...aws.arns import target_group_name
from ...aws.ecs_states import ServiceState, short
from ...aws.elbv2_states import Rule, TargetState
from ...aws.errors import Failure
from ...aws.session import Aws
from ...aws.tasks import TaskState
from ...common.clock import Clock, SystemClock
from ...rollout.lease import WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS
from ...rollout.model import Colour, Release
from ...service.location import ServiceLocation, current_rules
from ...service.specification import Specification
from ..ports import Progress
from .colour_state import Reading, needs_stopped_tasks
from .joined_targets import further_target_groups, joined
from .scaling_reader import Scaling, ScalingReader

# All that needs no other answer. Where calls hang, one that waited for another would make the look last twice as long.
_AT_ONCE = 5
_UNFINISHED_SECONDS = 30.0
# How often, and after each write of its own, a run looks for rules of the service that were added meanwhile.
_LIST_SECONDS = 60.0


@dataclass(frozen=True)
class FleetReading:
    """The production rules, the first one first, and what was read of each colour."""

    rules: tuple[Rule, ...]
    colours: dict[Colour, Reading]


@dataclass
class ServiceFleet:
    """Reads a service, and keeps what was read last. A rollback has no specification: it uses what is registered."""

    aws: Aws
    location: ServiceLocation
    progress: Progress
    spec: Specification | None = None
    services: dict[Colour, ServiceState] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    # No write is sent after this time.
    write_until: float = 0.0
    scaling: ScalingReader = field(init=False)
    # When this run changed them last; whoever ran before may have changed the weights just now.
    weights_changed_at: float = field(init=False)
    test_rule_changed_at: float = 0.0
    _production: tuple[Rule, ...] = ()
    _rules_listed_at: float = -math.inf
    _rule_read_at: float = -math.inf
    _unfinished: dict[str, tuple[float, tuple[TargetState, ...]]] = field(default_factory=dict)
    _writing: Aws | None = None
    # Tasks of a worker that had stopped before this run are no evidence against what it releases.
    _stopped_before: frozenset[str] | None = None

    def __post_init__(self) -> None:
        self.scaling = ScalingReader(self.aws, self.location, self.clock)
        self.weights_changed_at = self.clock.now()
        if self.location.of_connections and self.location.test is not None:
            # For minutes testers of a network load balancer may still meet the colour before.
            self.test_rule_changed_at = self.clock.now()

    def read(self, longest_seconds: float = 0.0, count_unended: bool = False) -> FleetReading:
        """Everything as it is now; of the rules, as they were at most so long ago."""
        aws, location = self.aws, self.location
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            in_use = [colour for colour in Colour if self._may_have_targets(colour)]
            services = pool.submit(ecs.services, aws, location.cluster, list(location.ecs_services.values()))
            rules = pool.submit(self._rules, longest_seconds)
            targets = {colour: pool.submit(self._health, self._own_group(colour)) for colour in in_use}
            scaling = pool.submit(self.scaling.read)
            found = services.result()
            self.services = {colour: found[name] for colour, name in location.ecs_services.items() if name in found}
            self._production = rules.result()
            for colour in Colour:
                if colour not in targets and self._may_have_targets(colour):
                    targets[colour] = pool.submit(self._health, self._own_group(colour))
            futures = {
                colour: {
                    **({self._own_group(colour): targets[colour]} if colour in targets else {}),
                    **{arn: pool.submit(self._health, arn) for arn in self._further_targets(colour)},
                }
                for colour in Colour
            }
            health = {
                colour: joined({target_group_name(arn): future.result() for arn, future in by_group.items()})
                for colour, by_group in futures.items()
            }
            readings = {colour: self._reading(colour, health[colour], scaling.result()) for colour in Colour}
            if count_unended:
                readings = {
                    colour: replace(reading, unended=self._unended(colour)) for colour, reading in readings.items()
                }
            self._unfinished.clear()
            return FleetReading(self._production, readings)

    def read_load_balancer(self) -> tuple[tuple[Rule, ...], dict[Colour, tuple[TargetState, ...]]]:
        """The production rules and the targets of both colours, as they are now."""
        if not self.location.is_routed:
            raise Failure(f"Service {self.location.service} has no load balancer.")
        groups = self.location.target_groups
        targets = {colour: elbv2.target_health(self.aws, groups[colour].arn) for colour in Colour}
        return self._rules(0.0), targets

    @property
    def production(self) -> tuple[Rule, ...]:
        """The production rules as they were read last: what others added to them since the run began is kept by the next write."""
        return self._production or (self.location.production, *self.location.further)

    def forget_rules(self) -> None:
        """Before a write of them: should the answer be lost, they have to be read again."""
        self._rule_read_at = self._rules_listed_at = -math.inf

    def _rules(self, longest_seconds: float) -> tuple[Rule, ...]:
        now = self.clock.now()
        if not self._production or now - self._rule_read_at >= longest_seconds:
            listed = now - self._rules_listed_at < _LIST_SECONDS
            found = current_rules(self.aws, self.location, self._production if listed else ())
            if not listed:
                self._rules_listed_at = now
            weights = [rule.weights for rule in found]
            if self._production and weights != [rule.weights for rule in self._production]:
                self.weights_changed_at = now  # by this run, or by somebody else
            self._production, self._rule_read_at = found, now
        return self._production

    def _own_group(self, colour: Colour) -> str:
        group = self.location.target_groups.get(colour)
        return group.arn if group else ""

    def further_target_groups(self, colour: Colour) -> list[str]:
        """ARNs of the target groups in which ECS registers the colour's tasks beside its own. Of a service of others none is told."""
        state = self.services.get(colour)
        if state is None or self.location.given:
            return []
        return further_target_groups(state, self._own_group(colour))

    def names(self, colour: Colour) -> list[str]:
        """By which other services find the colour's tasks. Of a service of others none is told."""
        state = self.services.get(colour)
        return service_definition.names(state.settings) if state and not self.location.given else []

    def _further_targets(self, colour: Colour) -> list[str]:
        """Those that have targets to ask for."""
        state = self.services.get(colour)
        return self.further_target_groups(colour) if state and (state.desired or state.running) else []

    def _health(self, arn: str) -> tuple[TargetState, ...]:
        """As it is now, or as a look a little earlier read it that was throttled at something else.

        Without that, many runs at once would spend the quota on looks that none of them completes.
        """
        now = self.clock.now()
        at, known = self._unfinished.get(arn, (-math.inf, ()))
        if now - at <= _UNFINISHED_SECONDS:
            return known
        known = elbv2.target_health(self.aws, arn)
        self._unfinished[arn] = (now, known)
        return known

    def _may_have_targets(self, colour: Colour) -> bool:
        """A colour without tasks and traffic has no target to ask for. All Describe calls of load balancers share one quota."""
        if not self.location.is_routed:
            return False
        if not self._production:
            return True
        state = self.services.get(colour)
        group = self.location.target_groups[colour].arn
        weight = max(rule.weights.get(group, 0) for rule in self._production)
        return weight > 0 or (state is not None and (state.desired > 0 or state.running > 0))

    def _unended(self, colour: Colour) -> int:
        """Tasks whose program may still run. ECS does not count a task as running any more once it is to stop."""
        service = self.services.get(colour)
        if service is None or service.desired:
            return service.running + service.pending if service else 0
        # In this order no task is missed that is told to stop between the two calls.
        tasks = {
            task.id: task
            for status in ("RUNNING", "STOPPED")
            for task in ecs.tasks(self.aws, self.location.cluster, service.name, status)
        }
        return sum(not task.has_ended for task in tasks.values())

    def _reading(self, colour: Colour, targets: tuple[TargetState, ...], scaling: Scaling) -> Reading:
        name, state = self.location.ecs_services.get(colour, ""), self.services.get(colour)
        return Reading(
            colour,
            state,
            targets,
            self._stopped(colour),
            scaling.scale_ins.get(name, ()),
            scale_in_suspended=scaling.suspended(name),
            checked=self.location.is_routed or bool(self.further_target_groups(colour)),
        )

    def _stopped(self, colour: Colour) -> list[TaskState]:
        if not self.location.is_routed:
            return self._stopped_since(colour)
        return self._stopped_tasks(colour) if needs_stopped_tasks(self.services.get(colour)) else []

    def _stopped_tasks(self, colour: Colour) -> list[TaskState]:
        return ecs.tasks(self.aws, self.location.cluster, self.location.ecs_services[colour], "STOPPED")

    def _stopped_since(self, colour: Colour) -> list[TaskState]:
        """A worker that starts and then dies completes ECS's deployment: its tasks are the only ones that tell."""
        if colour not in self.services:
            self._stopped_before = self._stopped_before or frozenset()
            return []
        stopped = self._stopped_tasks(colour)
        if self._stopped_before is None:
            self._stopped_before = frozenset(task.id for task in stopped)
        return [task for task in stopped if task.id not in self._stopped_before]

    def register(self, release: Release) -> str:
        """Return a revision that is as specified: one that is known already, or a new one."""
        spec = self.specification()
        if spec.registered:
            return spec.registered
        definition = spec.task_definition()
        candidate = self.services.get(release.candidate)
        for reference in (candidate.task_definition if candidate else "", spec.names.family):
            known = ecs.task_definition(self.aws, reference) if reference else None
            if known and known.get("status", "ACTIVE") == "ACTIVE" and task_definition.same(known, definition):
                return str(known["taskDefinitionArn"])
        arn = ecs.register_task_definition(self.aws, spec.names.family, definition, spec.tags)
        self.progress.line(f"registered {short(arn)}")
        return arn

    def specification(self) -> Specification:
        if self.spec is None:
            raise Failure(
                f"Service {self.location.service} has no ECS service to return to, and a rollback makes none. "
                "Run playbooks/release.yml with the version that should serve."
            )
        return self.spec

    def of_version(self, colour: Colour, definition: Mapping[str, Any] | None) -> dict[str, Any]:
        """What an UpdateService with an earlier task definition has to say besides.

        A version before may have other volumes, listen on another port, or offer one by another name: ECS refuses those of the version
        that runs now.
        """
        state = self.services.get(colour)
        if state is None or definition is None:
            return {}
        held = state.settings
        own = None if self.location.given else self._own_group(colour)
        needed = {
            "volumes": launch_volumes.of_definition(definition),
            "load_balancers": service_definition.balancers_of_version(held.get("load_balancers", []), definition, own),
            "service_connect": service_definition.connect_of_version(held.get("service_connect") or {}, definition),
        }
        # Of volumes of others that did not say what theirs are, nothing is known.
        differ = {
            key: value
            for key, value in needed.items()
            if value is not None and value != (held.get(key) or type(value)())
        }
        return service_definition.update_request(differ, set(differ))

    @property
    def writing(self) -> Aws:
        """For writes: each request is sent once, and only while the lease was just renewed."""
        if self._writing is None:
            self._writing = self.aws.fenced(WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS, self._may_write)
        return self._writing

    def _may_write(self) -> bool:
        return self.clock.now() <= self.write_until

    def update(self, colour: Colour, request: dict[str, Any]) -> None:
        ecs.update_service(self.writing, self.location.cluster, self.location.ecs_services[colour], request)

    def create(self, colour: Colour, request: dict[str, Any]) -> None:
        name = self.location.ecs_services[colour]
        ecs.create_service(self.writing, self.location.cluster, name, request, self.specification().tags)
