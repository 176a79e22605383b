"""The evidence holds the readings of the look that decided; checks go to as many targets as are healthy."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release import judges as judges_module
from ansible_collections.pear.fargate.plugins.module_utils.release.every_target import Route
from ansible_collections.pear.fargate.plugins.module_utils.release.judges import CloudJudges
from ansible_collections.pear.fargate.plugins.module_utils.release.smoke import Endpoint
from ansible_collections.pear.fargate.plugins.module_utils.rollout.gates import passed
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Phase, Verdict
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation

from ..clocks import QuickClock, RecordedProgress
from ..rollout.states import HOME, RELEASE, TENTH, seen

TARGETS = (
    TargetState("10.0.0.1", 80, "healthy"),
    TargetState("10.0.0.2", 80, "healthy"),
    TargetState("10.0.0.3", 80, "draining"),
)


TESTERS = {"x-release": "candidate"}


@pytest.fixture
def judges() -> CloudJudges:
    groups = {Colour.GREEN: SimpleNamespace(arn="green")}
    location = cast(ServiceLocation, SimpleNamespace(target_groups=groups, test_headers=TESTERS))
    check = {"name": "ready", "command": []}
    return CloudJudges(
        cast(Aws, None),
        location,
        cast(Any, None),
        QuickClock(),
        RecordedProgress(),
        Endpoint("127.0.0.1", "app.example.com"),
        {"ready": check},
        check,
    )


def test_the_evidence_holds_the_readings_of_the_look_that_decided(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"errors": "ALARM"}
    monkeypatch.setattr(judges_module.cloudwatch, "alarm_states", lambda *_: dict(states))
    monkeypatch.setattr(
        judges_module.BlackBox, "collect", lambda self, release, fleet, readings: {"readings": list(readings)}
    )
    fleet = seen(TENTH).fleet
    judges.readings(RELEASE, fleet, 1000.0)
    # Traffic is home, and the alarm is quiet again, when the evidence is kept.
    states["errors"] = "OK"
    returning = replace(RELEASE, phase=Phase.RETURNING, since=None)
    assert judges.collect(returning, seen(HOME).fleet)["readings"] == ["alarm errors is firing"]
    assert judges.collect(replace(returning, id="another"), fleet)["readings"] == []


@pytest.mark.parametrize("run", ["prove", "probe"])
def test_a_check_goes_to_the_healthy_targets_of_the_candidate(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    routes: list[Route] = []

    def asked(route: Route, check: Any) -> Verdict:
        routes.append(route)
        return passed("fine")

    monkeypatch.setattr(judges_module, "smoke", asked)
    monkeypatch.setattr(judges_module.elbv2, "target_health", lambda _, arn: TARGETS if arn == "green" else ())
    if run == "prove":
        judges.prove(RELEASE, "ready", lambda: False)
    else:
        judges.probe(RELEASE, lambda: False)
    (route,) = routes
    assert (route.targets, route.headers) == (2, TESTERS if run == "prove" else {})
