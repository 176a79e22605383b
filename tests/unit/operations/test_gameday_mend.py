"""A game day's clean-up, played on AWS's calls in memory: a step that fails keeps no other from being tried."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.environment.release_ledger import KEYS
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Kind, Outcome, Plan, Step

from tests.support.plays import Player

from ..in_memory import calls_in_memory
from ..release.given import RELEASE
from .mount_targets import REGION, Files

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


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with calls_in_memory() as address:
        for name, value in settings(address).items():
            monkeypatch.setenv(name, value)
        yield address


def settings(endpoint: str) -> dict[str, str]:
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    return {**keys, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}


def player(folder: Path, endpoint: str) -> Player:
    shared: dict[str, Any] = {
        "environment_name": "staging",
        "environment_region": REGION,
        "load_balancer_certificate": "self_signed",
        "load_balancer_domain": "example.com",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {"services": {"hosts": {"jobs": {"service_kind": "worker"}}}, "all": {"vars": shared}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    (folder / "mend.yml").write_text(yaml.safe_dump(PLAY))
    return Player(settings(endpoint), (str(folder / "hosts.yml"),))


def ledger() -> DynamoLedger:
    return DynamoLedger(Aws({"region": REGION}), "staging-releases", "jobs")


def a_bad_version_is_live() -> None:
    """With the one before it in the ledger."""
    ecs, tags = boto3.client("ecs", REGION), [{"key": "pear:environment", "value": "staging"}]
    ecs.create_cluster(clusterName="staging", tags=tags)
    before, bad = [
        ecs.register_task_definition(
            family="staging-jobs", containerDefinitions=[{"name": "app", "image": "jobs", "memory": 64}]
        )["taskDefinition"]["taskDefinitionArn"]
        for _version in ("before", "bad")
    ]
    ecs.create_service(cluster="staging", serviceName="jobs-blue", taskDefinition=bad, desiredCount=1, tags=tags)
    dynamodb.create_table(Aws({"region": REGION}), "staging-releases", KEYS, {"pear:environment": "staging"}, {})
    lease = Lease("jobs", "ada", "bad", 1, time.time(), time.time() + 1)
    assert ledger().take(lease, 0)
    ended = {
        "service": "jobs",
        "live": Colour.BLUE,
        "candidate": Colour.BLUE,
        "plan": Plan("rolling", (Step(100),)),
        "outcome": Outcome.SUCCEEDED,
        "closed": True,
    }
    for name, definition, began in (("before", before, 1000.0), ("bad", bad, 2000.0)):
        release = replace(RELEASE, id=name, fingerprint=name, task_definition=definition, started_at=began, **ended)
        ledger().save(replace(release, ended_at=began + 100), lease)


def test_an_experiment_that_cannot_be_stopped_leaves_nothing_else_broken(tmp_path: Path, endpoint: str) -> None:
    a_bad_version_is_live()
    files = Files()
    files.give(files.tasks)
    result = player(tmp_path, endpoint).run(str(tmp_path / "mend.yml"), variables=BROKEN).failed()
    assert "read experiment EXPneverStarted" in " ".join(result.output.split()), result.output
    assert files.groups() == [[files.files]] * 2, result.output
    (certificate,) = boto3.client("acm", REGION).list_certificates()["CertificateSummaryList"]
    assert certificate["DomainName"] == "example.com"
    # ECS of these calls replaces no task, so the rollback itself ends at its time limit.
    newest = max(ledger().history().releases, key=lambda release: release.started_at)
    assert (newest.kind, newest.target) == (Kind.ROLLBACK, "before"), result.output
