"""The evidence holds the readings of the look that decided; checks go to as many targets as are healthy."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import (
    Conditions,
    Rule,
    TargetGroup,
    TargetState,
)
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release import judges as judges_module
from ansible_collections.pear.fargate.plugins.module_utils.release.every_target import Route
from ansible_collections.pear.fargate.plugins.module_utils.release.judges import CloudJudges
from ansible_collections.pear.fargate.plugins.module_utils.release.smoke import Endpoint
from ansible_collections.pear.fargate.plugins.module_utils.rollout.gates import passed
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Gates,
    LatencyGate,
    Phase,
    Readings,
    Result,
    Traffic,
    Verdict,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation

from ..clocks import QuickClock, RecordedProgress
from ..rollout.states import HOME, RELEASE, TENTH, seen

SLOW = Traffic(1200, 0, 0.118, (0.118, 0.1215), answered=(612, 588))
FAST = Traffic(9000, 0, 0.096, (0.096,), answered=(9000,))
TARGETS = (
    TargetState("10.0.0.1", 80, "healthy"),
    TargetState("10.0.0.2", 80, "healthy"),
    TargetState("10.0.0.3", 80, "draining"),
)


TESTERS = {"x-release": "candidate"}


@pytest.fixture
def judges() -> CloudJudges:
    groups = {Colour.GREEN: SimpleNamespace(arn="green")}
    names = SimpleNamespace(
        target_groups=groups, test_headers=TESTERS, headers={"x-tenant": "acme"}, path=lambda path: f"{path}?beta=1"
    )
    location = cast(ServiceLocation, names)
    check = {"name": "ready", "command": [], "path": "/readyz"}
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
        judges_module.EvidenceReader, "collect", lambda self, release, fleet, readings: {"readings": list(readings)}
    )
    fleet = seen(TENTH).fleet
    judges.readings(RELEASE, fleet, 1000.0)
    # Traffic is home, and the alarm is quiet again, when the evidence is kept.
    states["errors"] = "OK"
    returning = replace(RELEASE, phase=Phase.RETURNING, since=None)
    assert judges.collect(returning, seen(HOME).fleet)["readings"] == ["alarm errors is firing"]
    assert judges.collect(replace(returning, id="another"), fleet)["readings"] == []


@pytest.mark.parametrize(
    ("readings", "compared"),
    [
        pytest.param(
            Readings(SLOW, FAST),
            {
                "candidate": [{"answered": 612, "p99_ms": 118.0}, {"answered": 588, "p99_ms": 121.5}],
                "live": [{"answered": 9000, "p99_ms": 96.0}],
            },
            id="both sides by period",
        ),
        pytest.param(
            Readings(SLOW),
            {"candidate": [{"answered": 612, "p99_ms": 118.0}, {"answered": 588, "p99_ms": 121.5}]},
            id="a first release",
        ),
        pytest.param(Readings(Traffic(5, 5), Traffic(0, 0)), {}, id="no target answered"),
        pytest.param(Readings(), {}, id="nothing read"),
    ],
)
def test_what_the_latency_gate_compared_is_kept_by_period(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch, readings: Readings, compared: dict[str, Any]
) -> None:
    monkeypatch.setattr(judges_module.EvidenceReader, "collect", lambda *_: {"causes": []})
    judges.metrics = cast(Any, SimpleNamespace(readings=lambda *_: readings))
    release = replace(RELEASE, gates=Gates(latency=LatencyGate()))
    fleet = seen(TENTH).fleet
    assert judges.response_times(release) == {}
    judges.readings(release, fleet, 1000.0)
    assert judges.response_times(release) == compared
    assert judges.collect(release, fleet).get("response_times", {}) == compared
    assert judges.response_times(replace(release, id="another")) == {}


@pytest.mark.parametrize("run", ["prove", "probe"])
def test_a_check_goes_to_the_healthy_targets_of_the_candidate(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch, run: str
) -> None:
    routes: list[Route] = []
    paths: list[str] = []

    def asked(route: Route, check: Any) -> Verdict:
        routes.append(route)
        paths.append(check["path"])
        return passed("fine")

    monkeypatch.setattr(judges_module, "smoke", asked)
    monkeypatch.setattr(judges_module.elbv2, "target_health", lambda _, arn: TARGETS if arn == "green" else ())
    if run == "prove":
        judges.prove(RELEASE, "ready", lambda: False)
    else:
        judges.probe(RELEASE, lambda: False)
    (route,) = routes
    assert (route.targets, route.headers) == (2, TESTERS if run == "prove" else {"x-tenant": "acme"})
    assert paths == ["/readyz?beta=1"]


A, B, UNKNOWN = TARGETS[0], TARGETS[1], TargetState("10.0.0.2", 80, "unavailable", "Elb.InternalError")


@pytest.mark.parametrize(
    ("looks", "targets"),
    [
        pytest.param([(A, B)], 2, id="one look is enough where none is missing"),
        pytest.param([(A, UNKNOWN)], 2, id="what the load balancer does not know may answer"),
        pytest.param([(), (A, B)], 2, id="all are missing once"),
        pytest.param([(A,), (A, B)], 2, id="one is missing once"),
        pytest.param([(A, B, A), (A, B)], 3, id="a third that is missing in the second look"),
        pytest.param([(A,), (A,)], 1, id="two looks are believed"),
    ],
)
def test_one_odd_look_leaves_no_target_unasked(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch, looks: list[tuple[TargetState, ...]], targets: int
) -> None:
    routes: list[Route] = []
    answers = list(looks)

    def asked(route: Route, check: Any) -> Verdict:
        routes.append(route)
        return passed("fine")

    monkeypatch.setattr(judges_module, "smoke", asked)
    monkeypatch.setattr(judges_module.elbv2, "target_health", lambda *_: answers.pop(0))
    judges.prove(replace(RELEASE, capacity=max(2, len(looks[0]) + len(looks) - 1)), "ready", lambda: False)
    (route,) = routes
    assert (route.targets, answers) == (targets, [])


HOST = "scores.example.com"
PRODUCTION = Rule("production", 20, Conditions.of([HOST], []), {"blue": 0, "green": 100})
SHADOW = Rule("shadow", 5, Conditions.of([HOST], []), {"targetgroup/other/1": 100})
SECOND_OWN = Rule("added", 6, Conditions.of([HOST], []), {"blue": 0, "green": 100})


@pytest.mark.parametrize(
    ("rules", "result", "told"),
    [
        ([PRODUCTION], Result.PASS, "no other rule answers / of scores.example.com"),
        ([SECOND_OWN, PRODUCTION], Result.PASS, "no other rule answers"),
        ([SHADOW, PRODUCTION], Result.FAIL, "is answered by the rule of other"),
        ([], Result.FAIL, "is answered by no rule"),
    ],
)
def test_without_a_version_probe_the_rules_of_the_last_moment_prove_who_answers(
    judges: CloudJudges, monkeypatch: pytest.MonkeyPatch, rules: list[Rule], result: Result, told: str
) -> None:
    groups = {colour: TargetGroup(str(colour), "vpc-1", 8080, arn=str(colour)) for colour in Colour}
    # As the service was located: before anybody added a rule.
    judges.location = ServiceLocation("prod", "scores", "listener", HOST, groups, PRODUCTION, None, (PRODUCTION,))
    judges.version_probe = None
    monkeypatch.setattr(judges_module.elbv2, "rules", lambda aws, listener: rules)
    verdict = judges.probe(RELEASE, lambda: False)
    assert verdict is not None and verdict.result is result and told in verdict.reason
