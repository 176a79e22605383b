"""A game day's clean-up, played on AWS's calls in memory: a step that fails keeps no other from being tried."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Kind

from ..worker_in_memory import REGION, a_bad_version_is_live, account, ledger, player
from .mount_targets import Files

pytestmark = pytest.mark.plays

# As an experiment leaves it that broke all at once: Fault Injection Service knows no experiment of this id.
PLAY = [
    {
        "name": "Mend",
        "hosts": "services",
        "module_defaults": {"group/pear.fargate.aws": {"region": REGION}},
        "tasks": [
            {"ansible.builtin.include_role": {"name": "pear.fargate.gameday", "tasks_from": "mend.yml"}},
        ],
    }
]
BROKEN = {
    "gameday__running": {"experiment_id": "EXPneverStarted"},
    "gameday__files": {"changed": True},
    "gameday__certificate": True,
    "gameday__before": {"release": {"id": "before"}},
    "service_release_policy": {"stage_timeout_seconds": 2, "return_timeout_seconds": 2, "minimum_healthy": 1},
}


def test_an_experiment_that_cannot_be_stopped_leaves_nothing_else_broken(tmp_path: Path) -> None:
    playbook = tmp_path / "mend.yml"
    playbook.write_text(yaml.safe_dump(PLAY))
    with account() as endpoint:
        a_bad_version_is_live()
        files = Files()
        files.give(files.tasks)
        result = player(tmp_path, endpoint).run(str(playbook), variables=BROKEN).failed()
        assert "read experiment EXPneverStarted" in " ".join(result.output.split()), result.output
        assert files.groups() == [[files.files]] * 2, result.output
        (certificate,) = boto3.client("acm", REGION).list_certificates()["CertificateSummaryList"]
        assert certificate["DomainName"] == "example.com"
        # ECS of these calls replaces no task, so the rollback itself ends at its time limit.
        newest = max(ledger().history().releases, key=lambda release: release.started_at)
        assert (newest.kind, newest.target) == (Kind.ROLLBACK, "before"), result.output
