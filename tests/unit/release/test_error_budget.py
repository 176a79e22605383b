"""The error budget as a gate: what CloudWatch counted over the whole time decides, a reason overrides, a rollback is not asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import cloudwatch
from ansible_collections.pear.fargate.plugins.module_utils.aws.cloudwatch import Metric, Series, Window
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.objectives import Objective
from ansible_collections.pear.fargate.plugins.module_utils.release import bluegreen_info, preflight
from ansible_collections.pear.fargate.plugins.module_utils.release.error_budget import budgets
from ansible_collections.pear.fargate.plugins.module_utils.release.options import order
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Begun, Order, begin_deploy
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Plan,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.modules.service_release import ARGUMENT_SPEC
from botocore.exceptions import ClientError

from ..clocks import RecordedProgress
from .given import BASE

NOW = 1_764_400_000.0
PLACE = cast(
    ServiceLocation,
    SimpleNamespace(
        is_routed=True,
        of_connections=False,
        load_balancer_dimension="app/x/1",
        target_group_dimension=lambda c: f"targetgroup/{c}/1",
        ledger="staging-releases",
        service="app",
    ),
)
WORKER = cast(ServiceLocation, SimpleNamespace(is_routed=False))
ORDER = Order("r", "app", "ada", "sha256:1", "f", Plan("all_at_once", (Step(100),)))
SLOS = [{"name": "availability", "target_percent": 99.9}]


class Cloud:
    """What CloudWatch has of each colour, by statistic."""

    def __init__(self, **counts: tuple[float, ...]) -> None:
        self.counts = counts
        self.windows: list[Window] = []

    def series(self, aws: Aws, metrics: dict[str, Metric], window: Window) -> dict[str, Series]:
        """One value an hour."""
        self.windows.append(window)
        names = {
            "RequestCount": "requests",
            "HTTPCode_Target_5XX_Count": "errors",
            "TargetConnectionErrorCount": "refused",
            "HTTPCode_ELB_5XX_Count": "by_balancer",
        }
        kinds = {
            name: names.get(metric.name, "slow" if metric.statistic == "TC(0.5:)" else "timed")
            for name, metric in metrics.items()
        }
        return {name: tuple(enumerate(self.counts.get(kind, ()))) for name, kind in kinds.items()}


def spent(monkeypatch: pytest.MonkeyPatch, errors: float) -> None:
    monkeypatch.setattr(cloudwatch, "series", Cloud(requests=(40_000.0, 10_000.0), errors=(errors,)).series)


def findings(said: RecordedProgress, location: ServiceLocation = PLACE, override: str = "") -> list[str]:
    call = Invocation({"slos": SLOS}, cast(Aws, None), progress=said)
    ordered = replace(ORDER, budget_override=override)
    return [str(found) for found in preflight._budgets(call, location, ordered)]


def test_both_colours_count_over_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(requests=(900.0, 100.0), errors=(3.0,), refused=(1.0,), timed=(500.0,), slow=(20.0,))
    monkeypatch.setattr(cloudwatch, "series", cloud.series)
    asked = [Objective("availability", 99.9), Objective("latency", 99, 7, 0.5)]
    found = budgets(cast(Aws, None), PLACE, asked, NOW)
    assert [(budget.requests, budget.bad) for budget in found] == [(2000, 8), (1000, 40)]
    assert [round((window.end - window.start) / 86_400) for window in cloud.windows] == [28, 7]
    assert all(window.end % 3600 == 0 and window.end >= NOW for window in cloud.windows)


def test_requests_that_the_load_balancer_gives_up_on_spend_the_budget_and_clients_that_leave_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each colour has as many: the load balancer's errors are those of both, and of other services."""
    hours = {"requests": (100.0, 100.0, 100.0), "timed": (98.0, 40.0, 95.0), "by_balancer": (0.0, 500.0, 3.0)}
    monkeypatch.setattr(cloudwatch, "series", Cloud(**hours).series)
    (budget,) = budgets(cast(Aws, None), PLACE, [Objective("availability", 99.9)], NOW)
    assert (budget.requests, budget.bad) == (600, 0 + 120 + 3)


@pytest.mark.parametrize(("errors", "refused"), [(49.0, False), (50.0, True), (200.0, True)])
def test_a_release_is_refused_once_the_budget_is_spent(
    monkeypatch: pytest.MonkeyPatch, errors: float, refused: bool
) -> None:
    spent(monkeypatch, errors)
    found = findings(RecordedProgress())
    assert bool(found) is refused
    if refused:
        assert "error budget of availability" in found[0] and "service_budget=override" in found[0]


def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(aws: Aws, metrics: dict[str, Metric], window: Window) -> dict[str, Series]:
        answer = {"Error": {"Code": "InternalServiceFault"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
        raise AwsError("read metrics", ClientError(answer, "GetMetricData"))

    monkeypatch.setattr(cloudwatch, "series", fails)


def recorded(monkeypatch: pytest.MonkeyPatch, *releases: tuple[str, str]) -> None:
    """The ledger has releases of these fingerprints, with these reasons of an override."""
    history = [
        SimpleNamespace(id=f"release-{number}", fingerprint=fingerprint, budget_override=reason)
        for number, (fingerprint, reason) in enumerate(releases)
    ]
    ledger = SimpleNamespace(history=lambda: SimpleNamespace(releases=history))
    monkeypatch.setattr(preflight, "DynamoLedger", lambda *place: ledger)


@pytest.mark.parametrize("why", [lambda patch: spent(patch, 900.0), unreadable], ids=["spent", "unreadable"])
def test_a_reason_overrides_it_and_is_told(
    monkeypatch: pytest.MonkeyPatch, why: Callable[[pytest.MonkeyPatch], None]
) -> None:
    why(monkeypatch)
    recorded(monkeypatch, ("other", "mends the latency"), ("other", ""))
    said = RecordedProgress()
    assert findings(said, override="mends the errors") == []
    assert any("released all the same, since mends the errors" in line for line in said.lines)


def test_a_budget_that_cannot_be_read_refuses_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable(monkeypatch)
    (found,) = findings(RecordedProgress())
    assert "could not be read" in found and "service_budget=override" in found


def test_who_may_not_read_metrics_is_not_held_back_by_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(aws: Aws, metrics: dict[str, Metric], window: Window) -> dict[str, Series]:
        raise AwsError("read metrics", ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricData"))

    monkeypatch.setattr(cloudwatch, "series", denied)
    with pytest.raises(AwsError, match="AccessDenied"):
        findings(RecordedProgress())


@pytest.mark.parametrize(
    ("fingerprint", "refused"),
    [pytest.param("other", True, id="of another version"), pytest.param("f", False, id="of the same version")],
)
def test_a_reason_is_for_one_version(monkeypatch: pytest.MonkeyPatch, fingerprint: str, refused: bool) -> None:
    spent(monkeypatch, 900.0)
    recorded(monkeypatch, (fingerprint, "we know"))
    found = findings(RecordedProgress(), override="we know")
    assert bool(found) is refused
    if refused:
        assert "release release-0 already" in found[0]


def test_a_reason_that_is_not_needed_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    spent(monkeypatch, 1.0)
    recorded(monkeypatch, ("other", "we know"))
    assert findings(RecordedProgress(), override="we know") == []


def test_a_worker_is_sent_no_requests() -> None:
    assert findings(RecordedProgress(), WORKER) == []


@pytest.mark.parametrize(
    ("slos", "told"), [(SLOS, "AccessDenied"), ([{"name": "a", "target_percent": 100}], "100 leaves no budget")]
)
def test_a_status_without_metrics_says_so_and_tells_the_rest(
    monkeypatch: pytest.MonkeyPatch, slos: list[dict[str, Any]], told: str
) -> None:
    def denied(aws: Aws, metrics: dict[str, Metric], window: Window) -> dict[str, Series]:
        raise AwsError("read metrics", ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricData"))

    monkeypatch.setattr(cloudwatch, "series", denied)
    found, unread = bluegreen_info._budgets(Invocation({"slos": slos}, cast(Aws, None)), PLACE)
    assert found == [] and told in unread[0]


def test_the_ledger_keeps_the_reason() -> None:
    fleet = Fleet(Weights(100, 0), ColourState(Colour.BLUE, "a:1", 2, 2, 2), ColourState(Colour.GREEN))
    begun = begin_deploy(replace(ORDER, budget_override="mends the errors"), fleet, [], NOW)
    assert isinstance(begun, Begun) and begun.release.budget_override == "mends the errors"


def ordered(**params: Any) -> Order:
    defaults = {name: option["default"] for name, option in ARGUMENT_SPEC.items() if "default" in option}
    given = dict.fromkeys(ARGUMENT_SPEC) | defaults | BASE | params
    return order(given, Specification(given, "eu-central-1"), NOW)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"budget": "override"}, "needs a reason"),
        ({"budget": "override", "budget_reason": "  "}, "needs a reason"),
        ({"slos": [{"name": "a", "target_percent": 100.0}]}, "100 leaves no budget"),
    ],
)
def test_what_is_wrong_is_refused(params: dict[str, Any], told: str) -> None:
    with pytest.raises(Failure, match=told):
        ordered(**params)


def test_a_reason_counts_only_where_it_overrides() -> None:
    assert ordered(budget_reason="because").budget_override == ""
    assert ordered(budget="override", budget_reason="because").budget_override == "because"
