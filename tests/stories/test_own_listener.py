"""A service of TCP that others made, behind a network load balancer: its listener's weights move connections, and none of them fails."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult

from .calls import mutating_calls
from .conftest import Stage
from .connections import PORT, Connection, asked
from .website import PLAY

CLUSTER, LEDGER, FAMILY = "games", "game-history", "chess"
SERVICES = {"blue": "chess-left", "green": "chess-right"}
TEST_PORT = 7001
PROGRAM = """
import os, socketserver
version = os.environ["VERSION"]

class Game(socketserver.StreamRequestHandler):
    def handle(self):
        if version == "broken":
            return
        for line in self.rfile:
            self.wfile.write(version.encode() + b"\\n")

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

Server(("", 7000), Game).serve_forever()
"""
CANARY = {"strategy": "canary", "percent": 20, "duration_seconds": 20, "bake_seconds": 20}
WRITES = {"elasticloadbalancing:ModifyListener", "ecs:UpdateService", "dynamodb:PutItem", "dynamodb:TransactWriteItems"}


@dataclass
class Game:
    """Everything is made by plain calls; `play` is one task of one module."""

    stage: Stage
    folder: Path
    address: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    listeners: dict[int, str] = field(default_factory=dict)

    def make(self) -> None:
        ec2 = self.stage.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.78.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)
        ]
        table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        firewall = ec2.create_security_group(GroupName="chess", Description="chess", VpcId=vpc)["GroupId"]
        world = [{"IpProtocol": "tcp", "FromPort": PORT, "ToPort": PORT, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        ec2.authorize_security_group_ingress(GroupId=firewall, IpPermissions=world)
        self._make_load_balancer(vpc, subnets)
        trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        logs = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
        iam = self.stage.client("iam")
        iam.create_role(RoleName="chess-start", AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName="chess-start", PolicyName="logs", PolicyDocument=_document(logs))
        self.stage.client("logs").create_log_group(logGroupName="/teams/games")
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

    def _make_load_balancer(self, vpc: str, subnets: list[str]) -> None:
        elb = self.stage.client("elbv2")
        made = elb.create_load_balancer(Name="chess", Type="network", Subnets=subnets)["LoadBalancers"][0]
        elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made["LoadBalancerArn"]])
        self.address = made["DNSName"]
        self.groups = {
            colour: elb.create_target_group(
                Name=name,
                Protocol="TCP",
                Port=PORT,
                VpcId=vpc,
                TargetType="ip",
                HealthCheckIntervalSeconds=5,
                HealthCheckTimeoutSeconds=2,
                HealthyThresholdCount=2,
                UnhealthyThresholdCount=2,
            )["TargetGroups"][0]["TargetGroupArn"]
            for colour, name in SERVICES.items()
        }
        groups = [
            {"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(self.groups.values(), (1, 0), strict=True)
        ]
        for port in (PORT, TEST_PORT):
            answer = elb.create_listener(
                LoadBalancerArn=made["LoadBalancerArn"],
                Protocol="TCP",
                Port=port,
                DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
                Tags=[{"Key": "team", "Value": "games"}],
            )
            self.listeners[port] = answer["Listeners"][0]["ListenerArn"]

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
                loadBalancers=[{"targetGroupArn": self.groups[colour], "containerName": "game", "containerPort": PORT}],
                networkConfiguration={"awsvpcConfiguration": network},
            )
        deadline = time.monotonic() + 240
        while self.healthy("blue") < 2:
            assert time.monotonic() < deadline, self.settings()
            time.sleep(0.5)

    def register(self, version: str) -> str:
        """A revision as the team's pipeline makes it; its family:revision."""
        log = {"awslogs-group": "/teams/games", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "chess"}
        game = {
            "name": "game",
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
            executionRoleArn="arn:aws:iam::123456789012:role/chess-start",
            containerDefinitions=[game],
        )["taskDefinition"]
        return f"{FAMILY}:{made['revision']}"

    def healthy(self, colour: str) -> int:
        answer = self.stage.client("elbv2").describe_target_health(TargetGroupArn=self.groups[colour])
        return sum(target["TargetHealth"]["State"] == "healthy" for target in answer["TargetHealthDescriptions"])

    def weights(self, port: int = PORT) -> dict[str, int]:
        (listener,) = self.stage.client("elbv2").describe_listeners(ListenerArns=[self.listeners[port]])["Listeners"]
        groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        found = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return {colour: found[arn] for colour, arn in self.groups.items()}

    def settings(self) -> dict[str, Any]:
        """What no release may change: the listeners but for their weights, their tags, and the target groups."""
        elb = self.stage.client("elbv2")
        arns = list(self.listeners.values())
        listeners = elb.describe_listeners(ListenerArns=arns)["Listeners"]
        return {
            "listeners": [{key: one[key] for key in ("ListenerArn", "Port", "Protocol")} for one in listeners],
            "tags": elb.describe_tags(ResourceArns=arns)["TagDescriptions"],
            "groups": elb.describe_target_groups(TargetGroupArns=list(self.groups.values()))["TargetGroups"],
        }

    def play(self, module: str, **options: Any) -> PlayResult:
        named = {
            "service": "chess",
            "services": {
                colour: {"name": name, "target_group_arn": self.groups[colour]} for colour, name in SERVICES.items()
            },
            "production_listener_arn": self.listeners[PORT],
            "cluster": CLUSTER,
            "ledger_table": LEDGER,
            **options,
        }
        playbook = self.folder / f"{module}.yml"
        playbook.write_text(PLAY.replace("MODULE", module).replace("OPTIONS", json.dumps(named)))
        return Player(self.stage.environment, ("localhost,",)).run(str(playbook))

    def ask(self) -> str:
        with Connection(self.address) as connection:
            return connection.ask()

    def comes_to(self, version: str) -> None:
        """New connections come to this version alone, once every node of the load balancer has the weights."""
        deadline = time.monotonic() + 120
        while {self.ask() for _ in range(12)} != {version}:
            assert time.monotonic() < deadline, self.weights()
            time.sleep(1)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def game(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Game:
    made = Game(stage, tmp_path_factory.mktemp("game"))
    made.make()
    return made


@pytest.mark.long
def test_no_connection_fails_while_they_move_to_the_candidate_and_back(game: Game) -> None:
    before, second = game.settings(), game.register("v2")
    refused = game.play("bluegreen_cutover", task_definition=second, plan=CANARY, gates={"errors": {}}).failed()
    assert game.weights() == {"blue": 1, "green": 0}, refused.output
    calls = len(mutating_calls(game.stage))
    with Connection(game.address) as old, asked(game) as found:
        assert old.ask() == "v1"
        moved = game.play("bluegreen_cutover", task_definition=second, plan=CANARY).succeeded()
        assert game.weights() == {"blue": 0, "green": 100}, moved.output
        game.comes_to("v2")
        assert old.ask() == "v1", "a connection stays with the version that it began with"
        again = game.play("bluegreen_cutover", task_definition=second, plan=CANARY).succeeded()
        assert again.changed == 0, again.output
        game.play("bluegreen_rollback").succeeded()
        assert game.weights() == {"blue": 100, "green": 0}
        game.comes_to("v1")
        assert old.ask() == "v1"
    assert set(found) == {"v1", "v2"} and found["v2"] > 50, found
    written = {call for call in mutating_calls(game.stage)[calls:] if not call.startswith(("logs:", "sts:"))}
    assert written <= WRITES, written
    assert game.settings() == before


@pytest.mark.long
def test_the_next_release_waits_until_no_node_sends_connections_to_its_candidate(game: Game) -> None:
    refused = game.play("bluegreen_cutover", task_definition=game.register("v3"), plan=CANARY).failed()
    assert "may send connections to green, whose tasks this release replaces" in refused.output, refused.output
    told = game.play("bluegreen_info").succeeded()
    assert game.weights() == {"blue": 100, "green": 0}, told.output
