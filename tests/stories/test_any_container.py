"""Any container by configuration alone: a stock nginx is one more host of the inventory."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import ROOT, Player

from .conftest import Stage

INVENTORIES = ("inventories/local", "examples/nginx/inventory")


def answer(stage: Stage, host: str, path: str) -> tuple[int, str, str]:
    """Status, Server header and body of a request to the load balancer for this host."""
    # The certificate is of the environment's own making; who speaks is not in question here.
    context = ssl._create_unverified_context()
    connection = HTTPSConnection(stage.load_balancer, timeout=60, context=context)
    try:
        connection.request("GET", path, headers={"Host": host})
        got = connection.getresponse()
        return got.status, got.getheader("Server", ""), got.read().decode()
    finally:
        connection.close()


def test_a_second_service_is_one_more_host_and_touches_nothing_else(deployed: Player, stage: Stage) -> None:
    subprocess.run([ROOT / "examples/nginx/build.sh"], check=True, env=deployed._environ(), capture_output=True)
    both = Player(stage.environment, INVENTORIES)
    first = both.run("playbooks/deploy.yml").succeeded()
    assert {host: first.recap[host]["changed"] for host in ("local", "scoreboard")} == {"local": 0, "scoreboard": 0}
    status, server, body = answer(stage, "www.local.example.test", "/")
    assert (status, server.partition("/")[0]) == (200, "nginx")
    assert body == (ROOT / "examples/nginx/site/index.html").read_text()
    status, _, body = answer(stage, "scores.local.example.test", "/readyz")
    assert status == 200
    assert '"storage_mode": "sqlite"' in body
    assert answer(stage, "nobody.local.example.test", "/")[0] == 404


def test_what_two_services_deploy_twice_changes_nothing(stage: Stage) -> None:
    again = Player(stage.environment, INVENTORIES).run("playbooks/deploy.yml").succeeded()
    assert again.changed == 0, again.output


@pytest.mark.long
def test_after_a_service_that_fails_the_next_one_does_not_begin(stage: Stage) -> None:
    nowhere = "registry.invalid/scoreboard@sha256:" + "0" * 64
    one_by_one = {"release_serial": 1, "release_max_fail_percentage": 0, "service_image": nowhere}
    failed = Player(stage.environment, INVENTORIES).run("playbooks/release.yml", variables=one_by_one).failed()
    assert failed.recap["scoreboard"]["failed"] == 1, failed.output
    # Looked at with all others, and left alone.
    assert {key: failed.recap["website"][key] for key in ("failed", "changed")} == {"failed": 0, "changed": 0}
    assert "website" not in failed.output.partition("PLAY [Release the services]")[2].partition("PLAY RECAP")[0]
    assert answer(stage, "www.local.example.test", "/")[0] == 200


@pytest.mark.long
def test_what_another_service_depends_on_goes_first_and_its_failure_holds_that_one(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "hosts.yml").write_text("services: {hosts: {scoreboard: {service_depends_on: [website]}}}")
    ordered = Player(stage.environment, (*INVENTORIES, str(tmp_path)))
    released = ordered.run("playbooks/release.yml").succeeded().output
    batches = released.partition("PLAY [Release the services]")[2].partition("PLAY RECAP")[0]
    assert batches.rindex("[website]") < batches.index("[scoreboard]"), released
    nowhere = "registry.invalid/website@sha256:" + "0" * 64
    website = f"website: {{service_image: '{nowhere}'}}"
    (tmp_path / "hosts.yml").write_text(
        f"services: {{hosts: {{scoreboard: {{service_depends_on: [website]}}, {website}}}}}"
    )
    failed = ordered.run("playbooks/release.yml").failed()
    assert failed.recap["website"]["failed"] == 1, failed.output
    assert failed.recap["scoreboard"]["changed"] == 0
    assert "New version of scoreboard" not in failed.output
    circle = {"service_depends_on": ["website", "scoreboard"]}
    assert "goes in a circle" in ordered.run("playbooks/release.yml", variables=circle).failed().output


def block_volumes(stage: Stage) -> list[dict[str, Any]]:
    mine = [{"Name": "tag:pear:service", "Values": ["website"]}]
    return list(stage.client("ec2").describe_volumes(Filters=mine)["Volumes"])


@pytest.mark.long
def test_each_task_has_an_ebs_volume_until_a_rollback_to_the_version_without_one(stage: Stage) -> None:
    both = Player(stage.environment, INVENTORIES)
    both.run("playbooks/deploy.yml").succeeded()
    given = {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 20, "iops": 4000}}]}
    for playbook in ("provision", "release"):
        both.run(f"playbooks/{playbook}.yml", "-l", "website", variables=given).succeeded()
    found = block_volumes(stage)
    assert [(volume["Size"], volume["Iops"], volume["Encrypted"]) for volume in found] == [(20, 4000, True)] * 2
    assert answer(stage, "www.local.example.test", "/")[0] == 200
    again = both.run("playbooks/release.yml", "-l", "website", variables=given).succeeded()
    assert again.changed == 0, again.output
    # With its inventory as it was: the version before had no volume, and ECS refuses that of another version.
    at_once = {"service_release_policy": {"window_seconds": 0}}
    both.run("playbooks/rollback.yml", "-l", "website", variables=at_once).succeeded()
    deadline = time.monotonic() + 600
    while left := block_volumes(stage):
        assert time.monotonic() < deadline, left
        time.sleep(1)
    assert answer(stage, "www.local.example.test", "/")[0] == 200


NAMES = "arn:aws:servicediscovery:eu-central-1:123456789012"


@pytest.mark.long
def test_a_service_that_others_find_by_a_name_is_released_and_rolled_back_in_place(
    stage: Stage, tmp_path: Path
) -> None:
    """A name is one ECS service's in its namespace, so that the colour without tasks has none, and no weight moves its clients."""
    variables = {
        "registry_build": {"context": str(ROOT / "examples/nginx")},
        "service_port": 8081,
        "service_hosts": ["named.local.example.test"],
        "service_priority": 300,
        "service_health_check": {
            "path": "/health",
            "interval_seconds": 5,
            "timeout_seconds": 2,
            "healthy_threshold": 2,
        },
        "service_connect": {
            "namespace_arn": f"{NAMES}:namespace/ns-abcdefgh12345678",
            "services": [{"name": "pages", "client_port": 80}],
        },
        "service_registries": [{"arn": f"{NAMES}:service/srv-abcdefgh12345678"}],
    }
    hosts = {"services": {"hosts": {"named": variables}}, "all": {"vars": {"network_ports_between_tasks": [8081]}}}
    (tmp_path / "hosts.json").write_text(json.dumps(hosts))
    both = Player(stage.environment, (INVENTORIES[0], str(tmp_path)))
    both.run("playbooks/deploy.yml", "-l", "environment,named").succeeded()
    both.run("playbooks/release.yml", "-l", "named", variables={"service_environment": {"EDITION": "2"}}).succeeded()

    def named() -> dict[str, tuple[int, list[str], int]]:
        names = [f"named-{colour}" for colour in ("blue", "green")]
        found = stage.client("ecs").describe_services(cluster="local", services=names)["services"]
        connect = {
            ecs_service["serviceName"]: ecs_service["deployments"][0]["serviceConnectConfiguration"]
            for ecs_service in found
        }
        return {
            ecs_service["serviceName"]: (
                ecs_service["desiredCount"],
                [served["discoveryName"] for served in connect[ecs_service["serviceName"]].get("services", [])],
                len(ecs_service["serviceRegistries"]),
            )
            for ecs_service in found
        }

    before = named()
    assert sorted(before.values()) == [(0, [], 0), (2, ["pages"], 1)], before
    back = both.run("playbooks/rollback.yml", "-l", "named").succeeded()
    assert named() == before, back.output
    assert answer(stage, "named.local.example.test", "/")[0] == 200
