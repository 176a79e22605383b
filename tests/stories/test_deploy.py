"""The main job: a source tree becomes live https traffic, stays so through every kind of bad version, and heals."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult
from tests.support.waiting import eventually

from .calls import mutating_calls
from .conftest import Stage
from .load import assert_not_one_failed, traffic

CLUSTER = "local"


def live_tasks(stage: Stage) -> list[dict[str, Any]]:
    ecs = stage.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, serviceName="scoreboard-blue", desiredStatus="RUNNING")["taskArns"]
    return ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []


def live_image(stage: Stage) -> set[str]:
    return {task["containers"][0]["image"] for task in live_tasks(stage)}


def test_a_first_deploy_serves_https_over_several_zones(deployed: Player, stage: Stage) -> None:
    with traffic(stage, "/readyz", 50) as running:
        time.sleep(2)
        summary = running.stop()
    assert_not_one_failed(summary, 50)
    tasks = live_tasks(stage)
    assert len({task["availabilityZone"] for task in tasks}) >= 2
    assert all("@sha256:" in image for image in live_image(stage))


def test_a_second_deploy_changes_nothing(deployed: Player, stage: Stage) -> None:
    before = len(mutating_calls(stage))
    again = deployed.run("playbooks/deploy.yml").succeeded()
    assert again.changed == 0, again.output
    # Image log-in is a read for AWS; nothing else may be written.
    assert mutating_calls(stage)[before:] == []


def test_check_mode_predicts_a_new_version_and_writes_nothing(deployed: Player, stage: Stage) -> None:
    before = len(mutating_calls(stage))
    predicted = deployed.run("playbooks/deploy.yml", variables={"service_memory": 1024}, check=True).succeeded()
    assert predicted.changed > 0
    assert "1024" in predicted.output
    assert mutating_calls(stage)[before:] == []


def test_a_new_version_rolls_without_one_failed_request(deployed: Player, stage: Stage) -> None:
    old = live_image(stage)
    with traffic(stage) as running:
        deployed.run("playbooks/release.yml", "-l", "scoreboard", "-e", "image_tag=2.0.0").succeeded()
        summary = running.stop()
    assert_not_one_failed(summary, 1000)
    assert live_image(stage).isdisjoint(old)
    assert "2.0.0" in summary["by_header"], "the new version never answered"


def answer_of(stage: Stage, query: str) -> list[dict[str, str]]:
    """The rows of a query of Logs Insights about the service's log of the last hour."""
    logs, now = stage.client("logs"), int(time.time())
    started = logs.start_query(
        logGroupName="/pear/local/scoreboard", startTime=now - 3600, endTime=now, queryString=query
    )
    found = eventually(
        lambda: (answer := logs.get_query_results(queryId=started["queryId"]))["status"] == "Complete" and answer,
        message="the query is not complete",
    )
    return [{field["field"]: field["value"] for field in row} for row in found["results"]]


def test_the_saved_queries_read_what_the_tasks_log(deployed: Player, stage: Stage) -> None:
    with traffic(stage) as running:
        time.sleep(2)
        running.stop()
    found = stage.client("logs").describe_query_definitions(queryDefinitionNamePrefix="local/scoreboard/")
    saved = {query["name"].rpartition("/")[2]: query["queryString"] for query in found["queryDefinitions"]}
    versions = eventually(
        lambda: answer_of(stage, saved["by version, the latest first"]), message="no request is in the log"
    )
    firsts = [row["first"] for row in versions]
    assert firsts == sorted(firsts, reverse=True)
    assert {"version", "status", "requests", "last"} <= set(versions[0])
    slowest = answer_of(stage, saved["slowest requests"])
    durations = [float(row["duration_ms"]) for row in slowest]
    assert durations == sorted(durations, reverse=True) and 0 < len(durations) <= 50
    by_id = saved["one request or trace"].replace("REQUEST_OR_TRACE_ID", slowest[0]["request_id"])
    assert slowest[0]["@timestamp"] in {row["@timestamp"] for row in answer_of(stage, by_id)}
    # A service that is well has no errors: whatever the two find, it is one.
    for row in answer_of(stage, saved["errors by route"]):
        assert int(row.get("status", "500")) >= 500 and int(row["errors"]) > 0
    version = versions[0]["version"]
    for row in answer_of(stage, saved["errors of one version"].replace("VERSION", version)):
        assert f'"version": "{version}"' in row["@message"]


@pytest.mark.parametrize(
    ("variables", "causes"),
    [
        pytest.param(
            {"service_entry_point": ["/bin/busybox", "sh", "-c", "echo no licence, giving up; exit 3"]},
            ["Essential container in task exited", "exit code 3", "no licence, giving up"],
            id="crashes on start",
        ),
        pytest.param(
            {"service_environment": {"PORT": "9999"}},
            # ECS takes a sick target away at once: its reason code may or may not be seen before that.
            ["Task failed ELB health checks in (target-group local-scoreboard-blue)"],
            id="never becomes healthy",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"service_image": "registry.invalid/scoreboard@sha256:" + "0" * 64},
            ["CannotPullContainerError"],
            id="cannot be pulled",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_bad_version_ends_in_the_old_one_still_serving(
    deployed: Player, stage: Stage, variables: dict[str, Any], causes: list[str]
) -> None:
    old = live_image(stage)
    with traffic(stage) as running:
        failed = deployed.run("playbooks/release.yml", "-l", "scoreboard", variables=variables).failed()
        summary = running.stop()
    for cause in causes:
        assert cause in failed.output, failed.output
    assert_not_one_failed(summary, 500)
    assert live_image(stage) == old


def test_a_command_runs_once_in_a_task_of_what_is_live(deployed: Player, stage: Stage) -> None:
    def ran(program: str, check: bool = False) -> PlayResult:
        given = {"task_command": ["python3", "-c", program], "task_variables": {"TO": "version 7"}}
        return deployed.run("playbooks/run_task.yml", "-l", "scoreboard", variables=given, check=check)

    serving = live_tasks(stage)
    before = len(mutating_calls(stage))
    assert "would run python3" in ran("pass", check=True).succeeded().output
    assert mutating_calls(stage)[before:] == []
    assert "| moved to version 7" in ran("import os; print('moved to', os.environ['TO'])").succeeded().output
    failed = ran("import sys; print('table is locked', flush=True); sys.exit(3)").failed()
    for told in ("exit code 3", "table is locked"):
        assert told in failed.output, failed.output
    assert [task["taskArn"] for task in live_tasks(stage)] == [task["taskArn"] for task in serving]


def test_a_killed_container_is_healed(deployed: Player, stage: Stage) -> None:
    before = {task["taskArn"] for task in live_tasks(stage)}
    victim = sorted(before)[0]
    task_id = victim.rpartition("/")[2]
    (container,) = stage.engine(
        "ps", "-q", "--filter", f"label=pear.task={task_id}", "--filter", "label=pear.container=app"
    ).split()
    stage.engine("kill", "--signal", "KILL", container)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        now = {task["taskArn"] for task in live_tasks(stage) if task["lastStatus"] == "RUNNING"}
        if victim not in now and len(now) == len(before):
            break
        time.sleep(1)
    else:
        pytest.fail(f"not healed in two minutes: {live_tasks(stage)}")
    stopped = stage.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[victim])["tasks"][0]
    assert stopped["containers"][0]["exitCode"] == 137
