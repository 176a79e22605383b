"""notify_test.yml, played on AWS's calls in memory: which topics an inventory has it look at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from tests.support.plays import Player

from ..worker_in_memory import REGION, account, settings

pytestmark = pytest.mark.plays


def test_topics_of_health_checks_and_of_releases_are_looked_at_too(tmp_path: Path) -> None:
    """None exists here, so each is named; topics of the inventory's own come with its templates filled in."""
    shared = {
        "environment_name": "staging",
        "environment_region": REGION,
        "environment_release_topic": True,
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    check = {"dns_health_check": {"host": "{{ inventory_hostname }}.example.com"}}
    own = {"dns_health_alarm_topic_arns": ["arn:aws:sns:us-east-1:123456789012:pager-of-{{ inventory_hostname }}"]}
    hosts = {
        "environment": {"hosts": {"staging-environment": {}}},
        "services": {"hosts": {"scores": check, "shop": {**check, **own}, "jobs": {}}},
        "all": {"vars": shared},
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    with account() as endpoint:
        result = Player(settings(endpoint), (str(tmp_path / "hosts.yml"),)).run("playbooks/notify_test.yml").failed()
    said = " ".join(result.output.split())
    for topic in ("alarms", "warnings", f"{REGION}-alarms", "releases"):
        assert f"topic staging-{topic} does not exist" in said, result.output
    assert "topic pager-of-shop does not exist" in said, result.output
    assert "pager-of-scores" not in said and "pager-of-jobs" not in said, result.output
