"""A worker with two releases, the newer one live, on AWS's calls in memory; and the inventory of it."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
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
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Outcome, Plan, Step

from tests.support.plays import Player

from .in_memory import calls_in_memory
from .release.given import RELEASE

REGION = "eu-central-1"


@contextmanager
def account() -> Iterator[str]:
    """The address of the calls, which this process's own calls go to as well."""
    with calls_in_memory() as address, pytest.MonkeyPatch.context() as patched:
        for name, value in settings(address).items():
            patched.setenv(name, value)
        # What another test of this process has left there.
        urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
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
