"""The controller's process is killed at a call, before it arrives or after it took effect: whatever runs next ends well.

The default takes a sample; PEAR_FAULTS=all (`make faults`) takes every write, before and after, with each next run, and goes on where an
earlier run of the same code stopped.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any

import pytest

from tests.support.fault_proxy import Fault, FaultProxy, Kind
from tests.support.observed import Observed

from .arcade import HOST, LEDGER, Arcade, arcade, end, finished, kill_whole
from .load import assert_not_one_failed, traffic
from .proxied import proxy, through

pytestmark = pytest.mark.long

__all__ = ["arcade", "proxy"]

STEPS: dict[str, Any] = {
    "service_strategy": "steps",
    "service_strategy_options": {"steps": [{"weight": 40, "duration_seconds": 3}, {"weight": 100}]},
}
# The call, and how many of its kind come before it. Of ModifyRule those of the production rule: the test rule, which is changed
# before it, leads to the candidate's colour already where the release before this one was rolled back.
CALLS = (
    ("RegisterTaskDefinition", 0),
    ("UpdateService", 0),
    ("ModifyRule", 0),
    ("ModifyRule", 1),
    ("TransactWriteItems", 0),
    ("TransactWriteItems", 4),
    ("RegisterScalableTarget", 0),
    ("PutScheduledAction", 0),
)
KINDS = (Kind.DIE_BEFORE, Kind.DIE_AFTER)
NEXT = ("the same release", "another release", "a rollback")
CASES = [(operation, later, kind, then) for operation, later in CALLS for kind in KINDS for then in NEXT]
SAMPLE = [("ModifyRule", 1, Kind.DIE_AFTER, "the same release"), ("UpdateService", 0, Kind.DIE_BEFORE, "a rollback")]
ALL = os.environ.get("PEAR_FAULTS") == "all"
TAKEN = CASES if ALL else SAMPLE
OBSERVED = Observed(resumes=ALL)


def end_lease(arcade: Arcade) -> None:
    """As if the time of the dead controller's lease had passed."""
    arcade.stage.client("dynamodb").update_item(
        TableName=LEDGER,
        Key={"service": {"S": "arcade"}, "entry": {"S": "lease"}},
        UpdateExpression="SET expires_at = :past",
        ExpressionAttributeValues={":past": {"N": f"{time.time() - 60:.3f}"}},
    )


@pytest.mark.parametrize(("operation", "later", "kind", "then"), TAKEN, ids=str)
def test_a_controller_that_is_killed_at_a_call_is_made_good_by_whatever_runs_next(
    arcade: Arcade, proxy: FaultProxy, operation: str, later: int, kind: Kind, then: str
) -> None:
    case = f"{kind} {operation} number {later + 1}, then {then}"
    if OBSERVED.has(case):
        pytest.skip("seen by an earlier run of the same code")
    doomed: list[subprocess.Popen[str]] = []
    version = f"{operation}-{later}-{kind}-{then}".replace(" ", "-")
    with arcade.under_load(50, keep_alive=False) as running:
        body = production_rule(arcade) if operation == "ModifyRule" else ""
        fault = proxy.add(Fault(operation, kind, body=body, later=later, kill=lambda: kill_whole(doomed[0])))
        doomed.append(through(arcade, proxy).begin(version, **STEPS))
        try:
            arcade.wait_for(lambda: doomed[0].poll() is not None)
        finally:
            end(doomed[0])
        assert fault.met.is_set(), f"{operation} was not called {later + 1} times: {proxy.calls}"
        if then == "a rollback":
            ended = arcade.play("rollback")
        else:
            end_lease(arcade)
            ended = arcade.release(version if then == "the same release" else f"{version}-next", **STEPS)
        ended.succeeded()
        summary = running.stop()
    weights = arcade.weights()
    assert sorted(weights.values()) == [0, 100]
    live = arcade.live()
    assert arcade.services()[live]["runningCount"] > 0
    assert "under way" not in arcade.play("status").succeeded().output
    assert_not_one_failed(summary, 100)
    OBSERVED.keep(case, "made good")
    print(f"{case}: made good")


SECOND = "second.local.example.test"


def rules_by_host(arcade: Arcade) -> dict[str, dict[str, Any]]:
    """The production rules, each by the host that it is for."""
    elbv2 = arcade.stage.client("elbv2")
    balancer = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
    found = {}
    for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            conditions = {one["Field"]: one for one in rule["Conditions"]}
            if "host-header" in conditions and "http-header" not in conditions and "arcade" in str(groups_of(rule)):
                (host,) = conditions["host-header"]["HostHeaderConfig"]["Values"]
                found[host] = rule
    return found


def production_rule(arcade: Arcade) -> str:
    """What names the first production rule in the body of a call."""
    return str(rules_by_host(arcade)[HOST]["RuleArn"]).rpartition("/")[2]


def groups_of(rule: dict[str, Any]) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
    return groups


def by_host(arcade: Arcade) -> dict[str, dict[str, int]]:
    """The weights of each production rule, by the host that it is for and by colour."""
    return {
        host: {one["TargetGroupArn"].split("/")[1].rpartition("-")[2]: one["Weight"] for one in groups_of(rule)}
        for host, rule in rules_by_host(arcade).items()
    }


def test_a_release_behind_two_rules_that_is_killed_between_their_writes_is_made_good_by_the_next_run(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    provision = ("playbooks/provision.yml", "-l", "arcade")
    second = {"service_further_rules": [{"name": "second", "hosts": [SECOND]}]}
    arcade.player.run(*provision, variables=second).succeeded()
    live = arcade.live()
    other = {"blue": "green", "green": "blue"}[live]
    at_home, split = {live: 100, other: 0}, {live: 60, other: 40}
    assert by_host(arcade) == {HOST: at_home, SECOND: at_home}, "the second rule joins with the weights of the first"
    doomed: list[subprocess.Popen[str]] = []
    with traffic(arcade.stage, "/leaderboard", 50, "--no-keep-alive", host=SECOND) as running:
        fault = proxy.add(
            Fault("ModifyRule", Kind.DIE_AFTER, body=production_rule(arcade), kill=lambda: kill_whole(doomed[0]))
        )
        doomed.append(through(arcade, proxy).begin("two-rules", **STEPS, **second))
        try:
            arcade.wait_for(lambda: doomed[0].poll() is not None)
        finally:
            end(doomed[0])
        assert fault.met.is_set()
        assert by_host(arcade) == {HOST: split, SECOND: at_home}, "the rules disagree"
        told = f"blue {at_home['blue']} % green {at_home['green']} %"
        assert f"further rules: {told}" in arcade.play("status", **second).succeeded().output
        end_lease(arcade)
        resumed = arcade.begin("two-rules", **STEPS, **second)
        try:
            arcade.wait_for(lambda: by_host(arcade) == {HOST: split, SECOND: split})
            ended = finished(resumed).succeeded()
        finally:
            end(resumed)
        summary = running.stop()
    assert "resuming" in ended.output
    assert by_host(arcade) == {host: {live: 0, other: 100} for host in (HOST, SECOND)}
    assert_not_one_failed(summary, 100)
    arcade.player.run(*provision).succeeded()
    assert set(by_host(arcade)) == {HOST}, "a rule that the inventory does not name any more is removed"


LEDGER_CALLS = ("GetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems", "DescribeTable")


def test_a_rollback_while_the_ledger_is_away_names_the_way_and_a_named_colour_gets_all_traffic(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    stable = arcade.live()
    candidate = {"blue": "green", "green": "blue"}[stable]
    split = {stable: 60, candidate: 40}
    doomed: list[subprocess.Popen[str]] = []
    with arcade.under_load(50, keep_alive=False) as running:
        proxy.add(Fault("ModifyRule", Kind.DIE_AFTER, body=production_rule(arcade), kill=lambda: kill_whole(doomed[0])))
        doomed.append(through(arcade, proxy).begin("ledger-away", **STEPS))
        try:
            arcade.wait_for(lambda: doomed[0].poll() is not None)
        finally:
            end(doomed[0])
        assert arcade.weights() == split
        away = [proxy.add(Fault(operation, Kind.DENY, times=100_000)) for operation in LEDGER_CALLS]
        without_ledger = through(arcade, proxy)
        refused = without_ledger.play("rollback").failed()
        assert f"{stable} 60 %" in refused.output and "-e rollback_to_colour=blue" in refused.output, refused.output
        assert arcade.weights() == split
        returned = without_ledger.play("rollback", rollback_to_colour=stable).succeeded()
        assert arcade.weights() == {stable: 100, candidate: 0}
        assert any(fault.met.is_set() for fault in away), returned.output
        # The ledger answers again.
        assert "the ledger answers" in arcade.play("rollback", rollback_to_colour=candidate).failed().output
        arcade.play("rollback").succeeded()
        summary = running.stop()
    assert arcade.live() == stable
    assert "under way" not in arcade.play("status").succeeded().output
    assert_not_one_failed(summary, 100)
