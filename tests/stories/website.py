"""A website as a team has it that never heard of this collection: made with boto3, with names of its own."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.plays import Player, PlayResult

from .conftest import Stage

HOST = "www.example.test"
CLUSTER, LEDGER, FAMILY = "apps", "website-history", "www"
SERVICES = {"blue": "www-left", "green": "www-right"}
PORT = 8080
PROGRAM = """
import http.server, os
version = os.environ["VERSION"]

class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        broken = version == "broken" and self.path != "/up"
        body = f"page of {version}".encode()
        self.send_response(500 if broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-version", version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("", 8080), Page).serve_forever()
"""
PLAY = """
- name: Release the website
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  module_defaults:
    group/pear.fargate.aws: {region: eu-central-1}
  tasks:
    - name: Move traffic
      pear.fargate.MODULE: OPTIONS
"""


@dataclass
class Website:
    """Everything is made by plain calls; `play` is one task of one module."""

    stage: Stage
    folder: Path
    groups: dict[str, str] = field(default_factory=dict)
    rule: str = ""
    test_rule: str = ""

    def make(self) -> None:
        ec2, iam = self.stage.client("ec2"), self.stage.client("iam")
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)
        ]
        table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        firewall = ec2.create_security_group(GroupName="www", Description="www", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=firewall,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
                for port in (80, PORT)
            ],
        )
        self._make_load_balancer(vpc, subnets, firewall)
        trust = {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
        iam.create_role(RoleName="www-start", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
        logs = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [logs]})
        iam.put_role_policy(RoleName="www-start", PolicyName="logs", PolicyDocument=document)
        self.stage.client("logs").create_log_group(logGroupName="/teams/web")
        self.stage.client("dynamodb").create_table(
            TableName=LEDGER,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("service", "entry")],
            KeySchema=[
                {"AttributeName": "service", "KeyType": "HASH"},
                {"AttributeName": "entry", "KeyType": "RANGE"},
            ],
        )
        self._make_services(subnets, firewall)

    def _make_load_balancer(self, vpc: str, subnets: list[str], firewall: str) -> None:
        elb = self.stage.client("elbv2")
        balancer = elb.create_load_balancer(Name="teams", Subnets=subnets, SecurityGroups=[firewall])["LoadBalancers"][
            0
        ]
        elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[balancer["LoadBalancerArn"]])
        listener = elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        self.groups = {
            colour: elb.create_target_group(
                Name=name,
                Protocol="HTTP",
                Port=PORT,
                VpcId=vpc,
                TargetType="ip",
                HealthCheckPath="/up",
                HealthCheckIntervalSeconds=5,
                HealthCheckTimeoutSeconds=2,
                HealthyThresholdCount=2,
            )["TargetGroups"][0]["TargetGroupArn"]
            for colour, name in SERVICES.items()
        }
        host = {"Field": "host-header", "HostHeaderConfig": {"Values": [HOST]}}
        tester = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Preview", "Values": ["next"]}}
        self.test_rule = self._make_rule(listener, 40, [host, tester])
        self.rule = self._make_rule(listener, 41, [host])

    def _make_rule(self, listener: str, priority: int, conditions: list[dict[str, Any]]) -> str:
        weights = {self.groups["blue"]: 1, self.groups["green"]: 0}
        forward = {"TargetGroups": [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]}
        made = self.stage.client("elbv2").create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=conditions,
            Actions=[{"Type": "forward", "ForwardConfig": forward}],
            Tags=[{"Key": "team", "Value": "web"}],
        )
        return str(made["Rules"][0]["RuleArn"])

    def _make_services(self, subnets: list[str], firewall: str) -> None:
        ecs = self.stage.client("ecs")
        ecs.create_cluster(clusterName=CLUSTER)
        first = self.register("v1")
        network = {"subnets": subnets, "securityGroups": [firewall], "assignPublicIp": "ENABLED"}
        for colour, name in SERVICES.items():
            ecs.create_service(
                cluster=CLUSTER,
                serviceName=name,
                taskDefinition=first,
                desiredCount=2 if colour == "blue" else 0,
                launchType="FARGATE",
                healthCheckGracePeriodSeconds=120,
                loadBalancers=[{"targetGroupArn": self.groups[colour], "containerName": "page", "containerPort": PORT}],
                networkConfiguration={"awsvpcConfiguration": network},
                deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
                tags=[{"key": "team", "value": "web"}],
            )
        deadline = time.monotonic() + 240
        while self.healthy("blue") < 2:
            assert time.monotonic() < deadline, self.settings()
            time.sleep(0.5)

    def register(self, version: str) -> str:
        """A revision as the team's pipeline makes it; its family:revision."""
        log = {"awslogs-group": "/teams/web", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "www"}
        page = {
            "name": "page",
            "image": self.stage.environment["PEAR_BASE_IMAGE"],
            "command": ["python3", "-c", PROGRAM],
            "portMappings": [{"containerPort": PORT}],
            "environment": [{"name": "VERSION", "value": version}],
            "logConfiguration": {"logDriver": "awslogs", "options": log},
        }
        made = self.stage.client("ecs").register_task_definition(
            family=FAMILY,
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            executionRoleArn="arn:aws:iam::123456789012:role/www-start",
            containerDefinitions=[page],
        )["taskDefinition"]
        return f"{FAMILY}:{made['revision']}"

    def healthy(self, colour: str) -> int:
        answer = self.stage.client("elbv2").describe_target_health(TargetGroupArn=self.groups[colour])
        return sum(target["TargetHealth"]["State"] == "healthy" for target in answer["TargetHealthDescriptions"])

    def weights(self) -> dict[str, int]:
        (rule,) = self.stage.client("elbv2").describe_rules(RuleArns=[self.rule])["Rules"]
        found = {
            group["TargetGroupArn"]: group["Weight"] for group in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        }
        return {colour: found[arn] for colour, arn in self.groups.items()}

    def settings(self) -> dict[str, Any]:
        """Everything of the website that no release may change."""
        elb, ecs = self.stage.client("elbv2"), self.stage.client("ecs")
        rules = elb.describe_rules(RuleArns=[self.rule, self.test_rule])["Rules"]
        arns = [self.rule, self.test_rule, *self.groups.values()]
        services = ecs.describe_services(cluster=CLUSTER, services=list(SERVICES.values()), include=["TAGS"])[
            "services"
        ]
        kept = ("serviceName", "networkConfiguration", "deploymentConfiguration", "loadBalancers", "tags", "launchType")
        scaling = self.stage.client("application-autoscaling")
        return {
            "rules": [(rule["Priority"], rule["Conditions"]) for rule in rules],
            "tags": elb.describe_tags(ResourceArns=arns)["TagDescriptions"],
            "groups": elb.describe_target_groups(TargetGroupArns=list(self.groups.values()))["TargetGroups"],
            "services": [{key: service.get(key) for key in kept} for service in services],
            "names": sorted(ecs.list_services(cluster=CLUSTER)["serviceArns"]),
            "definitions": ecs.list_task_definitions(familyPrefix=FAMILY)["taskDefinitionArns"],
            "scaling": scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"],
        }

    def play(self, module: str, **options: Any) -> PlayResult:
        named = {
            "service": "website",
            "services": {
                colour: {"name": name, "target_group_arn": self.groups[colour]} for colour, name in SERVICES.items()
            },
            "rule_arn": self.rule,
            "test_rule_arn": self.test_rule,
            "cluster": CLUSTER,
            "ledger_table": LEDGER,
            **options,
        }
        playbook = self.folder / f"{module}.yml"
        playbook.write_text(PLAY.replace("MODULE", module).replace("OPTIONS", json.dumps(named)))
        return Player(self.stage.environment, ("localhost,",)).run(str(playbook))
