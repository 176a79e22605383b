"""Mistakes inside plan, gates, checks and policy: each finding names the path to the option and what would be valid."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.plugin_utils.nested_options import findings

GOOD: dict[str, Any] = {
    "service_strategy_options": {"steps": [{"weight": 10, "duration_seconds": 300}, {"weight": 100}]},
    "service_gates": {"alarms": ["a"], "errors": {"tolerance_percent": 0.5}, "latency": {}, "metrics": []},
    "service_checks": [{"name": "ready", "path": "/readyz", "expect_json": {"a": 1}}, {"name": "m", "command": ["x"]}],
    "service_version_probe": {"name": "version", "path": "/version"},
    "service_release_policy": {"inconclusive": "approval", "when_stable_is_down": None},
}


def test_what_is_right_has_no_finding() -> None:
    assert findings(GOOD) == []
    assert findings({}) == []
    assert findings({"service_version_probe": {}, "service_checks": []}) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"service_checks": [{"name": "a"}, {"name": "b", "expect_jsn": {}}]},
            "service_checks[2].expect_jsn is no option; did you mean expect_json?",
        ),
        ({"service_checks": [{"path": "/"}]}, "service_checks[1].name is missing"),
        (
            {"service_schedules": [{"name": "a", "command": ["a"], "expression": "rate(1 day)", "enabeld": False}]},
            "service_schedules[1].enabeld is no option; did you mean enabled?",
        ),
        ({"service_checks": {"name": "a"}}, "it must be a list of mappings"),
        ({"service_checks": ["/readyz"]}, "service_checks[1] is '/readyz'; it must be a mapping of attempts,"),
        (
            {"service_gates": {"errors": {"tolerance": 1}}},
            "service_gates.errors.tolerance is no option; did you mean tolerance_percent?",
        ),
        ({"service_gates": {"zzz": 1}}, "service_gates.zzz is no option; valid are alarms, "),
        (
            {"service_strategy_options": {"steps": [{"weight": "ten"}]}},
            "service_strategy_options.steps[1].weight is 'ten'; it must be a whole number",
        ),
        (
            {"service_release_policy": {"inconclusive": "wait"}},
            "service_release_policy.inconclusive is 'wait'; it must be one of return, approval, continue",
        ),
    ],
)
def test_a_finding(change: dict[str, Any], told: str) -> None:
    (found,) = findings({**GOOD, **change})
    assert told in found
