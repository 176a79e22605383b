"""Alarms under load: quiet while all is well and while a release goes on; each fires where something is broken, and is over after."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .arcade import CANARY, CLUSTER, HOST, Arcade, arcade
from .faults import fault
from .load import traffic

__all__ = ["arcade"]

PREFIXES = ("local/arcade/", "local/*/")
# Of a bad version that does everything wrong at once; the alarms that must tell it.
BAD = {
    "CHAOS_ENABLED": "true",
    "CHAOS_ERROR_RATE": "0.5",
    "CHAOS_LATENCY_MS_P50": "1300",
    "CHAOS_LATENCY_MS_P99": "1600",
    "CHAOS_LEAK_KIB": "1024",
    "CHAOS_BUSY_MS": "60",
}
ALL_AT_ONCE = {"service_strategy_options": {"bake_seconds": 0}, "service_checks": []}
# What looks back for an hour is over after an hour: `make gameday` waits for it.
HOURLY = {"task-restarts", "scaling-events", "deployment-stuck"}
SLOS = [
    {"name": "availability", "target_percent": 99.9},
    {"name": "latency", "target_percent": 99.0, "threshold_seconds": 2.0},
]
OF_BUDGETS = {f"burn-{pace}-{objective['name']}" for pace in ("fast", "slow") for objective in SLOS}
# Notices that are true while all is well: that ECS replaces tasks, and that green has the traffic.
STATES = {"deploying", "traffic-on-green"}
SCORES = "scores.local.example.test"
# A period of the alarms is a minute of CloudWatch, which lasts five seconds on the stage.
PERIOD = 5
# The alarms that a bad version makes fire. After the rollback its warm tasks hold what they leaked, which is no incident. A task is
# killed for memory at its limit and starts again empty, so its alarm may be short, or not come.
OF_A_BAD_VERSION = {"error-share", "latency-p99", "cpu", "critical"}
OF_UNREACHABLE_TASKS = {
    "no-healthy-target",
    "unhealthy-targets",
    "colour-without-target",
    "balancer-errors",
    "critical",
}


class Alarms:
    """The alarms of the service and of what services share, and what they did."""

    def __init__(self, arcade: Arcade) -> None:
        self.arcade = arcade
        self.cloudwatch = arcade.stage.client("cloudwatch")

    def states(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for prefix in PREFIXES:
            answer = self.cloudwatch.describe_alarms(
                AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for alarm in [*answer["MetricAlarms"], *answer["CompositeAlarms"]]:
                found[alarm["AlarmName"].rpartition("/")[2]] = alarm["StateValue"]
        return found

    def firing(self) -> set[str]:
        return {kind for kind, state in self.states().items() if state == "ALARM"}

    def fired_since(self, moment: float) -> set[str]:
        """By the history: one that was over again before anybody looked is in it too."""
        pages = self.cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(moment, UTC),
            EndDate=datetime.now(UTC),
        )
        return {
            item["AlarmName"].rpartition("/")[2]
            for page in pages
            for item in page["AlarmHistoryItems"]
            if item["AlarmName"].startswith(PREFIXES) and item["HistorySummary"].endswith("to ALARM")
        }

    def until_fired(self, kinds: set[str], since: float) -> None:
        self.arcade.wait_for(lambda: kinds <= self.fired_since(since), 1800)

    def until_traffic_is_seen_on(self, colour: str) -> None:
        state = "ALARM" if colour == "green" else "OK"
        self.arcade.wait_for(lambda: self.states()["traffic-on-green"] == state)

    def until_over(self) -> None:
        self.arcade.wait_for(lambda: not self.firing() - HOURLY - STATES, 1800)


def provision(arcade: Arcade, **variables: Any) -> None:
    arcade.player.run("playbooks/provision.yml", "-l", "arcade", variables=variables or None).succeeded()


@pytest.mark.long
def test_alarms_are_quiet_while_all_is_well_and_fire_where_it_is_not(arcade: Arcade, tmp_path: Path) -> None:
    alarms = Alarms(arcade)
    provision(arcade, service_slos=SLOS)
    arcade.release("good").succeeded()
    with arcade.under_load(40):
        # What stories before this one did is over.
        alarms.until_over()
        began = time.time()
        time.sleep(10 * PERIOD)
        canary = CANARY | {"service_strategy_options": {"percent": 20, "duration_seconds": 20}}
        for begin in (lambda: arcade.release("better", **canary), lambda: arcade.play("rollback")):
            begin().succeeded()
            alarms.until_traffic_is_seen_on(arcade.live())
        assert alarms.fired_since(began) <= STATES, alarms.fired_since(began)
        assert {alarms.states()[kind] for kind in OF_BUDGETS} == {"OK"}, alarms.states()
        # They look back for hours: what is broken on purpose from here on would keep them firing.
        provision(arcade)
        assert not OF_BUDGETS & alarms.states().keys()

        # The other colour is warm. Nobody but the load balancer answers then, and it says 503.
        began, colour = time.time(), arcade.live()
        live = f"arcade-{colour}"
        ecs = arcade.stage.client("ecs")
        (before,) = ecs.describe_services(cluster=CLUSTER, services=[live])["services"]
        ecs.update_service(cluster=CLUSTER, service=live, desiredCount=0)
        try:
            alarms.until_fired({"live-without-target", f"without-target-{colour}", "critical"}, began)
        finally:
            ecs.update_service(cluster=CLUSTER, service=live, desiredCount=before["desiredCount"])
        alarms.until_over()

        began = time.time()
        arcade.release("bad", environment=BAD, **ALL_AT_ONCE).succeeded()
        alarms.until_fired(OF_A_BAD_VERSION, began)
        arcade.play("rollback").succeeded()
        alarms.until_over()

        began = time.time()
        with fault(arcade, "vanish", f"local-arcade-{arcade.live()}"):
            alarms.until_fired(OF_UNREACHABLE_TASKS, began)
        alarms.until_over()

        report = experiment(arcade, tmp_path, "errors-on-one-route")
        assert report["succeeded"], report
        assert "error-share" in report["alarms"]
        assert report["mended_seconds"] < report["quiet_seconds"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "service", "host", "period"),
    [
        pytest.param("zone-loss", "arcade", HOST, PERIOD * 6, id="zone that is cut off"),
        # The sample app's own service mounts a file system.
        pytest.param("file-system-unavailable", "scoreboard", SCORES, PERIOD * 6, id="file system that nobody mounts"),
        # Calls are made for twelve periods, and a release takes the time it takes.
        pytest.param("throttled-api", "arcade", HOST, PERIOD * 3, id="calls that AWS throttles"),
    ],
)
def test_what_fault_injection_or_an_api_breaks_is_noticed_named_and_mended(
    arcade: Arcade, tmp_path: Path, name: str, service: str, host: str, period: int
) -> None:
    # A task in each zone, and a version to return to.
    arcade.have_both_colours()
    arcade.play("scale", scale_count=3).succeeded()
    with traffic(arcade.stage, "/leaderboard", 40, host=host):
        report = experiment(arcade, tmp_path, name, service, gameday_alarm_period_seconds=period)
    assert report["succeeded"], report
    # What lasts is over: no task would start otherwise, and no call go through.
    assert report["quiet_seconds"] is not None


def experiment(arcade: Arcade, folder: Path, name: str, service: str = "arcade", **variables: Any) -> dict[str, Any]:
    given = {
        "gameday_experiment": name,
        "gameday_report_dir": str(folder),
        "gameday_alarm_period_seconds": PERIOD * 6,
        "gameday_triage_minutes": 2,
        **variables,
    }
    arcade.player.run("playbooks/gameday.yml", "-l", service, variables=given).succeeded()
    assert (folder / f"{name}.md").read_text().startswith(f"# {name}: as expected")
    assert "<h2>Traffic</h2>" in (folder / f"{name}.html").read_text()
    report: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return report
