# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rolling release has to write, decided from what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..aws import service_definition, task_definition
from ..aws.ecs_states import ServiceState, short


@dataclass(frozen=True)
class Seen:
    """A service before its release: both colours' ECS services, and what the live one runs."""

    colour: str
    services: Mapping[str, ServiceState]
    running_definition: Mapping[str, Any] | None = None
    latest_definition: Mapping[str, Any] | None = None
    # An autoscaling target owns the desired count: writing it would undo what load has asked for.
    autoscaled: bool = False

    @property
    def live(self) -> ServiceState | None:
        return self.services.get(self.colour)

    @property
    def idle_colour(self) -> str:
        return "green" if self.colour == "blue" else "blue"


@dataclass(frozen=True)
class Wanted:
    """The specification of the release in the shapes that are compared."""

    definition: Mapping[str, Any]
    settings: Mapping[str, Any]
    desired: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be written; `task_definition` is empty where a revision has to be registered first."""

    task_definition: str
    create: bool
    create_idle: bool
    redefine: bool = False
    settings: frozenset[str] = frozenset()
    desired: int | None = None
    force: bool = False
    tags: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def register(self) -> bool:
        return not self.task_definition

    @property
    def update(self) -> bool:
        return not self.create and (self.redefine or bool(self.settings) or self.desired is not None or self.force)

    @property
    def changed(self) -> bool:
        return self.create or self.create_idle or self.update or self.tags

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons) or "everything is as specified"


def decide(seen: Seen, wanted: Wanted) -> Plan:
    """Compare, and return what differs."""
    definition = _known_revision(seen, wanted)
    create_idle = seen.idle_colour not in seen.services
    idle_reasons = (f"{seen.idle_colour} gets its ECS service, without tasks",) if create_idle else ()
    live = seen.live
    if live is None:
        return Plan(definition, True, create_idle, reasons=(f"{seen.colour} gets its ECS service", *idle_reasons))
    redefine = not definition or definition != live.task_definition
    settings = frozenset(service_definition.differences(live.settings, wanted.settings))
    desired = wanted.desired if not seen.autoscaled and live.desired != wanted.desired else None
    primary = live.primary
    stalled = bool(primary and primary.rollout_state == "FAILED" and not redefine)
    tags = any(live.tags.get(key) != value for key, value in wanted.tags.items())
    reasons = []
    if redefine:
        reasons.append(f"the task definition differs from {short(live.task_definition)}")
    if settings:
        reasons.append(f"settings differ: {', '.join(sorted(settings))}")
    if desired is not None:
        reasons.append(f"desired count {live.desired} → {desired}")
    if stalled:
        reasons.append("the last deployment failed and left nothing to return to")
    if tags:
        reasons.append("tags differ")
    return Plan(
        definition,
        False,
        create_idle,
        redefine=redefine,
        settings=settings,
        desired=desired,
        # ECS starts no deployment by itself for a changed capacity provider strategy, nor again for one that failed.
        force=stalled or "capacity_providers" in settings,
        tags=tags,
        reasons=(*reasons, *idle_reasons),
    )


def _known_revision(seen: Seen, wanted: Wanted) -> str:
    """Return a registered revision that says what is wanted: the running one, or else the family's latest."""
    for known in (seen.running_definition, seen.latest_definition):
        if known and known.get("status", "ACTIVE") == "ACTIVE" and task_definition.same(known, wanted.definition):
            return str(known["taskDefinitionArn"])
    return ""


def diff(seen: Seen, wanted: Wanted, plan: Plan) -> dict[str, str]:
    """Return before and after as texts: the task definition, and below it the settings that change."""
    live = seen.live
    before = {key: live.settings.get(key) for key in plan.settings} if live else {}
    after = {key: wanted.settings[key] for key in plan.settings}
    if plan.desired is not None and live:
        before["desired_count"], after["desired_count"] = live.desired, plan.desired
    if plan.tags and live:
        before["tags"], after["tags"] = {key: live.tags.get(key) for key in wanted.tags}, dict(wanted.tags)
    is_now = task_definition.text(seen.running_definition)
    # Text that is equal on both sides shows nothing: a first release shows the whole definition.
    will_be = task_definition.text(wanted.definition) if plan.create or plan.redefine else is_now
    return {"before": is_now + _lines(before), "after": will_be + _lines(after)}


def _lines(settings: Mapping[str, Any]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(settings.items()))
