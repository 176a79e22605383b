"""Each alarm has its severity and its runbook, each runbook its alarm, and the thresholds that it names are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.filter.monitoring import environment_alarms, service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import (
    HEALTH_CHECK,
    SEVERITIES,
    Thresholds,
    kind_of,
)
from ansible_collections.pear.fargate.plugins.module_utils.service import health_alarm
from ansible_collections.pear.fargate.plugins.module_utils.service.health_alarm import HealthAlarm

from .given import ENVIRONMENT, WHOLE

ROOT = Path(__file__).resolve().parents[3]
RUNBOOKS = ROOT / "docs/runbooks"
URL = "https://example.com/runbooks"
# CloudWatch's limit: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_DESCRIPTION = 1024


def shipped() -> dict[str, str]:
    """The description of every alarm that the collection can make, by kind."""
    alarms = [
        *environment_alarms(WHOLE, runbook_url=URL),
        *service_alarms(WHOLE, "scores", runbook_url=URL, slos=[{"name": "availability", "target_percent": 99.9}]),
        *service_alarms(WHOLE, "mailer", kind="worker", queues=["mails"], runbook_url=URL),
    ]
    check = health_alarm.desired(
        "staging/*health-check-eu-central-1/scores", HealthAlarm("id", "scores.example.com", (), URL)
    )
    described = {kind_of(alarm["name"]): alarm["description"] for alarm in alarms}
    return {**described, HEALTH_CHECK: check["AlarmDescription"]}


def pages() -> set[str]:
    return {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}


def test_each_alarm_has_its_runbook_and_each_runbook_its_alarm() -> None:
    assert pages() == set(shipped()) == set(SEVERITIES)


@pytest.mark.parametrize("kind", SEVERITIES)
def test_the_description_says_how_severe_it_is_and_leads_to_the_runbook(kind: str) -> None:
    description = shipped()[kind]
    assert description.startswith(f"{SEVERITIES[kind].capitalize()}. ")
    assert description.endswith(f" Runbook: {URL}/{kind}.md")
    assert len(description) <= _DESCRIPTION


@pytest.mark.parametrize("kind", SEVERITIES)
def test_a_runbook_has_its_parts_and_the_severity_of_its_alarm(kind: str) -> None:
    text = (RUNBOOKS / f"{kind}.md").read_text()
    assert re.search(rf"^Alarm `[^`]+`, {SEVERITIES[kind]}\.$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Meaning", "First look", "What to do", "Escalate"]
    assert f"({kind}.md)" in (RUNBOOKS / "README.md").read_text()


@pytest.mark.parametrize("kind", SEVERITIES)
def test_a_runbook_says_why_its_threshold_is_what_it_is(kind: str) -> None:
    """Whoever is woken by an alarm asks that, and so does whoever wants to change it."""
    text = (RUNBOOKS / f"{kind}.md").read_text()
    (reason,) = re.findall(r"^Threshold: .+\n\nReason: (.+\.)$", text, re.MULTILINE)
    assert len(reason.split()) >= 8, reason


@pytest.mark.parametrize("kind", ["burn-fast", "database-storage"])
def test_what_pages_before_users_are_failed_says_why(kind: str) -> None:
    assert SEVERITIES[kind] == "critical"
    assert "It is critical" in (RUNBOOKS / f"{kind}.md").read_text()


def test_thresholds_that_runbooks_name_exist_and_none_is_left_out() -> None:
    named = {
        word
        for kind in pages()
        for word in re.findall(
            r"`(\w+)`", re.findall(r"^Threshold: .+$", (RUNBOOKS / f"{kind}.md").read_text(), re.MULTILINE)[0]
        )
    }
    options = yaml.safe_load((ROOT / "roles/monitoring/meta/argument_specs.yml").read_text())
    thresholds = options["argument_specs"]["main"]["options"]["monitoring_thresholds"]["options"]
    assert named & set(vars(Thresholds())) == set(vars(Thresholds())) == set(thresholds)


def test_without_an_address_no_runbook_is_named() -> None:
    assert not any("Runbook" in alarm["description"] for alarm in service_alarms(WHOLE, "scores"))


def test_the_alarms_of_names_and_of_the_rest_have_one_default() -> None:
    """The role dns runs without the role monitoring's defaults."""
    monitoring = yaml.safe_load((ROOT / "roles/monitoring/defaults/main.yml").read_text())["monitoring_runbook_url"]
    dns = yaml.safe_load((ROOT / "roles/dns/defaults/main.yml").read_text())["dns_health_alarm_runbook_url"]
    assert monitoring in dns
    documentation = yaml.safe_load((ROOT / "galaxy.yml").read_text())["documentation"]
    assert monitoring == documentation.replace("/tree/", "/blob/") + "/runbooks"


# --- what an environment's services share ---


def kinds(environment: dict[str, Any]) -> set[str]:
    return {kind_of(alarm["name"]) for alarm in environment_alarms(environment)}


def test_an_environment_has_alarms_of_what_it_has() -> None:
    nothing = {**ENVIRONMENT, "load_balancer": None}
    assert kinds(nothing) == set()
    assert kinds(ENVIRONMENT) == {"balancer-errors"}
    assert kinds({**nothing, "file_system": {"id": "fs-1", "throughput_mode": "elastic"}}) == {"file-system-io"}
    assert kinds({**nothing, "database": {"is_cluster": True}}) == {"database-connections"}
    assert "database-storage" in kinds(WHOLE)


def test_a_certificate_that_has_expired_keeps_its_alarm() -> None:
    """ACM says nothing of it any more."""
    (alarm,) = [alarm for alarm in environment_alarms(WHOLE) if kind_of(alarm["name"]) == "certificate-expiry"]
    assert (alarm["missing_data"], alarm["comparison"], alarm["threshold"]) == ("ignore", "<", 21)


def test_a_cluster_is_named_as_one() -> None:
    """Aurora's metrics of the whole cluster have another dimension."""
    alarms = environment_alarms({**WHOLE, "database": {"is_cluster": True}})
    (alarm,) = [alarm for alarm in alarms if kind_of(alarm["name"]) == "database-connections"]
    assert alarm["metrics"][0]["dimensions"] == {"DBClusterIdentifier": "staging-database"}


def test_restarts_are_minutes_of_an_hour_that_need_not_be_together() -> None:
    alarms = service_alarms(WHOLE, "scores", {"task_restart_minutes": 7})
    (alarm,) = [alarm for alarm in alarms if kind_of(alarm["name"]) == "task-restarts"]
    assert (alarm["periods"], alarm["datapoints"]) == (60, 7)
