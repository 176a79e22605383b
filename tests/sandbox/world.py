"""A VPC, a load balancer, a cluster and an image on the sandbox, made with plain boto3 for the tests to stand on."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.config import REPOSITORY
from tests.sandbox.conftest import Running
from tests.support.waiting import eventually

# A server in a few lines: what it answers is steered by its environment.
SERVER = """
import http.server, json, os, signal, sys, time
started = time.time()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status = int(os.environ.get("STATUS", "200"))
        if "/sleep/" in self.path:
            time.sleep(float(self.path.rpartition("/")[2]))
        if self.path.endswith("/close"):
            self.close_connection = True
            return
        body = json.dumps({"version": os.environ.get("VERSION"), "path": self.path, "environment": dict(os.environ),
                           "headers": dict(self.headers), "user": os.getuid()}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", os.environ.get("VERSION", ""))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        print("GET", self.path, flush=True)
def end(number, frame):
    print("got SIGTERM", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("listening", flush=True)
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""


TASK_SETTINGS = ("volumes", "cpu", "memory", "taskRoleArn", "executionRoleArn")


@dataclass
class World:
    """What the tests of services share."""

    running: Running
    subnets: list[str]
    balancer: dict[str, Any]
    listener_arn: str
    image: str
    role: str

    def client(self, service: str) -> Any:
        return self.running.client(service)

    @property
    def address(self) -> str:
        return str(self.balancer["DNSName"])

    def target_group(self, name: str, path: str, **settings: Any) -> str:
        """A target group that a rule with this path prefix forwards to."""
        elbv2 = self.client("elbv2")
        group = elbv2.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=8080,
            VpcId=self.balancer["VpcId"],
            TargetType="ip",
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
            **settings,
        )["TargetGroups"][0]["TargetGroupArn"]
        elbv2.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
        )
        used = elbv2.describe_rules(ListenerArn=self.listener_arn)["Rules"]
        elbv2.create_rule(
            ListenerArn=self.listener_arn,
            Priority=len(used) + 10,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"{path}*"]}}],
            Actions=[
                {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group, "Weight": 100}]}}
            ],
        )
        return str(group)

    def define(self, family: str, environment: dict[str, str] | None = None, **container: Any) -> str:
        """Register a task definition with one container named app."""
        task = {key: container.pop(key) for key in TASK_SETTINGS if key in container}
        definition = {
            "name": "app",
            "image": self.image,
            "entryPoint": ["python3", "-u", "-c"],
            "command": [SERVER],
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": key, "value": value} for key, value in (environment or {}).items()],
            "stopTimeout": 5,
            **container,
        }
        extra = definition.pop("sidecars", [])
        return str(
            self.client("ecs").register_task_definition(
                family=family,
                cpu=task.pop("cpu", "256"),
                memory=task.pop("memory", "512"),
                networkMode="awsvpc",
                requiresCompatibilities=["FARGATE"],
                executionRoleArn=task.pop("executionRoleArn", self.role),
                containerDefinitions=[definition, *extra],
                **task,
            )["taskDefinition"]["taskDefinitionArn"]
        )

    def create_service(self, name: str, definition: str, group: str | None, desired: int = 1, **settings: Any) -> None:
        balancers = [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}] if group else []
        self.client("ecs").create_service(
            cluster="tests",
            serviceName=name,
            taskDefinition=definition,
            desiredCount=desired,
            launchType="FARGATE",
            loadBalancers=balancers,
            networkConfiguration={"awsvpcConfiguration": {"subnets": self.subnets}},
            **settings,
        )

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("ecs").describe_services(cluster="tests", services=[name])["services"][0]
        return found

    def steady(self, name: str) -> bool:
        """One deployment, completed, and every task that it should have runs: COMPLETED alone outlives its tasks."""
        service = self.service(name)
        return (
            len(service["deployments"]) == 1
            and service["deployments"][0]["rolloutState"] == "COMPLETED"
            and service["pendingCount"] == 0
            and service["runningCount"] == service["desiredCount"]
        )

    def healthy(self, group: str) -> int:
        """How many targets of a target group are healthy, none of the others being there still."""
        found = self.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        states = [one["TargetHealth"]["State"] for one in found]
        return len(states) if set(states) <= {"healthy"} else 0

    def tasks(self, name: str, status: str = "RUNNING") -> list[dict[str, Any]]:
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster="tests", serviceName=name, desiredStatus=status)["taskArns"]
        return ecs.describe_tasks(cluster="tests", tasks=arns)["tasks"] if arns else []

    def delete_service(self, name: str) -> None:
        self.client("ecs").delete_service(cluster="tests", service=name, force=True)
        eventually(lambda: self.service(name)["status"] == "INACTIVE", timeout=240, message=f"{name} ends")


def build(running: Running) -> World:
    ec2, elbv2, ecs, ecr = (running.client(one) for one in ("ec2", "elbv2", "ecs", "ecr"))
    vpc = ec2.create_vpc(CidrBlock="10.10.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.10.{n}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("abc")
    ]
    balancer = elbv2.create_load_balancer(Name="tests", Subnets=subnets)["LoadBalancers"][0]
    elbv2.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[balancer["LoadBalancerArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no rule"},
            }
        ],
    )["Listeners"][0]["ListenerArn"]
    ecs.create_cluster(clusterName="tests")
    # A role that was just made cannot be assumed; while the image is pushed it gets older.
    role = make_role(running, "tasks", "ecs-tasks.amazonaws.com")
    repository = ecr.create_repository(repositoryName="app")["repository"]["repositoryUri"]
    image = push_base(running, f"{repository}:1")
    return World(running, subnets, balancer, listener, image, role)


def make_role(running: Running, name: str, service: str = "", **statement: Any) -> str:
    """A role that a service, or the account, may assume; it may do everything where no statement says less. Its ARN."""
    principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{running.settings.account}:root"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"} | statement
    iam = running.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name,
        PolicyName="allowed",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    return str(role)


def push_base(running: Running, reference: str) -> str:
    """Push the base image under a reference; return the reference by digest."""
    environment = running.settings.environment()
    base = "localhost/pear/base:bookworm"
    subprocess.run(
        [REPOSITORY / "examples/base/build.sh", base], env={**_path(), **environment}, check=True, capture_output=True
    )
    login(running)
    running.engine.call("tag", base, reference)
    running.engine.call("push", reference)
    repository, _, tag = reference.partition("/")[2].rpartition(":")
    image = running.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])[
        "imageDetails"
    ][0]
    return f"{reference.rpartition(':')[0]}@{image['imageDigest']}"


def login(running: Running) -> None:
    import base64

    data = running.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    host = data["proxyEndpoint"].partition("://")[2]
    running.engine.call("login", "--username", user, "--password-stdin", host, stdin=password)


def _path() -> dict[str, str]:
    import os

    return {"PATH": os.environ["PATH"], "PEAR_CACHE": os.environ.get("PEAR_CACHE", str(Path(REPOSITORY) / ".cache"))}
