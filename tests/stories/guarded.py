"""An environment whose playbooks run with the deployer's roles, in an account that was empty before."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.support.plays import Player, PlayResult

from .conftest import Stage

ACCOUNT, REGION = "123456789012", "eu-central-1"
NAME = "guarded"
QUEUE = "told-of-releases"
KINDS = ("read-only", "exec", "rollback", "release", "gameday", "provision", "destroy")
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/guarded-boundary"
# What an administrator does once: no playbook of a deployer makes roles of deployers.
DEPLOYERS = """
- name: Roles of deployers
  hosts: environment
  gather_facts: false
  module_defaults:
    group/pear.fargate.aws: {region: "{{ environment_region }}"}
    group/amazon.aws.aws: {region: "{{ environment_region }}"}
  roles:
    - pear.fargate.deployer
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}


@dataclass(frozen=True)
class Guarded:
    """The environment with everything that needs permissions of its own, and a player per role."""

    stage: Stage
    folder: Path
    values: dict[str, Any]

    def run(self, kind: str, playbook: str, check: bool = False, **more: Any) -> PlayResult:
        """A playbook with exactly the role of a kind of deployer."""
        return self.player(kind).run(f"playbooks/{playbook}.yml", variables={**self.values, **more}, check=check)

    def player(self, kind: str) -> Player:
        return Player({**self.stage.environment, **self._credentials(kind)})

    def client(self, kind: str, service: str) -> Any:
        found = self._credentials(kind)
        session = boto3.Session(
            found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"], REGION
        )
        client: Any = session.client
        return client(service, endpoint_url=self.stage.environment["AWS_ENDPOINT_URL"])

    def _credentials(self, kind: str) -> dict[str, str]:
        return credentials(self.stage, NAME, kind)

    def services(self) -> list[dict[str, Any]]:
        """The ECS services of both colours."""
        names = ["scoreboard-blue", "scoreboard-green"]
        services: list[dict[str, Any]] = self.stage.client("ecs").describe_services(cluster=NAME, services=names)[
            "services"
        ]
        return services

    def told(self) -> list[dict[str, str]]:
        """What the topic of releases was told since the last look: the facts of each message."""
        sqs, facts = self.stage.client("sqs"), []
        queue = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                told = json.loads(json.loads(message["Body"])["Message"])
                facts.append(told["metadata"]["additionalContext"])
        return sorted(facts, key=lambda fact: fact["at"])

    def refused(self) -> list[str]:
        return refused(self.stage, NAME)


def credentials(stage: Stage, environment: str, kind: str) -> dict[str, str]:
    """Of the role of a kind of deployer, as variables of a shell."""
    role = f"arn:aws:iam::{ACCOUNT}:role/pear-deployer-{environment}-{REGION}-{kind}"
    deadline = time.monotonic() + 60
    while True:
        try:
            taken = stage.client("sts").assume_role(RoleArn=role, RoleSessionName=kind)["Credentials"]
            break
        except ClientError:
            # A role that was just made is not known everywhere.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    return {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
    }


def refused(stage: Stage, environment: str) -> list[str]:
    """What the sandbox has refused to callers of an environment's deployers, as action and resource."""
    with urllib.request.urlopen(stage.environment["AWS_ENDPOINT_URL"] + "/_sandbox/decisions") as answer:
        decisions = json.load(answer)["decisions"]
    mine = f":assumed-role/pear-deployer-{environment}-"
    return [f"{one['action']} {one['resource']}" for one in decisions if mine in one["caller"] and not one["allowed"]]


def prepare(stage: Stage, folder: Path) -> Guarded:
    """The account as an administrator prepares it: a key, a zone, a web ACL, a boundary, and the roles of the deployers."""
    key = stage.client("kms").create_key()["KeyMetadata"]["Arn"]
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": NAME}
    acl = stage.client("wafv2").create_web_acl(
        Name=NAME, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible
    )["Summary"]["ARN"]
    stage.client("sqs").create_queue(QueueName=QUEUE)
    stage.client("route53").create_hosted_zone(Name="guarded.example.test", CallerReference=NAME)
    iam = stage.client("iam")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.create_policy(PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=json.dumps(everything))
    for page in iam.get_paginator("list_roles").paginate(PathPrefix="/aws-service-role/"):
        for role in page["Roles"]:
            iam.delete_service_linked_role(RoleName=role["RoleName"])
    guarded = Guarded(stage, folder, _values(key, acl))
    make_deployers(stage, folder, guarded.values, KINDS)
    again = make_deployers(stage, folder, guarded.values, KINDS)
    assert again.changed == 0, again.output
    return guarded


def make_deployers(stage: Stage, folder: Path, values: dict[str, Any], kinds: Sequence[str]) -> PlayResult:
    playbook = folder / "deployers.yml"
    playbook.write_text(DEPLOYERS)
    roles = {"deployer_roles": list(kinds), "deployer_trust_policy": TRUST, "deployer_services": ["scoreboard"]}
    return Player(stage.environment).run(str(playbook), variables={**values, **roles}).succeeded()


def _values(key: str, acl: str) -> dict[str, Any]:
    return {
        "environment_name": NAME,
        "environment_permissions_boundary": BOUNDARY,
        "network_cidr": "10.60.0.0/16",
        "network_flow_log_days": 7,
        "load_balancer_domain": "guarded.example.test",
        "load_balancer_access_logs_create": True,
        "load_balancer_access_logs_bucket": "guarded-access-logs",
        "load_balancer_web_acl_arn": acl,
        "load_balancer_further": [
            {"name": "inner"},
            {"name": "edge", "type": "network", "clients": [{"ports": ["7100"]}]},
        ],
        "dns_zone": "guarded.example.test",
        "dns_health_check": {"host": "scores.guarded.example.test", "path": "/readyz"},
        "cluster_ledger_kms_key_arn": key,
        "database_enabled": True,
        "database_deletion_protection": False,
        "database_kms_key_arn": key,
        "database_secret_kms_key_arn": key,
        "file_system_kms_key_arn": key,
        "file_system_backup_plan": [{"name": "daily", "keep_days": 30}],
        "file_system_backup_kms_key_arn": key,
        "service_log_kms_key_arn": key,
        "service_desired_count": 1,
        "service_slos": [
            {"name": "availability", "target_percent": 90.0},
            {"name": "latency", "target_percent": 50.0, "threshold_seconds": 5.0},
        ],
        "service_database_variables": {},
        "service_enable_execute_command": True,
        "service_schedules": [{"name": "clean", "expression": "rate(1 day)", "command": ["python3", "-c", "pass"]}],
        "monitoring_topic_kms_key_arn": key,
        "monitoring_subscriptions": [
            {"protocol": "email", "endpoint": "team@example.test"},
            {"protocol": "sqs", "endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QUEUE}", "severities": ["releases"]},
        ],
        "environment_release_topic": True,
        "service_report_url": "https://reports.example.test/{service}/{release}.html",
        "autoscaling_minimum": 1,
        "autoscaling_maximum": 2,
        "autoscaling_policies": [{"name": "cpu", "metric": "cpu", "target": 60}],
        "autoscaling_schedules": [{"name": "morning", "when": "cron(0 7 * * ? *)", "minimum": 1}],
    }
