# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the live colour's ECS service differs from a specification, and so what a release in place has to write. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...aws import service_definition, task_definition
from ...aws.ecs_states import ServiceState, short
from ...rollout.model import Colour


@dataclass(frozen=True)
class LiveService:
    """A service before its release: both colours' ECS services, and the task definition of the live one."""

    colour: Colour
    services: Mapping[Colour, ServiceState]
    definition: Mapping[str, Any] | None = None
    # An autoscaling target owns the desired count: writing it would undo what load has asked for.
    autoscaled: bool = False
    # Without a load balancer there is no second colour.
    alone: bool = False

    @property
    def state(self) -> ServiceState | None:
        return self.services.get(self.colour)


@dataclass(frozen=True)
class Specified:
    """The specification of the release in the shapes that are compared."""

    definition: Mapping[str, Any]
    settings: Mapping[str, Any]
    desired_count: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What differs, and a sentence for each difference. `desired_count` is None where it stays."""

    create: bool = False
    create_idle: bool = False
    redefine: bool = False
    settings: frozenset[str] = frozenset()
    desired_count: int | None = None
    tags: bool = False
    reasons: tuple[str, ...] = ()


def changes_of(live: LiveService, specified: Specified) -> Changes:
    """Compare, and return what differs."""
    idle = live.colour.other
    create_idle = idle not in live.services and not live.alone
    idle_reasons = (f"{idle} gets its ECS service, without tasks",) if create_idle else ()
    state = live.state
    if state is None:
        reasons = (f"{live.colour} gets its ECS service", *idle_reasons)
        return Changes(create=True, create_idle=create_idle, redefine=True, reasons=reasons)
    redefine = not _is_active_and_same(live.definition, specified.definition)
    settings = frozenset(service_definition.differences(state.settings, specified.settings))
    differs = not live.autoscaled and state.desired != specified.desired_count
    desired_count = specified.desired_count if differs else None
    tags = any(state.tags.get(key) != value for key, value in specified.tags.items())
    reasons = (
        *([f"the task definition differs from {short(state.task_definition)}"] if redefine else []),
        *([f"settings differ: {', '.join(sorted(settings))}"] if settings else []),
        *([f"desired count {state.desired} → {desired_count}"] if differs else []),
        *(["tags differ"] if tags else []),
        *idle_reasons,
    )
    return Changes(False, create_idle, redefine, settings, desired_count, tags, reasons)


@dataclass(frozen=True)
class Adjustments:
    """How a live colour differs from the specification in what is no version: what needs new tasks, and what does not."""

    redeployments: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    desired_count: int | None = None
    tags: bool = False
    reasons: tuple[str, ...] = ()


def adjustments_of(live: LiveService, specified: Specified) -> Adjustments:
    """Compare the settings that are in force; how ECS ends a deployment of its own is none of the other strategies'."""
    state = live.state
    if state is None:
        return Adjustments()
    differing = (
        service_definition.differences(state.settings, specified.settings) - service_definition.NO_RETURN_BY_ECS.keys()
    )
    redeploying = sorted(differing & service_definition.REDEPLOYING)
    plain = differing - service_definition.REDEPLOYING
    counted = not live.autoscaled and state.desired != specified.desired_count
    tags = any(state.tags.get(key) != value for key, value in specified.tags.items())
    return Adjustments(
        tuple([f"settings differ: {', '.join(redeploying)}"] if redeploying else ()),
        frozenset(plain),
        specified.desired_count if counted else None,
        tags,
        (
            *([f"settings differ: {', '.join(sorted(plain))}"] if plain else []),
            *([f"desired count {state.desired} → {specified.desired_count}"] if counted else []),
            *(["tags differ"] if tags else []),
        ),
    )


def _is_active_and_same(known: Mapping[str, Any] | None, definition: Mapping[str, Any]) -> bool:
    return bool(known and known.get("status", "ACTIVE") == "ACTIVE" and task_definition.same(known, definition))


def diff(live: LiveService, specified: Specified, changes: Changes) -> dict[str, str]:
    """Return before and after as texts: the task definition, and below it the settings that change."""
    state = live.state
    before = {key: state.settings.get(key) for key in changes.settings} if state else {}
    after = {key: specified.settings[key] for key in changes.settings}
    if changes.desired_count is not None and state:
        before["desired_count"], after["desired_count"] = state.desired, changes.desired_count
    if changes.tags and state:
        before["tags"], after["tags"] = {key: state.tags.get(key) for key in specified.tags}, dict(specified.tags)
    is_now = task_definition.text(live.definition)
    # Text that is equal on both sides shows nothing: a first release shows the whole definition.
    will_be = task_definition.text(specified.definition) if changes.redefine else is_now
    return {"before": is_now + _lines(before), "after": will_be + _lines(after)}


def _lines(settings: Mapping[str, Any]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(settings.items()))
