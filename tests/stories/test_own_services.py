"""Services that others made: one task shifts their traffic, one task returns it, and nothing else of theirs is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .calls import mutating_calls
from .conftest import Stage
from .load import Traffic, assert_not_one_failed, traffic
from .website import HOST, Website

CANARY = {"strategy": "canary", "percent": 20, "duration_seconds": 25, "bake_seconds": 25}
GATES = {"errors": {"tolerance_percent": 2, "minimum_requests": 50}, "period_seconds": 5, "delay_seconds": 5}
CHECKS = [{"name": "page", "path": "/", "expect_headers": {"x-version": "v2"}}]
WRITES = {"elasticloadbalancing:ModifyRule", "ecs:UpdateService", "dynamodb:PutItem", "dynamodb:TransactWriteItems"}


@pytest.fixture(scope="module")
def website(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Website:
    made = Website(stage, tmp_path_factory.mktemp("website"))
    made.make()
    return made


@contextmanager
def under_load(website: Website) -> Iterator[Traffic]:
    address = website.stage.client("elbv2").describe_load_balancers(Names=["teams"])["LoadBalancers"][0]["DNSName"]
    with traffic(website.stage, "/", 150, url=f"http://{HOST}/", resolve=f"{HOST}:80:{address}") as running:
        yield running


@pytest.mark.long
def test_a_cutover_and_a_rollback_lose_no_request_and_change_nothing_else(website: Website) -> None:
    before, second = website.settings(), website.register("v2")
    before["definitions"].append(before["definitions"][0].rpartition(":")[0] + f":{second.rpartition(':')[2]}")
    calls = len(mutating_calls(website.stage))
    with under_load(website) as running:
        moved = website.play(
            "bluegreen_cutover", task_definition=second, plan=CANARY, gates=GATES, checks=CHECKS
        ).succeeded()
        assert website.weights() == {"blue": 0, "green": 100}, moved.output
        again = website.play("bluegreen_cutover", task_definition=second, plan=CANARY, gates=GATES).succeeded()
        assert again.changed == 0, again.output
        website.play("bluegreen_rollback").succeeded()
        assert website.weights() == {"blue": 100, "green": 0}
        summary = running.stop()
    assert_not_one_failed(summary, 2000)
    assert {"v1", "v2"} <= set(summary["by_header"])
    written = {call for call in mutating_calls(website.stage)[calls:] if not call.startswith(("logs:", "sts:"))}
    assert written <= WRITES, written
    assert website.settings() == before


@pytest.mark.long
def test_a_version_that_answers_with_errors_is_returned(website: Website) -> None:
    before = website.weights()
    broken = website.register("broken")
    with under_load(website) as running:
        failed = website.play("bluegreen_cutover", task_definition=broken, plan=CANARY, gates=GATES).failed()
        summary = running.stop()
    assert "5xx share" in failed.output, failed.output
    assert website.weights() == before
    assert 0 < summary["failed"] < summary["sent"] * 0.3, summary
