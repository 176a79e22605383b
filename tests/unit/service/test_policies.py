"""Least privilege: the roles of a service hold exactly what its tasks need."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.task_definition import register_request
from ansible_collections.pear.fargate.plugins.module_utils.service.policies import (
    execution_policy,
    registered_environment_files,
    registered_images,
    registered_log_groups,
    registered_secrets,
    secret_arn,
    secrets_of,
    task_policy,
    trust_policy,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.values import (
    database_environment,
    database_secrets,
    task_volumes,
    urls,
    volume_mounts,
)

PLACE = ArnScope("eu-central-1", "123456789012")
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database-AbCdEf"
GRANTED = [SECRET, f"{SECRET}-??????"]
FILES = {"id": "fs-1", "access_points": {"scores": "fsap-1"}}


def by_sid(policy: dict[str, Any] | None) -> dict[str, Any]:
    assert policy is not None
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_only_tasks_of_this_account_and_region_take_the_role() -> None:
    (statement,) = trust_policy(PLACE)["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:ecs:eu-central-1:123456789012:*"}


def test_the_execution_role_pulls_its_image_writes_its_log_and_reads_its_secrets() -> None:
    policy = execution_policy(
        PLACE,
        "/pear/local/app",
        repositories=["app"],
        images=["999999999999.dkr.ecr.us-east-1.amazonaws.com/shared/agent:1", "nginx:1.27", ""],
        containers=[{"secrets": {"URL": f"{SECRET}:url::", "TOKEN": "/app/token"}}],
        kms_keys=["arn:aws:kms:eu-central-1:123456789012:key/1"],
    )
    granted = {sid: statement["Resource"] for sid, statement in by_sid(policy).items()}
    assert granted == {
        "Log": ["arn:aws:logs:eu-central-1:123456789012:log-group:/pear/local/app:*"],
        "Login": ["*"],
        "Pull": [
            "arn:aws:ecr:eu-central-1:123456789012:repository/app",
            "arn:aws:ecr:us-east-1:999999999999:repository/shared/agent",
        ],
        "Secrets": GRANTED,
        "Parameters": ["arn:aws:ssm:eu-central-1:123456789012:parameter/app/token"],
        "Decrypt": ["arn:aws:kms:eu-central-1:123456789012:key/1"],
    }


def test_a_service_without_secrets_may_read_none() -> None:
    assert set(by_sid(execution_policy(PLACE, "/pear/local/app", repositories=["app"]))) == {"Log", "Login", "Pull"}


@pytest.mark.parametrize(
    ("source", "arn"),
    [
        (SECRET, SECRET),
        (f"{SECRET}:key:AWSCURRENT:", SECRET),
        ("token", "arn:aws:ssm:eu-central-1:123456789012:parameter/token"),
        ("arn:aws:ssm:eu-central-1:1:parameter/x", "arn:aws:ssm:eu-central-1:1:parameter/x"),
    ],
)
def test_where_a_secret_is(source: str, arn: str) -> None:
    assert secret_arn(source, PLACE) == arn


def test_a_task_role_without_need_has_no_policy() -> None:
    assert task_policy(PLACE) is None


@pytest.mark.parametrize(
    ("read_only", "actions"),
    [
        ([], ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]),
        (["data"], ["elasticfilesystem:ClientMount"]),
    ],
)
def test_a_mount_is_granted_through_its_access_point_only(read_only: list[str], actions: list[str]) -> None:
    volumes = task_volumes(
        [{"name": "data", "path": "/data", "access_point": "scores"}, {"name": "tmp", "path": "/t"}], FILES
    )
    statement = by_sid(task_policy(PLACE, volumes=volumes, read_only=read_only))["MountData"]
    assert statement["Action"] == actions
    assert statement["Resource"] == ["arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1"]
    assert statement["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"].endswith("access-point/fsap-1")


@pytest.mark.parametrize(("file_system", "message"), [(FILES, "it has scores"), (None, "has no file system")])
def test_an_access_point_that_does_not_exist_is_named(file_system: dict[str, Any] | None, message: str) -> None:
    volumes = [{"name": "data", "path": "/data", "access_point": "nope"}]
    with pytest.raises(ValueError, match=message):
        task_volumes(volumes, file_system)
    assert task_volumes(volumes, None, lenient=True)[0]["access_point_id"] == "(to be created)"
    assert volume_mounts(volumes) == [{"volume": "data", "path": "/data", "read_only": False}]


@pytest.mark.parametrize(
    ("hosts", "paths", "answers_at"),
    [
        (["scores.example.com"], ["/*"], ["https://scores.example.com/"]),
        ([], ["/api/*"], ["https://lb.example.com/api/"]),
        (["*.example.com"], ["/*"], ["https://lb.example.com/"]),
    ],
)
def test_where_a_service_answers(hosts: list[str], paths: list[str], answers_at: list[str]) -> None:
    assert urls({"dns_name": "lb.example.com"}, hosts, paths) == answers_at


@pytest.mark.parametrize(
    ("ports", "answers_at"),
    [
        pytest.param({"http": 80, "https": 443}, "https://a.example.com/", id="usual ports are not said"),
        pytest.param({"https": 8443}, "https://a.example.com:8443/", id="a listener of others on another port"),
        pytest.param({"http": 80}, "http://a.example.com/", id="a listener of others without TLS"),
        pytest.param({}, "https://a.example.com/", id="not read"),
    ],
)
def test_an_address_has_the_listener_s_protocol_and_port(ports: dict[str, int], answers_at: str) -> None:
    assert urls({"dns_name": "lb.example.com", "ports": ports}, ["a.example.com"], ["/*"]) == [answers_at]


DATABASE = {"host": "db.example.com", "port": 5432, "database_name": "app", "secret_arn": SECRET}
NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}


def test_a_service_is_told_where_its_database_is_and_is_given_its_owner_as_secrets() -> None:
    assert database_environment(DATABASE, NAMES) == {
        "PGHOST": "db.example.com",
        "PGPORT": "5432",
        "PGSSLMODE": "require",
    }
    assert database_secrets(DATABASE, NAMES) == {
        "PGUSER": f"{SECRET}:username::",
        "PGPASSWORD": f"{SECRET}:password::",
    }
    assert database_environment(DATABASE, {"secret_arn": "DB_SECRET"}) == {"DB_SECRET": SECRET}


def test_its_execution_role_reads_exactly_that_secret_and_its_task_role_only_where_it_is_named() -> None:
    secrets = database_secrets(DATABASE, NAMES)
    granted = execution_policy(PLACE, "/pear/local/app", containers=[{"secrets": secrets}])["Statement"]
    (reads,) = [statement for statement in granted if statement["Sid"] == "Secrets"]
    assert reads["Resource"] == GRANTED
    assert task_policy(PLACE) is None
    policy = task_policy(PLACE, secrets=[SECRET])
    assert policy and policy["Statement"][0]["Resource"] == [SECRET]


def test_without_a_database_a_service_that_wants_one_is_refused_but_in_check_mode() -> None:
    with pytest.raises(ValueError, match="Set database_enabled"):
        database_environment(None, NAMES)
    assert database_secrets(None, NAMES, lenient=True) == {}
    assert database_environment(None, {}, lenient=True) == {}


def test_two_containers_that_use_one_name_read_both_secrets_and_all_else_that_ecs_hands_over() -> None:
    other, registry = SECRET.replace("database", "proxy"), SECRET.replace("database", "registry")
    containers = [
        {"secrets": {"API_KEY": SECRET}, "environment_files": ["arn:aws:s3:::corp/app.env"]},
        {"secrets": {"API_KEY": other}, "repository_credentials": registry},
        {"log": {"driver": "splunk", "secret_options": {"splunk-token": "/splunk/token"}}},
    ]
    granted = {
        one["Sid"]: one for one in execution_policy(PLACE, "/pear/local/app", containers=containers)["Statement"]
    }
    named = (SECRET, other, registry)
    assert granted["Secrets"]["Resource"] == sorted([*named, *(f"{arn}-??????" for arn in named)])
    assert granted["Parameters"]["Resource"] == ["arn:aws:ssm:eu-central-1:123456789012:parameter/splunk/token"]
    assert granted["EnvironmentFiles"]["Resource"] == ["arn:aws:s3:::corp/app.env"]
    assert granted["EnvironmentFileBuckets"]["Resource"] == ["arn:aws:s3:::corp"]


@pytest.mark.parametrize(
    ("named", "granted"),
    [
        ("database-AbCdEf", ["database-AbCdEf", "database-AbCdEf-??????"]),
        ("database-AbCdEf:key:AWSPREVIOUS:", ["database-AbCdEf", "database-AbCdEf-??????"]),
        ("database", ["database-??????"]),
        # Names that end as a suffix of AWS's does.
        ("prod/db-202401", ["prod/db-202401", "prod/db-202401-??????"]),
        ("prod/app-ApiKey", ["prod/app-ApiKey", "prod/app-ApiKey-??????"]),
        ("team-secret", ["team-secret", "team-secret-??????"]),
    ],
)
def test_a_secret_without_its_six_characters_is_granted_with_any(named: str, granted: list[str]) -> None:
    begin = "arn:aws:secretsmanager:us-east-1:210987654321:secret:"
    (statement,) = [
        one
        for one in execution_policy(PLACE, "/pear/local/app", secrets=[begin + named])["Statement"]
        if one["Sid"] == "Secrets"
    ]
    assert statement["Resource"] == sorted(begin + name for name in granted)


def test_what_a_registered_revision_reads_is_what_its_containers_were_given() -> None:
    containers = [
        {"name": "app", "image": "i", "secrets": {"A": SECRET}, "repository_credentials": f"{SECRET}r"},
        {"name": "log", "image": "l", "log": {"driver": "splunk", "options": {}, "secret_options": {"t": "/t"}}},
        {"name": "env", "image": "e", "environment_files": ["arn:aws:s3:::corp/app.env"]},
    ]
    spec = {"family": "f", "cpu": 256, "memory": 512, "log_group": "g", "region": "r", "containers": containers}
    definition = register_request(spec)
    assert sorted(registered_secrets(definition)) == sorted(secrets_of(containers))
    assert registered_environment_files(definition) == ["arn:aws:s3:::corp/app.env"]
    assert registered_images(definition) == ["i", "l", "e"]
    # Splunk is no log group.
    assert registered_log_groups(definition) == ["g", "g"]


def test_the_role_may_start_what_the_inventory_no_longer_names() -> None:
    before = {
        "images": ["123456789012.dkr.ecr.eu-central-1.amazonaws.com/former@sha256:" + 64 * "1"],
        "log_groups": ["/former", "/pear/local/app"],
        "environment_files": ["arn:aws:s3:::former/app.env"],
    }
    containers = [{"environment_files": ["arn:aws:s3:::corp/app.env"]}]
    policy = execution_policy(PLACE, "/pear/local/app", repositories=["app"], containers=containers, **before)  # type: ignore[arg-type]
    granted = {sid: statement["Resource"] for sid, statement in by_sid(policy).items()}
    log = "arn:aws:logs:eu-central-1:123456789012:log-group"
    repository = "arn:aws:ecr:eu-central-1:123456789012:repository"
    assert granted == {
        "Log": [f"{log}:/former:*", f"{log}:/pear/local/app:*"],
        "Login": ["*"],
        "Pull": [f"{repository}/app", f"{repository}/former"],
        "EnvironmentFiles": ["arn:aws:s3:::corp/app.env", "arn:aws:s3:::former/app.env"],
        "EnvironmentFileBuckets": ["arn:aws:s3:::corp", "arn:aws:s3:::former"],
    }


def test_a_worker_may_protect_tasks_of_its_own_cluster_only() -> None:
    granted = by_sid(task_policy(PLACE, protects_tasks_of="production"))["ProtectTasks"]
    assert granted["Action"] == ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
    assert granted["Resource"] == ["arn:aws:ecs:eu-central-1:123456789012:task/production/*"]
