"""Bad input: each finding names the variable, its value and what would be valid, and a secret is never repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.pear.fargate.plugins.filter.service import one_host_of_each_environment
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import FARGATE_MEMORY, findings, warnings
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import (
    OF_OUR_OWN,
    read_roles,
    rivals,
    unknown,
    validate,
    without_effect,
)

from tests.support.plays import ROOT

from .given import GOOD

ROLES = read_roles(DataLoader())

ROLE = "arn:aws:iam::123456789012:role/theirs"
SCALED = {"autoscaling_minimum": 1, "autoscaling_maximum": 9}


def test_what_is_right_has_no_finding() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize("cpu", FARGATE_MEMORY)
def test_every_size_that_fargate_offers_is_accepted(cpu: int) -> None:
    for memory in FARGATE_MEMORY[cpu]:
        assert findings({**GOOD, "service_cpu": cpu, "service_memory": memory}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"service_memory": 300}, "is 300 with service_cpu 256; Fargate offers 512, 1024, 2048", id="memory"
        ),
        pytest.param(
            {"service_cpu": 8192, "service_memory": 18432},
            "offers 16384 to 61440 in steps of 4096 for it; 18432 MiB goes with service_cpu 4096",
            id="memory between the steps",
        ),
        pytest.param(
            {"service_cpu": 4096}, "512 MiB goes with service_cpu 256", id="only what Fargate offers is advised"
        ),
        pytest.param(
            {"service_memory": 4096}, "4096 MiB goes with service_cpu 512 or 1024 or 2048", id="all that fits"
        ),
        pytest.param({"service_cpu": 300}, "service_cpu is 300; Fargate offers 256, 512", id="cpu"),
        pytest.param({"service_port": 70000}, "service_port is 70000; valid: 1 to 65535", id="port"),
        pytest.param(
            {"service_priority": 1}, "service_priority is 1; valid: 2 to 50000", id="no room for the test rule"
        ),
        pytest.param({"service_slow_start_seconds": 10}, "is 10; valid: 30 to 900, or 0", id="slow start"),
        pytest.param({"environment_name": "a-name-that-is-far-too-long"}, "(27 characters)", id="name too long"),
        pytest.param({"service_name": "Score_Board"}, "lower case letters", id="characters of a name"),
        pytest.param(
            {"service_health_check": {"path": "healthz"}}, "'healthz'; it must begin with /", id="health path"
        ),
        pytest.param({"service_health_check": {"interval_seconds": 2}}, "valid: 5 to 300", id="interval"),
        pytest.param(
            {"service_health_check": {"interval_seconds": 5, "timeout_seconds": 5}},
            "the timeout must be shorter",
            id="timeout not below the interval",
        ),
        pytest.param({"service_health_check": {"matcher": "ok"}}, "matcher is 'ok'", id="matcher"),
        pytest.param({"service_health_check": {"port": 0}}, "service_health_check.port is 0", id="health check port"),
        pytest.param({"service_hosts": list("abcd")}, "hold 6 values", id="too many condition values"),
        pytest.param(
            {"service_hosts": ["*.a?", "*.*"], "service_paths": ["/*/*"]}, "hold 6 signs", id="too many wildcards"
        ),
        pytest.param({"service_headers": {"X-Release": "a"}}, "the header of the test rule", id="the test header"),
        pytest.param({"service_headers": {"X Tenant": "a"}}, "holds 'x tenant'", id="no name of a header"),
        pytest.param({"service_headers": {"X-Tenant": []}}, "x-tenant is empty", id="a header without values"),
        pytest.param({"service_source_ips": ["10.1.2.3/8"]}, "has host bits set", id="no network"),
        pytest.param(
            {"service_further_rules": [{"name": "test", "hosts": ["a.example.com"]}]},
            "service_further_rules.test: a name has small letters",
            id="a name of a rule that is taken",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "Old Hosts", "hosts": ["a.example.com"]}]},
            "service_further_rules.Old Hosts: a name has small letters",
            id="characters of a rule's name",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "old"}]},
            "service_further_rules.old has no condition",
            id="a further rule without conditions",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "old", "hosts": list("abcdef")}]},
            "service_further_rules.old holds 6 values; a rule holds 5: make two",
            id="values of a further rule",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "old", "paths": ["api"]}]},
            "service_further_rules.old.paths holds 'api'; a path begins",
            id="path of a further rule",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "old", "headers": {"x-release": "a"}}]},
            "service_further_rules.old.headers holds x-release, the header of the test rule",
            id="test header in a further rule",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "old", "source_ips": ["10.1.2.3/8"]}]},
            "service_further_rules.old.source_ips holds",
            id="network of a further rule",
        ),
        pytest.param(
            {
                "service_hosts": ["a.example"],
                "service_paths": [],
                "service_further_rules": [{"name": "old", "hosts": ["a.example"]}],
            },
            "service_further_rules.old holds the same conditions as service_hosts and service_paths",
            id="conditions twice",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "a", "paths": ["/x"]}, {"name": "a", "paths": ["/y"]}]},
            "holds two rules named a",
            id="a name twice",
        ),
        pytest.param(
            {
                "service_further_rules": [
                    {"name": "a", "paths": ["/x"], "priority": 70},
                    {"name": "b", "paths": ["/y"], "priority": 70},
                ]
            },
            "service_further_rules.b.priority is 70, and so is service_further_rules.a.priority",
            id="a priority twice",
        ),
        pytest.param(
            {"service_further_rules": [{"name": "a", "paths": ["/x"], "priority": 60000}]},
            "service_further_rules.a.priority is 60000; valid: 1 to 50000",
            id="priority of a further rule",
        ),
        pytest.param({"service_test_source_ips": ["10.1.2.3"]}, "10.1.2.3/32 or /128", id="an address"),
        pytest.param(
            {"service_hosts": [], "service_paths": []}, "no request would reach the service", id="no condition"
        ),
        pytest.param({"service_hosts": ["a" * 129]}, "at most 128 characters", id="a long host"),
        pytest.param(
            {"service_login": {"oidc": {"issuer": "http://id"}, "cognito": {"user_pool_arn": "a"}}},
            "one login",
            id="two logins",
        ),
        pytest.param(
            {"service_login": {"oidc": {"issuer": "http://id"}}}, "issuer is 'http://id'; it must", id="login by http"
        ),
        pytest.param({"service_login": {"session_seconds": 0}}, "session_seconds is 0", id="a session of no length"),
        pytest.param({"service_stickiness": {"seconds": 604801}}, "seconds is 604801; valid: 0", id="stickiness"),
        pytest.param({"service_hosts": [], "service_paths": []}, "both empty", id="no condition"),
        pytest.param(
            {"service_protocol_version": "HTTP2", "service_checks": [{"name": "smoke", "path": "/"}]},
            "service_checks: smoke is a request of HTTP/1.1, which the load balancer answers with 464",
            id="a check that the protocol does not take",
        ),
        pytest.param(
            {
                "service_protocol_version": "GRPC",
                "service_health_check": {"path": "/grpc.health.v1.Health/Check", "matcher": "0"},
                "service_version_probe": {"name": "version"},
            },
            "service_version_probe is a request of HTTP/1.1",
            id="a probe that gRPC does not take",
        ),
        pytest.param(
            {"service_minimum_healthy_percent": 100, "service_maximum_percent": 100},
            "no task could ever be replaced",
            id="percents that stall",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {}}]},
            "ebs of work: neither size_gib nor snapshot_id is set",
            id="a volume of no size",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 20000}}]},
            "size_gib is 20000; valid for type gp3: 1 to 16384",
            id="a volume that is too large",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10, "type": "st1"}}]},
            "size_gib is 10; valid for type st1: 125 to 16384",
            id="a volume that is too small",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10, "type": "io2"}}]},
            "type io2 needs iops",
            id="a volume without operations",
        ),
        pytest.param(
            {
                "service_volumes": [
                    {"name": "work", "path": "/work", "ebs": {"size_gib": 10, "type": "gp2", "iops": 3000}}
                ]
            },
            "type gp2 has none to choose",
            id="operations of gp2",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10, "iops": 9000}}]},
            "iops is 9000; 10 GiB of type gp3 have at most 5000",
            id="too many operations",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10, "throughput_mib": 2000}}]},
            "throughput_mib is 2000; valid for type gp3: 125 to 1000",
            id="throughput",
        ),
        pytest.param(
            {
                "service_volumes": [
                    {
                        "name": "work",
                        "path": "/work",
                        "ebs": {"size_gib": 10, "type": "io1", "iops": 500, "throughput_mib": 200},
                    }
                ]
            },
            "only type gp3 has one to choose",
            id="throughput of io1",
        ),
        pytest.param(
            {
                "service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10}}],
                "service_platform_version": "1.3.0",
            },
            "needs 1.4.0 or later",
            id="platform of a volume",
        ),
        pytest.param(
            {
                "service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10}}],
                "service_schedules": [{"name": "a", "expression": "rate(1 day)", "command": ["a"]}],
            },
            "no scheduled task would start",
            id="schedules with a volume",
        ),
        pytest.param(
            {"service_volumes": [{"name": name, "path": "/w", "ebs": {"size_gib": 1}} for name in ("a", "b")]},
            "a and b have ebs; a task on Fargate has one",
            id="two volumes",
        ),
        pytest.param(
            {"service_volumes": [{"name": "a", "path": "/w", "access_point": "a", "ebs": {"size_gib": 1}}]},
            "the volume has access_point too",
            id="a volume of both kinds",
        ),
        pytest.param({"service_environment": {"KEY": "x"}}, "KEY: in service_secrets and", id="a name twice"),
        pytest.param(
            {"service_task_role_arn": ROLE, "service_managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            "service_managed_policy_arns is set, and so is service_task_role_arn",
            id="a policy for a role of others",
        ),
        pytest.param(
            {"service_task_role_arn": ROLE, "service_task_policy_statements": [{"Effect": "Allow"}]},
            "service_task_policy_statements is set, and so is service_task_role_arn",
            id="statements for a role of others",
        ),
        pytest.param(
            {"service_sidecars": [{"name": "proxy", "image": "p", "memory": 1024}]},
            "service_memory is 512, and the containers reserve 1024 MiB (proxy 1024)",
            id="more memory than the task",
        ),
        pytest.param(
            {"service_container": {"cpu": 200}, "service_sidecars": [{"name": "proxy", "image": "p", "cpu": 100}]},
            "service_cpu is 256, and the containers reserve 300 CPU units (app 200, proxy 100)",
            id="more CPU than the task",
        ),
        pytest.param(
            {"service_sidecars": [{"name": "proxy", "image": "p", "ports": [8080]}]},
            "port 8080 is that of the containers app and proxy",
            id="a port twice",
        ),
        pytest.param(
            {"service_sidecars": [{"name": f"s{number}", "image": "p"} for number in range(10)]},
            "the task has 11 containers, and ECS takes 10",
            id="too many containers",
        ),
        pytest.param(
            {"service_sidecars": [{"name": "proxy", "image": "p", "mounts": [{"volume": "work", "path": "/w"}]}]},
            "container proxy: mounts 'work', and service_volumes has no such volume; there is none",
            id="a mount of nothing",
        ),
        pytest.param(
            {"service_volumes": [{"name": "work", "path": "/a"}, {"name": "work", "path": "/b"}]},
            "service_volumes: work is there twice",
            id="a volume twice",
        ),
        pytest.param(
            {
                "service_schedules": [
                    {"name": "report", "expression": "rate(1 day)", "command": ["r"], "container": "web"}
                ]
            },
            "service_schedules: container of report is 'web'; there is app",
            id="a schedule of another container",
        ),
        pytest.param(
            {"service_checks": [{"name": "migrate", "command": ["m"], "container": "web"}]},
            "service_checks: container of migrate is 'web'",
            id="a check of another container",
        ),
        pytest.param(
            {"service_sidecars": [{"name": "r", "image": "r", "firelens": {"options": {"config-file-type": "s3"}}}]},
            "container r: firelens.options.config-file-type is s3, which Fargate does not read",
            id="a file of FireLens in S3",
        ),
        pytest.param(
            {"service_container": {"log": {"options": {"awslogs-group": "/corp/web"}}}},
            "container app: log.options.awslogs-group is '/corp/web', and the service's execution role may write to the log group of",
            id="a log group of others for one container",
        ),
        pytest.param(
            {
                "service_container": {
                    "log": {"options": {"awslogs-datetime-format": "%Y", "awslogs-multiline-pattern": "^x"}}
                }
            },
            "container app: log.options has awslogs-datetime-format and awslogs-multiline-pattern",
            id="two patterns of an event",
        ),
        pytest.param(
            {"service_secrets": {"DB": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf:password"}},
            "service_secrets.DB names a part of a secret",
            id="a key without its two colons",
        ),
        pytest.param(
            {"service_container": {"log": {"driver": "splunk", "secret_options": {"splunk-token": "t0ken word"}}}},
            "container app: log.secret_options.splunk-token is neither an ARN",
            id="a secret of a log driver",
        ),
        pytest.param(
            {"service_desired_count": 1, "service_minimum_healthy_percent": 100, "service_maximum_percent": 150},
            "lets ECS stop none, and service_maximum_percent 150 start none besides",
            id="no room for a deployment",
        ),
        pytest.param(
            {"autoscaling_minimum": 1}, "autoscaling_minimum and autoscaling_maximum belong together", id="a bound"
        ),
        pytest.param(
            {**SCALED, "autoscaling_policies": [{"name": "b", "metric": "backlog", "target": 5}]},
            "autoscaling_policies.b: queue belongs to metric backlog",
            id="a backlog of no queue",
        ),
        pytest.param(
            {**SCALED, "autoscaling_policies": [{"name": "c", "metric": "cpu", "target": 150}]},
            "autoscaling_policies.c.target is 150; percents end at 100",
            id="a target that is never met",
        ),
        pytest.param(
            {**SCALED, "autoscaling_schedules": [{"name": "n", "when": "rate(1 day)", "timezone": "UTC"}]},
            "autoscaling_schedules.n sets neither minimum nor maximum",
            id="a schedule that does nothing",
        ),
        pytest.param(
            {
                "service_target_container": "proxy",
                "service_sidecars": [{"name": "nginx", "image": "n", "ports": [8080]}],
            },
            "service_target_container is 'proxy', and service_sidecars has no such container; there is nginx",
            id="requests to a container that is not there",
        ),
        pytest.param(
            {"service_target_container": "proxy", "service_sidecars": [{"name": "proxy", "image": "n", "ports": [80]}]},
            "whose ports do not hold service_port 8080",
            id="requests to a container without the port",
        ),
        pytest.param(
            {
                "service_target_container": "proxy",
                "service_sidecars": [{"name": "proxy", "image": "n", "ports": [8080], "essential": False}],
            },
            "the task would go on without requests",
            id="requests to a container that may end",
        ),
    ],
)
def test_a_finding(change: dict[str, Any], message: str) -> None:
    found = findings({**GOOD, **change})
    assert any(message in finding for finding in found), found


@pytest.mark.parametrize(
    "right",
    [
        {
            "service_memory": 1024,
            "service_sidecars": [{"name": "p", "image": "p", "memory": 2048, "memory_reservation": 256}],
        },
        {"service_desired_count": 2, "service_minimum_healthy_percent": 100, "service_maximum_percent": 150},
        {"service_desired_count": 1, "service_minimum_healthy_percent": 0, "service_maximum_percent": 150},
        {"service_desired_count": 0, "service_maximum_percent": 150},
        {
            "service_protocol_version": "GRPC",
            "service_health_check": {"path": "/grpc.health.v1.Health/Check", "matcher": None},
        },
        {**SCALED, "autoscaling_policies": [{"name": "b", "metric": "backlog", "target": 5, "queue": "mails"}]},
        {"service_secrets": {"DB": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf::AWSPREVIOUS:"}},
        {"service_schedules": [{"name": "r", "expression": "rate(1 day)", "command": ["r"]}]},
        {
            "service_target_container": "proxy",
            "service_sidecars": [
                {"name": "proxy", "image": "n", "ports": [8080], "mounts": [{"volume": "v", "path": "/v"}]}
            ],
            "service_volumes": [{"name": "v", "path": "/v"}],
        },
    ],
)
def test_what_ecs_takes_has_no_finding(right: dict[str, Any]) -> None:
    assert findings({**GOOD, **right}) == []


def test_a_pasted_secret_is_not_repeated() -> None:
    (found,) = findings({**GOOD, "service_secrets": {"KEY": "p4ss word!"}})
    assert found.startswith("service_secrets.KEY is neither")
    assert "p4ss" not in found


def test_all_findings_come_at_once() -> None:
    assert len(findings({**GOOD, "service_port": 0, "service_memory": 1, "service_name": "X"})) == 3


def test_variables_that_no_role_knows_are_named_with_the_nearest_known_one() -> None:
    roles = ROLES
    names = ["service_prot", "network_natt", "registry_image", "__service_found", "someone_elses", "service_port"]
    assert unknown(names, roles) == [
        "network_natt is no variable of pear.fargate; did you mean network_nat?",
        "service_prot is no variable of pear.fargate; did you mean service_port?",
    ]


def test_two_services_do_not_ask_for_the_same_priorities() -> None:
    def of_one(**priorities: Any) -> list[str]:
        return rivals({host: {"service_priority": priority} for host, priority in priorities.items()})

    assert of_one(shop=30, scores=10, admin=20, later=None) == []
    (message,) = of_one(shop=21, scores=10, admin=20)
    assert message.startswith("service_priority of admin is 20, and that of shop is 21;")
    assert len(of_one(shop=20, scores=20, admin=20)) == 2
    assert len(rivals({"shop": {}, "admin": {"service_priority": 9}}, default=10)) == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param({}, {}, True, id="one environment"),
        pytest.param({}, {"environment_name": "staging"}, False, id="two environments"),
        pytest.param({}, {"environment_region": "eu-west-1"}, False, id="one name in two regions"),
        pytest.param(
            {"load_balancer_existing": "arn:shared"},
            {"load_balancer_existing": "arn:shared", "environment_name": "staging"},
            True,
            id="two environments behind one load balancer of others",
        ),
        pytest.param(
            {"load_balancer_existing": "arn:public"},
            {"load_balancer_existing": "arn:internal"},
            False,
            id="two of others",
        ),
    ],
)
def test_services_are_rivals_in_one_listener_only(first: dict[str, Any], second: dict[str, Any], same: bool) -> None:
    place = {"environment_name": "production", "environment_region": "eu-central-1", "service_priority": 100}
    assert bool(rivals({"shop": {**place, **first}, "admin": {**place, **second}})) == same


def test_one_host_stands_for_each_environment() -> None:
    places = {"shop": ("staging", "a"), "scores": ("staging", "a"), "admin": ("staging", "b"), "idle": ("other", "a")}
    hostvars = {host: {"environment_name": name, "environment_region": at} for host, (name, at) in places.items()}
    assert one_host_of_each_environment(hostvars, ["scores", "shop", "admin"]) == ["scores", "admin"]


def test_types_are_checked_and_applied() -> None:
    service = ROLES["service"]
    values, problems = validate(service, {**GOOD, "environment_region": "eu-central-1", "service_port": "8080"})
    assert problems == []
    assert values["service_port"] == 8080
    _, problems = validate(service, {"environment_region": "eu-central-1", "service_desired_count": "many"})
    assert len(problems) == 2


@pytest.mark.parametrize(
    "role", sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
)
def test_a_role_describes_every_variable_that_it_has_a_default_for(role: str) -> None:
    read = read_roles(DataLoader(), Path(ROOT) / "roles")[role]
    assert set(read.defaults) <= set(read.options)


def test_a_prebuilt_image_needs_nothing_to_build() -> None:
    registry = ROLES["registry"]
    values = {**registry.defaults, "environment_name": "production", "service_image": "nginx@sha256:" + "0" * 64}
    assert validate(registry, values)[1] == []


VOLUME = {"name": "data", "path": "/data", "access_point": "scores"}
ALONE = {
    **GOOD,
    "service_volumes": [VOLUME],
    "service_desired_count": 1,
    "service_strategy": "rolling",
    "service_single_writer": True,
}
MANY = {**ALONE, "service_single_writer": False}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"service_desired_count": 2}, "up to 4 tasks write", id="two tasks"),
        pytest.param({"service_strategy": "canary"}, "up to 2 tasks write", id="one task of each colour"),
        pytest.param({"service_strategy": "canary"}, "until its rollback window is over", id="and for how long"),
        pytest.param({"service_maximum_percent": 200}, "up to 2 tasks write", id="old beside new in a deployment"),
        pytest.param({"service_maximum_percent": 100}, "is still stopping", id="new beside one that stops"),
        pytest.param({"autoscaling_maximum": 5}, "autoscaling_maximum is 5", id="as many as autoscaling starts"),
        pytest.param(
            {"autoscaling_schedules": [{"name": "sale", "maximum": 9}]},
            "autoscaling_schedules sale is 9",
            id="at times",
        ),
    ],
)
def test_tasks_that_share_writable_files_are_warned_about(change: dict[str, Any], told: str) -> None:
    (warning,) = warnings({**MANY, **change})
    assert "data at /data" in warning
    assert told in warning


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        ({"autoscaling_minimum": 0, "autoscaling_maximum": 9}, True),
        ({"autoscaling_minimum": 0, "autoscaling_schedules": [{"name": "day", "minimum": 1}]}, False),
        ({"autoscaling_minimum": 1, "autoscaling_maximum": 9}, False),
        ({}, False),
    ],
)
def test_a_service_that_could_never_start_again_is_warned_about(change: dict[str, Any], warned: bool) -> None:
    assert any("once none runs none is started" in told for told in warnings({**GOOD, **change})) is warned


@pytest.mark.parametrize(
    ("change", "blind"),
    [
        pytest.param({"service_gates": {"errors": {}}}, "service_gates.errors", id="a gate"),
        pytest.param(
            {"service_slos": [{"name": "served", "target_percent": 99}]}, "service_slos served", id="a budget"
        ),
        pytest.param({"service_gates": {"metrics": [{"name": "failed"}], "errors": None}}, "", id="a metric"),
        pytest.param(
            {"service_slos": [{"name": "fast", "target_percent": 99, "threshold_seconds": 1}]}, "", id="response times"
        ),
    ],
)
def test_what_judges_by_statuses_of_http_is_warned_about_where_errors_are_those_of_grpc(
    change: dict[str, Any], blind: str
) -> None:
    told = [*warnings({**GOOD, "service_protocol_version": "GRPC", **change})]
    assert [f"counts for {blind} as no error" in warning for warning in told] == ([True] if blind else [])
    assert not [*warnings({**GOOD, **change})]


def test_one_writer_at_a_time_is_no_warning_nor_are_files_that_may_be_shared() -> None:
    assert not [*warnings(ALONE)]
    many = {**MANY, "service_desired_count": 2}
    assert not [*warnings({**many, "service_volumes": [{**VOLUME, "read_only": True}]})]
    assert not [*warnings({**many, "service_volumes": [{**VOLUME, "shared": True}]})]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({"service_desired_count": 2}, "service_desired_count is 2", id="two tasks"),
        pytest.param(
            {"autoscaling_minimum": 1, "autoscaling_maximum": 1},
            "autoscaling_minimum and autoscaling_maximum are set",
            id="autoscaling",
        ),
        pytest.param(
            {**SCALED, "autoscaling_policies": [{"name": "cpu", "metric": "cpu", "target": 50}]},
            "autoscaling_policies are set",
            id="policy",
        ),
        pytest.param(
            {**SCALED, "autoscaling_schedules": [{"name": "day", "maximum": 1}]},
            "autoscaling_schedules are set",
            id="schedule",
        ),
        pytest.param({"service_strategy": "canary"}, "service_strategy is canary", id="canary"),
        pytest.param({"service_strategy": "linear"}, "service_strategy is linear", id="linear"),
    ],
)
def test_what_contradicts_one_writer_is_refused_by_name(change: dict[str, Any], found: str) -> None:
    (finding,) = findings({**ALONE, **change})
    assert found in finding and "service_single_writer is true" in finding
    assert not findings(ALONE)
    assert not findings({**MANY, **change})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"service_checks": [{"name": "schema", "command": ["migrate"]}]}, "schema", id="one-off task"),
        pytest.param({"service_schedules": [{"name": "cleaning", "command": ["clean"]}]}, "cleaning", id="schedule"),
        pytest.param({"service_gates": {"alarms": ["errors"]}}, "alarms holds errors", id="alarm of the downtime"),
    ],
)
def test_what_runs_beside_one_writer_or_judges_its_downtime_is_warned_about(change: dict[str, Any], told: str) -> None:
    (warning,) = warnings({**ALONE, **change})
    assert told in warning


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"image": ""}, "without an image", id="no image"),
        pytest.param({"memory_mib": 512}, "memory_mib is 512 of service_memory 512", id="all of the memory"),
        pytest.param({"metrics": ["("]}, "no regular expression", id="a broken pattern"),
        pytest.param({"dimensions": ["route"]}, "lists of labels", id="a label that is no list"),
    ],
)
def test_a_collector_that_could_not_work_is_found_before_anything_is_made(change: dict[str, Any], named: str) -> None:
    collector = {"enabled": True, "image": "collector@sha256:1"}
    assert findings({**GOOD, "service_collector": collector}) == []
    (found,) = findings({**GOOD, "service_collector": {**collector, **change}})
    assert named in found
    assert findings({**GOOD, "service_collector": {**collector, **change, "enabled": False}}) == []


def test_an_app_cannot_have_the_port_of_its_collector() -> None:
    collector = {"enabled": True, "image": "collector@sha256:1"}
    (found,) = findings({**GOOD, "service_collector": collector, "service_port": 4318})
    assert "service_port is 4318" in found


def test_slow_start_goes_with_round_robin_only() -> None:
    slow = {"service_slow_start_seconds": 60, "service_algorithm": "least_outstanding_requests"}
    (found,) = findings({**GOOD, **slow})
    assert "slow start exists with round_robin only" in found
    assert not findings({**GOOD, **slow, "service_algorithm": "round_robin"})
    assert not findings({**GOOD, **slow, "service_slow_start_seconds": 0})


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        pytest.param({"host": "PGHOST", "password": "PGPASSWORD"}, True, id="injected at the start only"),
        pytest.param({"password": "PGPASSWORD", "secret_arn": "DB_SECRET_ARN"}, False, id="read when it connects"),
        pytest.param({"host": "PGHOST"}, False, id="no password"),
    ],
)
def test_a_password_that_rotates_under_running_tasks_is_said(variables: dict[str, str], warned: bool) -> None:
    told = [*warnings({"service_database": True, "service_database_variables": variables})]
    assert bool(told) is warned
    assert not [*warnings({"service_database": False, "service_database_variables": variables})]


@pytest.mark.parametrize(
    ("role", "given", "told"),
    [
        (
            "load_balancer",
            {"load_balancer_existing": "arn:x", "load_balancer_idle_timeout_seconds": 90},
            "_seconds has",
        ),
        (
            "network",
            {"network_existing": {"vpc_id": "vpc-1"}, "network_nat": "none", "network_cidr": "10.0.0.0/16"},
            "network_cidr, network_nat have no effect: network_existing",
        ),
        ("service", {"service_log_group": "/theirs", "service_log_retention_days": 400}, "service_log_retention_days"),
        # Both of these are as good as unsaid.
        ("load_balancer", {"load_balancer_existing": "", "load_balancer_idle_timeout_seconds": 90}, ""),
        ("load_balancer", {"load_balancer_existing": "arn:x", "load_balancer_idle_timeout_seconds": 60}, ""),
        ("network", {"network_existing": {}, "network_nat": "none"}, ""),
        # A rule stands in front of a load balancer of others too.
        ("load_balancer", {"load_balancer_existing": "arn:x", "load_balancer_domain": "example.com"}, ""),
    ],
)
def test_what_something_of_others_leaves_without_effect_is_named(role: str, given: dict[str, Any], told: str) -> None:
    own = ROLES[role]
    # ansible-core cannot fill a secret dictionary that is left out; the role has a default.
    values, _mistyped = validate(own, {"load_balancer_certificate_pem": {}, **given})
    found = without_effect(own, values, given)
    assert any(told in sentence for sentence in found) if told else found == []


def test_what_has_no_effect_is_a_variable_of_its_role() -> None:
    for existing, options in OF_OUR_OWN.items():
        (role,) = [role for name, role in ROLES.items() if existing.startswith(f"{name}_")]
        assert {f"{role.name}_{option}" for option in options} <= set(role.options)
