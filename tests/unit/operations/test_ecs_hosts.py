"""Services of an environment as hosts: which there are, what is known of them, and what the inventory plugin makes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.operations.ecs_hosts import Cluster, hosts, kept
from moto.server import ThreadedMotoServer

from tests.support.plays import ROOT, inventory_of

from .scenes import service, task

BLUE, GREEN = "arn:blue", "arn:green"


def state(colour: str, of: str = "scores", desired: int = 2, groups: bool = True) -> ServiceState:
    balancers = [{"target_group_arn": f"arn:{colour}", "container": "app", "port": 8080}] if groups else []
    return replace(
        service(desired, desired),
        name=f"{of}-{colour}",
        settings={"load_balancers": balancers},
        tags={"pear:service": of, "team": "games"},
    )


def cluster(*services: ServiceState, weights: dict[str, int] | None = None, **more: Any) -> Cluster:
    test = Rule("r1", 9, Conditions(paths=("/*",)).under_test(), {GREEN: 100})
    rules = [test, Rule("r2", 10, Conditions(paths=("/*",)), weights)] if weights else []
    return Cluster("production", "eu-central-1", services, more.pop("tasks", {}), rules, "production")


def named(found: Cluster) -> dict[str, dict[str, Any]]:
    return {host["name"]: host for host in hosts(found)}


def test_a_service_has_a_host_one_for_each_colour_and_one_for_each_task() -> None:
    tasks = {"scores-green": (task(1, id="2" + "a" * 31), task(1, id="1" + "a" * 31))}
    found = cluster(state("blue", desired=0), state("green"), weights={BLUE: 0, GREEN: 100}, tasks=tasks)
    assert [(host["name"], host["kind"]) for host in hosts(found)] == [
        ("production-scores", "service"),
        ("production-scores-blue", "colour"),
        ("production-scores-green", "colour"),
        ("production-scores-green-1aaaaaaaaaaa", "task"),
        ("production-scores-green-2aaaaaaaaaaa", "task"),
    ]


def test_one_environment_name_in_two_regions_is_two_environments() -> None:
    here = cluster(state("blue", groups=False))
    names = [host["name"] for found in (here, replace(here, region="us-east-1")) for host in hosts(found, True)]
    assert names == [
        "production-eu-central-1-scores",
        "production-eu-central-1-scores-blue",
        "production-us-east-1-scores",
        "production-us-east-1-scores-blue",
    ]


def test_traffic_says_which_colour_is_live_and_not_the_test_rule() -> None:
    found = named(cluster(state("blue"), state("green"), weights={BLUE: 90, GREEN: 10}))
    assert (found["production-scores"]["live"], found["production-scores"]["weights"]) == (
        "blue",
        {"blue": 90, "green": 10},
    )
    assert [found[f"production-scores-{colour}"]["is_live"] for colour in ("blue", "green")] == [True, False]
    assert found["production-scores"]["service_kind"] == "web"


def test_the_listener_of_a_network_load_balancer_says_which_colour_is_live() -> None:
    listener = Rule("arn:aws:elb:e:1:listener/net/games/1/2", 50001, Conditions(), {BLUE: 0, GREEN: 100})
    found = named(replace(cluster(state("blue"), state("green")), rules=[listener]))
    assert (found["production-scores"]["live"], found["production-scores"]["service_kind"]) == ("green", "network")


def test_a_worker_has_one_colour_and_all_of_it() -> None:
    found = named(cluster(state("blue", groups=False)))
    assert list(found) == ["production-scores", "production-scores-blue"]
    assert (found["production-scores"]["service_kind"], found["production-scores-blue"]["weight"]) == ("worker", 100)


def test_without_a_rule_the_weights_are_unknown() -> None:
    found = named(cluster(state("blue", desired=0), state("green")))
    assert found["production-scores"]["weights"] == {"blue": None, "green": None}
    assert found["production-scores"]["live"] == "green"


def test_a_task_says_where_it_is_and_how_it_is() -> None:
    one = task(7, health="HEALTHY")
    found = named(cluster(state("green"), tasks={"scores-green": (one,)}))
    host = found[f"production-scores-green-{one.id[:12]}"]
    assert (host["task_id"], host["address"], host["zone"], host["health"]) == (one.id, "10.0.1.7", one.zone, "HEALTHY")
    assert json.loads(json.dumps(host)) == host, "what is cached is JSON"


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["s", "b", "g", "t"]),
        ({"colour": "green"}, ["s", "g", "t"]),
        ({"is_live": True, "health": ["HEALTHY", "UNKNOWN"]}, ["s", "g"]),
        ({"tag:team": "games"}, ["s"]),
    ],
)
def test_a_host_is_kept_unless_a_property_that_it_has_differs(filters: dict[str, Any], names: list[str]) -> None:
    given = [
        {"name": "s", "kind": "service", "tags": {"team": "games"}},
        {"name": "b", "kind": "colour", "colour": "blue", "is_live": False, "tags": {}},
        {"name": "g", "kind": "colour", "colour": "green", "is_live": True, "tags": {}},
        {"name": "t", "kind": "task", "colour": "green", "is_live": True, "health": "UNHEALTHY", "tags": {}},
    ]
    assert [host["name"] for host in kept(given, ["service", "colour", "task"], filters)] == names
    assert kept(given, ["task"], {}) == given[3:]


# --- ansible-inventory ---


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    ecs = boto3.client(
        "ecs", "eu-central-1", endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    ecs.create_cluster(clusterName="production")
    ecs.register_task_definition(family="production-mailer", containerDefinitions=[])
    for name, tags in (("mailer-blue", [{"key": "pear:service", "value": "mailer"}]), ("somebody-elses-blue", [])):
        ecs.create_service(
            cluster="production", serviceName=name, taskDefinition="production-mailer", desiredCount=0, tags=tags
        )
    yield url
    server.stop()


def inventory(folder: Path, endpoint: str, **options: Any) -> subprocess.CompletedProcess[str]:
    source = folder / "production.ecs_services.yml"
    source.write_text(yaml.safe_dump({"plugin": "pear.fargate.ecs_services", "regions": ["eu-central-1"], **options}))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(source), "--list"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.plays
def test_ansible_inventory_lists_groups_variables_and_what_is_composed(tmp_path: Path, endpoint: str) -> None:
    options = {
        "environments": ["production"],
        "keyed_groups": [{"key": "ecs_service_kind", "prefix": "kind"}],
        "groups": {"idle": "ecs_desired == 0"},
        "compose": {"ansible_host": "ecs_ecs_service ~ '.internal'"},
        "strict": True,
    }
    done = inventory(tmp_path, endpoint, **options)
    # amazon.aws's own base class passes an argument that newer ansible-core deprecates.
    warnings = [line for line in done.stderr.splitlines() if line.startswith("[WARNING]")]
    assert done.returncode == 0 and len(warnings) <= ("disable_lookups" in done.stderr), done.stderr
    listed = inventory_of(done.stdout)
    assert listed["ecs_services"]["hosts"] == ["production-mailer"]
    assert listed["ecs_colours"]["hosts"] == ["production-mailer-blue"]
    assert sorted(listed["kind_worker"]["hosts"]) == sorted(listed["idle"]["hosts"])
    variables = listed["_meta"]["hostvars"]["production-mailer-blue"]
    assert variables["ansible_host"] == "mailer-blue.internal"
    assert (variables["ecs_environment"], variables["ecs_colour"], variables["ecs_weight"]) == (
        "production",
        "blue",
        100,
    )


@pytest.mark.plays
def test_services_of_several_regions_do_not_replace_each_other(tmp_path: Path, endpoint: str) -> None:
    done = inventory(tmp_path, endpoint, environments=["production"], regions=["eu-central-1", "eu-west-1"])
    assert done.returncode == 0, done.stderr
    assert inventory_of(done.stdout)["ecs_services"]["hosts"] == ["production-eu-central-1-mailer"]


@pytest.mark.plays
def test_a_cache_answers_without_aws(tmp_path: Path, endpoint: str) -> None:
    cached = {
        "environments": ["production"],
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    first = inventory(tmp_path, endpoint, **cached)
    assert first.returncode == 0, first.stderr
    again = inventory(tmp_path, "http://127.0.0.1:9", **cached)
    assert json.loads(again.stdout) == json.loads(first.stdout)


@pytest.mark.plays
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Name environments, or clusters"),
        ({"environments": ["production"], "filters": {"color": "green"}}, "color is no property of a host"),
        ({"environments": ["production"], "regions": ["eu-nowhere-1"]}, "AWS has no region 'eu-nowhere-1'"),
    ],
)
def test_a_mistake_is_said(tmp_path: Path, endpoint: str, options: dict[str, Any], said: str) -> None:
    done = inventory(tmp_path, endpoint, **options)
    assert said in done.stderr, done.stderr
