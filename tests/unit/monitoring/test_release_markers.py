"""Releases as vertical lines on a dashboard: written by releases, left alone by provisioning, in the shape that CloudWatch takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_dashboard
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import cloudwatch_dashboard as dashboard
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.release_markers import (
    KEPT,
    marked,
    markers,
    markers_in,
    unmarked,
)
from ansible_collections.pear.fargate.plugins.module_utils.release import dashboard as of_releases
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Kind,
    Outcome,
    Plan,
    Release,
    Step,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_dashboard
from moto import mock_aws

from .given import ENVIRONMENT, REGION

BODY = service_dashboard(
    ENVIRONMENT, "scores", ["staging/scores/cpu"], slos=[{"name": "availability", "target_percent": 99.9}]
)
THEIRS = {"label": "campaign", "value": "2026-11-29T08:00:00Z", "color": "#d62729"}
PLACE = cast(ServiceLocation, SimpleNamespace(ledger="staging-releases", service="scores"))


def release(number: int, outcome: Outcome | None = Outcome.SUCCEEDED, kind: Kind = Kind.DEPLOY) -> Release:
    return Release(
        f"r{number}",
        "scores",
        kind,
        f"sha256:{number}",
        Colour.BLUE,
        Colour.GREEN,
        Plan("all_at_once", (Step(100),)),
        1_764_400_000.0 + 3600 * number,
        "ada",
        version=f"1.{number}",
        outcome=outcome,
    )


def lines(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [widget["properties"].get("annotations", {}).get("vertical", []) for widget in body["widgets"]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("cloudwatch", REGION)


def provision(check_mode: bool = False, body: dict[str, Any] = BODY) -> dict[str, Any]:
    options = ArgumentSpecValidator(cloudwatch_dashboard.ARGUMENT_SPEC).validate(
        {"name": "staging-scores", "body": body}
    )
    return dashboard.run(Invocation(options.validated_parameters, Aws({"region": REGION}), check_mode))


def mark(monkeypatch: pytest.MonkeyPatch, *releases: Release, name: str = "staging-scores") -> list[str]:
    ledger = SimpleNamespace(history=lambda: SimpleNamespace(releases=releases))
    monkeypatch.setattr(of_releases, "DynamoLedger", lambda *place: ledger)
    ending = Ending(Outcome.SUCCEEDED, "it serves", releases[-1], changed=True)
    return of_releases.mark_releases(Invocation({"dashboard": name}, Aws({"region": REGION})), PLACE, ending)


def test_the_newest_releases_that_have_ended_are_marked_with_their_outcome() -> None:
    found = markers([release(number) for number in range(20)] + [release(20, None)])
    assert len(found) == KEPT and found[-1]["label"] == "release 1.19: succeeded"
    assert markers([release(1, Outcome.ROLLED_BACK), release(2, kind=Kind.ROLLBACK)]) == [
        {"label": "release 1.1: rolled_back", "value": "2025-11-29T08:06:40Z", "color": "#d62729"},
        {"label": "rollback 1.2: succeeded", "value": "2025-11-29T09:06:40Z", "color": "#2ca02d"},
    ]


def test_graphs_over_time_alone_have_vertical_lines() -> None:
    body = marked(BODY, markers([release(1)]))
    for widget in body["widgets"]:
        over_time = widget["type"] == "metric" and widget["properties"].get("view") == "timeSeries"
        assert ("annotations" in widget["properties"]) is over_time
    assert unmarked(body) == BODY
    assert markers_in(body) == markers([release(1)])


def test_lines_of_others_stay() -> None:
    theirs = {
        "widgets": [{"type": "metric", "properties": {"annotations": {"vertical": [THEIRS], "horizontal": [{}]}}}]
    }
    body = marked(marked(theirs, markers([release(1)])), markers([release(2)]))
    assert lines(body) == [[THEIRS, *markers([release(2)])]]
    assert unmarked(body) == theirs


def test_a_release_marks_itself_and_provisioning_leaves_that(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provision()
    assert mark(monkeypatch, release(1), release(2)) == []
    written = json.loads(aws.get_dashboard(DashboardName="staging-scores")["DashboardBody"])
    assert markers_in(written) == markers([release(1), release(2)])
    for check_mode in (True, False):
        assert not provision(check_mode)["changed"]
    other = {"widgets": BODY["widgets"][:-1]}
    assert provision(body=other)["changed"]
    written = json.loads(aws.get_dashboard(DashboardName="staging-scores")["DashboardBody"])
    assert unmarked(written) == other and markers_in(written) == markers([release(1), release(2)])


def test_a_service_without_a_dashboard_has_nothing_to_mark(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mark(monkeypatch, release(1)) == []
    assert aws.list_dashboards()["DashboardEntries"] == []
    assert mark(monkeypatch, release(1), name="") == []


def test_what_cannot_be_marked_is_a_warning(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.put_dashboard(DashboardName="staging-scores", DashboardBody="[]")
    assert "no JSON object" in mark(monkeypatch, release(1))[0]
    provision()

    def fails() -> Any:
        raise PortError("the ledger does not answer", transient=True)

    monkeypatch.setattr(of_releases, "DynamoLedger", lambda *place: SimpleNamespace(history=fails))
    ending = Ending(Outcome.SUCCEEDED, "it serves", release(1), changed=True)
    call = Invocation({"dashboard": "staging-scores"}, Aws({"region": REGION}))
    assert "the ledger does not answer" in of_releases.mark_releases(call, PLACE, ending)[0]
