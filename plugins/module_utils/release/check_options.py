# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options `checks` and `version_probe`: their specification, and what cannot be meant by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..aws.command_words import command_problem

_OF_REQUESTS: dict[str, Any] = {
    "method": {"type": "str", "default": "GET"},
    "path": {"type": "str", "default": "/"},
    "body": {"type": "str"},
    "headers": {"type": "dict", "default": {}},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "expect_headers": {"type": "dict", "default": {}},
    "expect_json": {"type": "dict", "default": {}},
    "expect_body": {"type": "str"},
    "maximum_milliseconds": {"type": "int"},
    "tries": {"type": "int", "default": 5},
    "attempts": {"type": "int", "default": 1},
    "every_target": {"type": "bool", "default": True},
    "identity": {"type": "str"},
    "interval_seconds": {"type": "float", "default": 2.0},
}
_OF_TASKS: dict[str, Any] = {
    "command": {"type": "raw", "default": []},
    "container": {"type": "str", "default": "app"},
}
CHECK: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **_OF_REQUESTS,
    "timeout_seconds": {"type": "int", "default": 10},
    **_OF_TASKS,
}


def check_findings(params: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the checks and the version probe of a release's options."""
    checks, probe = params["checks"], params["version_probe"]
    names = [check["name"] for check in checks]
    yield from (f"checks: {name} is there twice" for name in sorted({name for name in names if names.count(name) > 1}))
    for check in [*checks, *([probe] if probe else [])]:
        yield from (
            f"check {check['name']}: {option} is {check[option]}; valid is 1 or more"
            for option in ("tries", "attempts")
            if check[option] < 1
        )
        if not check["every_target"]:
            yield from (
                f"check {check['name']}: {option} means nothing where every_target is false, which asks once: leave it out"
                for option in _set(
                    check, {option: _OF_REQUESTS[option] for option in ("tries", "attempts", "identity")}
                )
            )
    for check in checks:
        if problem := command_problem(check["command"]):
            yield f"check {check['name']}: command is {check['command']!r}: {problem}"
        kind, others = ("a task", _OF_REQUESTS) if check["command"] else ("a request", _OF_TASKS)
        yield from (
            f"check {check['name']}: {option} means nothing to {kind}: leave it out" for option in _set(check, others)
        )
    if probe:
        yield from (
            f"version_probe: {option} means nothing to a request: leave it out" for option in _set(probe, _OF_TASKS)
        )


def _set(check: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Those of the options that have another value than their default."""
    return [name for name, option in options.items() if check[name] != option.get("default")]
