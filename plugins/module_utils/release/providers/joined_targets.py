# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The targets of a colour whose tasks are registered in several target groups: one state for each task. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...aws.ecs_states import ServiceState
from ...aws.elbv2_states import TargetState

_HEALTHY = "healthy"


def further_target_groups(state: ServiceState, own: str) -> list[str]:
    """ARNs of the target groups in which ECS registers a service's tasks beside the one of its colour."""
    held = [entry["target_group_arn"] for entry in state.settings.get("load_balancers", [])]
    return [arn for arn in held if arn != own]


def joined(groups: Mapping[str, Sequence[TargetState]]) -> tuple[TargetState, ...]:
    """By the names of the target groups, the colour's own first. A task is healthy where it is in all of them, as ECS counts it."""
    if len(groups) < 2:
        return tuple(target for targets in groups.values() for target in targets)
    by_address: dict[str, dict[str, TargetState]] = {}
    for name, targets in groups.items():
        for target in targets:
            by_address.setdefault(target.address, {})[name] = target
    return tuple(_worst(address, states, groups) for address, states in by_address.items())


def _worst(address: str, states: Mapping[str, TargetState], groups: Mapping[str, Sequence[TargetState]]) -> TargetState:
    missing = [name for name in groups if name not in states]
    targets = {name: replace(target, description=_named(target, name)) for name, target in states.items()}
    ordered = sorted(targets.values(), key=lambda target: (not target.unhealthy, target.state == _HEALTHY))
    first = ordered[0]
    if missing and first.state == _HEALTHY:
        return TargetState(address, first.port, "initial", "not registered", f"in target group {missing[0]}")
    return first


def _named(target: TargetState, group: str) -> str:
    if target.state == _HEALTHY:
        return target.description
    return f"{target.description.rstrip('.')} (target group {group})".lstrip()
