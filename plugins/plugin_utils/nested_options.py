# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options inside a service's plan, gates, checks and policy: what is no option, misses or has another type, in full sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils.release.check_options import CHECK
from ..module_utils.release.options import GATES, POLICY, STRATEGY
from ..module_utils.service.containers import APP_OPTIONS, CONTAINER
from ..module_utils.service.discovery import DISCOVERY_ARGUMENTS
from ..module_utils.service.ecs_scheduled_tasks import SCHEDULES_OPTION
from ..module_utils.service.further_targets import ARGUMENTS as FURTHER_TARGET_GROUP
from ..module_utils.service.network_listener import ARGUMENTS as LISTENER

# The variables of the role service that are handed to a release as they are.
_VARIABLES: Mapping[str, Mapping[str, Any]] = {
    "service_strategy_options": {name: option for name, option in STRATEGY.items() if name != "strategy"},
    "service_gates": GATES,
    "service_release_policy": POLICY,
    "service_version_probe": CHECK,
    "service_container": APP_OPTIONS,
    "service_listener": LISTENER,
    "service_connect": DISCOVERY_ARGUMENTS["service_connect"]["options"],
}
_LISTS: Mapping[str, Mapping[str, Any]] = {
    "service_checks": CHECK,
    "service_further_target_groups": FURTHER_TARGET_GROUP,
    "service_schedules": SCHEDULES_OPTION["options"],
    "service_sidecars": CONTAINER,
}


def findings(values: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for variable, spec in _VARIABLES.items():
        if values.get(variable):
            found += _mapping(variable, values[variable], spec)
    for variable, spec in _LISTS.items():
        found += _elements(variable, values.get(variable) or [], spec)
    return found


def _elements(where: str, value: Any, spec: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        yield f"{where} is {value!r}; it must be a list of mappings"
        return
    for number, element in enumerate(value, 1):
        yield from _mapping(f"{where}[{number}]", element, spec)


def _mapping(where: str, value: Any, spec: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where} is {value!r}; it must be a mapping of {', '.join(sorted(spec))}"
        return
    for name, given in value.items():
        option = spec.get(name)
        if option is None:
            yield f"{where}.{name} is no option{_nearest(str(name), spec)}"
        elif given is not None:
            yield from _option(f"{where}.{name}", given, option)
    yield from (
        f"{where}.{name} is missing"
        for name, option in spec.items()
        if option.get("required") and value.get(name) is None
    )


def _option(where: str, value: Any, option: Mapping[str, Any]) -> Iterator[str]:
    if "options" in option:
        nested = _elements if option["type"] == "list" else _mapping
        yield from nested(where, value, option["options"])
        return
    spec = {"value": {key: option[key] for key in ("type", "elements", "choices") if key in option}}
    if not ArgumentSpecValidator(spec).validate({"value": value}).error_messages:
        return
    valid = f"one of {', '.join(map(str, option['choices']))}" if "choices" in option else _TYPES[option["type"]]
    yield f"{where} is {value!r}; it must be {valid}"


_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "list": "a list",
    "path": "a path",
}


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; valid are {', '.join(sorted(known))}"
