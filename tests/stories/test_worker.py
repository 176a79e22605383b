"""A worker has no load balancer: it is released in place, watched, returned, rolled back and removed like any other service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import ReadPage
from tests.support.plays import Player, PlayResult
from tests.support.waiting import eventually

from .conftest import Stage

CLUSTER = "local"
INVENTORIES = ("inventories/local", "tests/stories/worker")
DIES = {"service_command": ["python3", "-c", "import sys, time; time.sleep(4); sys.exit('no queue')"]}


class Mailer:
    """The worker that these stories release."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.player = Player(stage.environment, INVENTORIES)

    def play(self, playbook: str, check: bool = False, **variables: Any) -> PlayResult:
        return self.player.run(f"playbooks/{playbook}.yml", "-l", "mailer", variables=variables or None, check=check)

    def release(self, number: int, **variables: Any) -> PlayResult:
        return self.play("release", service_environment={"RELEASE": str(number)}, **variables)

    def service(self) -> dict[str, Any]:
        found = self.stage.client("ecs").describe_services(cluster=CLUSTER, services=["mailer-blue"])["services"]
        return found[0] if found else {}

    def definition(self) -> str:
        return str(self.service()["taskDefinition"]).rpartition("/")[2]


@pytest.fixture(scope="module")
def mailer(deployed: Player, stage: Stage) -> Mailer:
    made = Mailer(stage)
    assert "is not provisioned" not in made.play("deploy", check=True).succeeded().output
    assert made.service() == {}, "check mode makes nothing"
    made.play("deploy").succeeded()
    return made


def test_a_worker_is_one_ecs_service_without_target_groups_and_a_second_run_changes_nothing(mailer: Mailer) -> None:
    service = mailer.service()
    assert (service["runningCount"], service["loadBalancers"]) == (2, [])
    groups = mailer.stage.client("elbv2").describe_target_groups()["TargetGroups"]
    assert not [group for group in groups if "mailer" in group["TargetGroupName"]]
    alarms = mailer.stage.client("cloudwatch").describe_alarms(AlarmNamePrefix="local/mailer/")["MetricAlarms"]
    assert {alarm["AlarmName"].rpartition("/")[2] for alarm in alarms} == {
        *("cpu", "memory", "missing-tasks", "no-running-task", "queue-age-mails", "task-restarts"),
        *("crash-loop", "deploying", "deployment-stuck", "scaling-events"),
    }
    assert mailer.play("deploy", check=True).succeeded().changed == 0
    again = mailer.play("deploy").succeeded()
    assert again.changed == 0, again.output
    assert "mailer: worker" in mailer.play("status").succeeded().output
    assert "a worker: it is sent no requests" in mailer.play("triage").succeeded().output


def test_a_version_that_starts_and_then_dies_is_returned_with_its_exit_code(mailer: Mailer, tmp_path: Path) -> None:
    before = mailer.definition()
    failed = mailer.release(2, **DIES, service_report=str(tmp_path / "page.html")).failed()
    assert "rolled back" in failed.output, failed.output
    assert "exit code 1" in failed.output, failed.output
    assert "no queue" in failed.output, failed.output
    assert mailer.definition() == before
    assert mailer.play("release", check=True).succeeded().changed == 0
    page = ReadPage((tmp_path / "page.html").read_text())
    assert "rolled back" in page.text and "exit code 1" in page.text and "no queue" in page.text, page.text
    assert not {"requests", "errors", "latency"} & page.figures, "a worker is sent no requests"
    assert any("2 healthy of 2 running" in row[1] for row in page.rows["counts"]), page.rows["counts"]


@pytest.mark.long
def test_a_migration_that_fails_deploys_nothing(mailer: Mailer) -> None:
    before = mailer.service()["deployments"][0]["id"]
    checks = [{"name": "migrate", "command": ["python3", "-c", "raise SystemExit(3)"], "timeout_seconds": 120}]
    assert "exit code 3" in mailer.release(3, service_checks=checks).failed().output
    assert mailer.service()["deployments"][0]["id"] == before


@pytest.mark.long
def test_a_rollback_replaces_the_tasks_in_place(mailer: Mailer) -> None:
    first = mailer.definition()
    mailer.release(4).succeeded()
    later = mailer.definition()
    assert later != first
    back = mailer.play("rollback").succeeded()
    assert "as long as" not in back.output
    assert mailer.definition() == first
    assert mailer.service()["runningCount"] == 2
    assert "rollback" in mailer.play("history").succeeded().output
    mailer.release(4).succeeded()
    mailer.play("rollback").succeeded()


def test_what_a_worker_cannot_have_is_refused_by_name(mailer: Mailer) -> None:
    refused = mailer.play("release", service_strategy="canary", service_hosts=["mail.example.com"]).failed().output
    assert "service_strategy is canary" in refused, refused
    assert "service_hosts is set, but service_kind is worker" in refused, refused


@pytest.mark.long
def test_what_was_changed_behind_its_back_is_drift_and_put_right(mailer: Mailer) -> None:
    mailer.stage.client("ecs").update_service(cluster=CLUSTER, service="mailer-blue", desiredCount=1)
    drift = mailer.play("drift")
    assert drift.status == 2, drift.output
    assert "desired_count" in drift.output, drift.output
    mailer.play("deploy").succeeded()
    assert mailer.service()["desiredCount"] == 2
    assert mailer.play("drift").status == 0


def test_a_worker_sleeps_while_its_queue_is_empty_and_wakes_when_messages_wait(mailer: Mailer) -> None:
    sqs = mailer.stage.client("sqs")
    queue = sqs.create_queue(QueueName="mails")["QueueUrl"]
    policy = {"metric": "messages", "queue": "mails", "cooldown_seconds": 60}
    steps: dict[str, Any] = {
        "autoscaling_minimum": 0,
        "autoscaling_maximum": 2,
        "autoscaling_step_policies": [
            {"name": "wake", "steps": [{"at": 1, "adjustment": 1}], **policy},
            {
                "name": "sleep",
                "comparison": "<",
                "adjustment": "exact",
                "steps": [{"at": 1, "adjustment": 0}],
                **policy,
            },
        ],
    }
    mailer.play("deploy", **steps).succeeded()
    assert mailer.play("deploy", check=True, **steps).succeeded().changed == 0
    eventually(lambda: mailer.service()["desiredCount"] == 0, message="an empty queue needs no task")
    sqs.send_message(QueueUrl=queue, MessageBody="a mail")
    eventually(lambda: mailer.service()["runningCount"] > 0, message="a message that waits starts a task")


def test_a_worker_is_removed_alone(mailer: Mailer) -> None:
    mailer.play("destroy", confirm="mailer").succeeded()
    assert mailer.service().get("status") in (None, "INACTIVE")
    groups = mailer.stage.client("logs").describe_log_groups(logGroupNamePrefix="/pear/local/mailer")["logGroups"]
    assert groups == []
    assert mailer.stage.client("cloudwatch").describe_alarms(AlarmNamePrefix="local/Scaling/")["MetricAlarms"] == []
