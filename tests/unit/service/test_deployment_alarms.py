"""By which alarms ECS returns the version before, where nobody says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.filter.names import FilterModule
from jinja2.nativetypes import NativeEnvironment

DEFAULTS = Path(__file__).resolve().parents[3] / "roles/service/defaults/main.yml"
NAMED = {"service_name": "web", "environment_name": "staging", "environment_region": "eu-central-1"}


@pytest.mark.parametrize(
    ("variables", "alarms"),
    [
        pytest.param({}, ["staging/web/error-share"], id="on by default"),
        pytest.param({"monitoring_enabled": False}, [], id="nobody makes the alarm"),
        pytest.param({"service_kind": "worker"}, [], id="a worker has no requests"),
        pytest.param({"service_single_writer": True}, [], id="a single writer answers nothing between two versions"),
    ],
)
def test_the_alarm_on_errors_is_a_deployment_alarm_by_default(variables: dict[str, Any], alarms: list[str]) -> None:
    environment = NativeEnvironment()
    environment.filters |= {f"pear.fargate.{name}": each for name, each in FilterModule().filters().items()}
    template = yaml.safe_load(DEFAULTS.read_text())["service_deployment_alarms"]
    known = {**NAMED, "service_kind": "web", "service_single_writer": False, **variables}
    assert environment.from_string(template).render(known) == alarms
