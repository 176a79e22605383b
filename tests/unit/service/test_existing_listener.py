"""A service of others behind a network load balancer: its weights are in the default action of the listener."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_cutover import run as cutover
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_rollback import run as rollback
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Weights
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import locate_by
from ansible_collections.pear.fargate.plugins.module_utils.service.location import (
    ListenerPort,
    current_rules,
    weights_of,
)
from ansible_collections.pear.fargate.plugins.modules import bluegreen_cutover, bluegreen_rollback
from moto import mock_aws
from moto.elbv2.utils import make_arn_for_load_balancer

REGION = "eu-central-1"
AWS = Aws({"region": REGION})
KEYS = (("service", "HASH"), ("entry", "RANGE"))
NAMES = ("left", "right")
BAKED = {"plan": {"bake_seconds": 600}}


def forward(*weights: tuple[str, int]) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Two ECS services, their target groups of TCP, two listeners of a network load balancer, and a ledger."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        # moto names every load balancer app/, and what the collection asks for is net/.
        monkeypatch.setattr("moto.elbv2.models.make_arn_for_load_balancer", _arn)
        ec2, elb, ecs = (boto3.client(name, REGION) for name in ("ec2", "elbv2", "ecs"))
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        firewall = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        balancer = elb.create_load_balancer(Name="games", Type="network", Subnets=subnets)["LoadBalancers"][0]
        groups = [
            elb.create_target_group(
                Name=f"game-{name}", Protocol="TCP", Port=7000, VpcId=balancer["VpcId"], TargetType="ip"
            )["TargetGroups"][0]["TargetGroupArn"]
            for name in NAMES
        ]
        listeners = [
            elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Protocol="TCP",
                Port=port,
                DefaultActions=forward((groups[0], 1), (groups[1], 0)),
            )["Listeners"][0]["ListenerArn"]
            for port in (7000, 7001)
        ]
        ecs.create_cluster(clusterName="games")
        definition = ecs.register_task_definition(
            family="game",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[
                {"name": "game", "image": "example.com/game@sha256:aa", "portMappings": [{"containerPort": 7000}]}
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        for name, group in zip(NAMES, groups, strict=True):
            ecs.create_service(
                cluster="games",
                serviceName=name,
                taskDefinition=definition,
                desiredCount=2,
                launchType="FARGATE",
                loadBalancers=[{"targetGroupArn": group, "containerName": "game", "containerPort": 7000}],
                networkConfiguration={"awsvpcConfiguration": {"subnets": subnets[:2], "securityGroups": [firewall]}},
            )
        boto3.client("dynamodb", REGION).create_table(
            TableName="game-releases",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
        )
        yield {
            "service": "game",
            "services": {
                colour: {"name": name, "target_group_arn": group}
                for colour, name, group in zip(("blue", "green"), NAMES, groups, strict=True)
            },
            "production_listener_arn": listeners[0],
            "test_listener_arn": listeners[1],
            "cluster": "games",
            "ledger_table": "game-releases",
            "task_definition": "game:1",
        }


def _arn(**named: Any) -> str:
    arn: str = make_arn_for_load_balancer(**named)
    return arn.replace("/app/", "/net/") if named["name"] == "games" else arn


def options(module: Any, given: dict[str, Any], **changed: Any) -> dict[str, Any]:
    asked = {name: value for name, value in {**given, **changed}.items() if value is not None}
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC, **module.CONSTRAINTS).validate(asked)
    assert not validated.error_messages, validated.error_messages
    return dict(validated.validated_parameters)


def released(given: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return cutover(Invocation(options(bluegreen_cutover, given, **changed), AWS, True))


def test_it_is_found_by_its_listener(given: dict[str, Any]) -> None:
    location = locate_by(AWS, options(bluegreen_cutover, given))
    assert location.of_connections and location.production.is_listener
    assert location.listener_arn == given["production_listener_arn"]
    assert (location.listener_port, location.test_listener_port) == (
        ListenerPort(7000, False),
        ListenerPort(7001, False),
    )
    assert location.load_balancer_dimension.startswith("net/games/")
    assert location.rules == location.test_rules == ()
    assert weights_of(location.production, location) == Weights.all_to(Colour.BLUE)


def test_a_return_writes_the_weights_of_the_default_action_and_nothing_else(given: dict[str, Any]) -> None:
    elb, green = boto3.client("elbv2", REGION), given["services"]["green"]["target_group_arn"]
    elb.register_targets(TargetGroupArn=green, Targets=[{"Id": "172.31.0.9", "Port": 7000}])
    before = elb.describe_listeners(ListenerArns=[given["production_listener_arn"]])["Listeners"][0]
    asked = options(bluegreen_rollback, given, task_definition=None, to_colour="green", ledger_table="none", by="grace")
    done = rollback(Invocation(asked, AWS, False))
    assert (done["outcome"], done["changed"]) == ("succeeded", True)
    location = locate_by(AWS, options(bluegreen_cutover, given))
    (now,) = current_rules(AWS, location)
    assert weights_of(now, location) == Weights.all_to(Colour.GREEN)
    after = elb.describe_listeners(ListenerArns=[given["production_listener_arn"]])["Listeners"][0]
    assert {key: value for key, value in after.items() if key != "DefaultActions"} == {
        key: value for key, value in before.items() if key != "DefaultActions"
    }


def test_a_stickiness_that_others_set_stays(given: dict[str, Any]) -> None:
    elb, location = boto3.client("elbv2", REGION), locate_by(AWS, options(bluegreen_cutover, given))
    (action,) = forward(*location.production.weights.items())
    action["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": True}
    elb.modify_listener(ListenerArn=location.listener_arn, DefaultActions=[action])
    from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2

    (rule,) = current_rules(AWS, location)
    written = elbv2.set_default_weights(AWS, rule, dict.fromkeys(rule.weights, 50))
    assert set(written.weights.values()) == {50}
    assert written.actions[0]["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"gates": {"errors": {}}, **BAKED}, "gates.errors needs status codes, and a network load balancer sees none"),
        (
            {"gates": {"latency": {}}, **BAKED},
            "gates.latency needs response times, and a network load balancer sees none",
        ),
        (
            {"slos": [{"name": "good", "target_percent": 99}]},
            "slos needs requests that fail or are slow, and a network",
        ),
        (
            {"test_listener_arn": None, "checks": [{"name": "page"}]},
            "check page asks the candidate, which needs a listener for it: name one with test_listener_arn",
        ),
    ],
)
def test_what_a_network_load_balancer_cannot_tell_is_refused_by_name(
    given: dict[str, Any], changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(Failure) as refused:
        released(given, **changed)
    assert said in str(refused.value)


def test_what_can_be_judged_is_taken(given: dict[str, Any]) -> None:
    resets = {"name": "resets", "namespace": "AWS/NetworkELB", "metric": "TCP_Target_Reset_Count", "statistic": "Sum"}
    boto3.client("cloudwatch", REGION).put_metric_alarm(
        AlarmName="game",
        MetricName="m",
        Namespace="n",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    planned = released(
        given,
        plan={"strategy": "canary", "percent": 20, "duration_seconds": 600, "bake_seconds": 600},
        gates={"alarms": ["game"], "metrics": [{**resets, "maximum": 10, "missing": "zero"}]},
        checks=[{"name": "page"}],
        restart=True,
    )
    assert planned["outcome"] == "planned", planned
    assert any("20 % to green" in line for line in planned["plan"])


def test_a_check_by_http_needs_a_listener_that_takes_tcp(given: dict[str, Any]) -> None:
    elb, groups = boto3.client("elbv2", REGION), [entry["target_group_arn"] for entry in given["services"].values()]
    balancer = elb.describe_listeners(ListenerArns=[given["test_listener_arn"]])["Listeners"][0]["LoadBalancerArn"]
    datagrams = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="UDP", Port=7002, DefaultActions=forward((groups[0], 0), (groups[1], 1))
    )["Listeners"][0]["ListenerArn"]
    with pytest.raises(Failure, match="checks asks by HTTP, and the listener on port 7002 takes UDP alone"):
        released(given, test_listener_arn=datagrams, checks=[{"name": "page"}])


def test_a_listener_that_leads_elsewhere_or_is_named_twice_is_refused(given: dict[str, Any]) -> None:
    elb, blue = boto3.client("elbv2", REGION), given["services"]["blue"]["target_group_arn"]
    elb.modify_listener(ListenerArn=given["production_listener_arn"], DefaultActions=forward((blue, 1)))
    with pytest.raises(Failure, match=r"production_listener_arn .* has to forward to both target groups"):
        locate_by(AWS, options(bluegreen_cutover, given))
    with pytest.raises(Failure, match="test_listener_arn is the production listener"):
        locate_by(AWS, options(bluegreen_cutover, given, production_listener_arn=given["test_listener_arn"]))


def test_a_listener_of_an_application_load_balancer_is_refused(given: dict[str, Any]) -> None:
    elb, ec2 = boto3.client("elbv2", REGION), boto3.client("ec2", REGION)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = [entry["target_group_arn"] for entry in given["services"].values()]
    listener = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward(*((arn, 1) for arn in groups))
    )["Listeners"][0]["ListenerArn"]
    with pytest.raises(
        Failure, match="is no listener of a network load balancer: of an application load balancer, name a rule"
    ):
        locate_by(AWS, options(bluegreen_cutover, given, production_listener_arn=listener, test_listener_arn=None))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"production_listener_arn": None, "test_listener_arn": None},
            "one of the following is required: environment, rule_arn",
        ),
        ({"rule_arn": "arn"}, "mutually exclusive: rule_arn|production_listener_arn"),
        ({"test_rule_arn": "arn"}, "mutually exclusive: test_rule_arn|production_listener_arn"),
        ({"production_listener_arn": None, "rule_arn": "arn"}, "mutually exclusive: rule_arn|test_listener_arn"),
    ],
)
def test_options_that_belong_together_are_asked_for(given: dict[str, Any], changed: dict[str, Any], said: str) -> None:
    asked = {name: value for name, value in {**given, **changed}.items() if value is not None}
    validated = ArgumentSpecValidator(bluegreen_cutover.ARGUMENT_SPEC, **bluegreen_cutover.CONSTRAINTS).validate(asked)
    assert any(said in message for message in validated.error_messages), validated.error_messages
