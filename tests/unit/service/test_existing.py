"""Services that others made are found by the names they have; what keeps traffic from being shifted is told, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb, elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_cutover import run as cutover
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_rollback import run as rollback
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import (
    locate_by,
    registered_version,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ListenerPort
from ansible_collections.pear.fargate.plugins.modules import bluegreen_cutover, bluegreen_rollback
from botocore.exceptions import ClientError
from moto import mock_aws

REGION = "eu-central-1"
AWS = Aws({"region": REGION})
KEYS = (("service", "HASH"), ("entry", "RANGE"))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Two ECS services, their target groups, a rule and a ledger, none of which has a name of ours."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2, elb, ecs = (boto3.client(name, REGION) for name in ("ec2", "elbv2", "ecs"))
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        firewall = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
        balancer = elb.create_load_balancer(Name="edge", Subnets=subnets)["LoadBalancers"][0]
        listener = elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=8080,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        )["Listeners"][0]["ListenerArn"]
        groups = [
            elb.create_target_group(
                Name=name, Protocol="HTTP", Port=80, VpcId=balancer["VpcId"], TargetType="ip", HealthCheckPath="/up"
            )["TargetGroups"][0]["TargetGroupArn"]
            for name in ("web-left", "web-right")
        ]
        rule = elb.create_rule(
            ListenerArn=listener,
            Priority=5,
            Conditions=[{"Field": "host-header", "Values": ["web.example.com"]}],
            Actions=[
                {
                    "Type": "forward",
                    "ForwardConfig": {
                        "TargetGroups": [
                            {"TargetGroupArn": groups[0], "Weight": 1},
                            {"TargetGroupArn": groups[1], "Weight": 0},
                        ],
                        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
                    },
                }
            ],
        )["Rules"][0]["RuleArn"]
        ecs.create_cluster(clusterName="apps")
        definition = ecs.register_task_definition(
            family="website",
            cpu="512",
            memory="1024",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[
                {"name": "proxy", "image": "proxy:1", "essential": True},
                {"name": "web", "image": "example.com/web@sha256:aa", "portMappings": [{"containerPort": 80}]},
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        for name, group in zip(("left", "right"), groups, strict=True):
            ecs.create_service(
                cluster="apps",
                serviceName=name,
                taskDefinition=definition,
                desiredCount=2,
                launchType="FARGATE",
                loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
                networkConfiguration={"awsvpcConfiguration": {"subnets": subnets[:2], "securityGroups": [firewall]}},
            )
        boto3.client("dynamodb", REGION).create_table(
            TableName="website-releases",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
        )
        yield {
            "service": "website",
            "services": {
                "blue": {"name": "left", "target_group_arn": groups[0]},
                "green": {"name": "right", "target_group_arn": groups[1]},
            },
            "rule_arn": rule,
            "cluster": "apps",
            "ledger_table": "website-releases",
            "task_definition": "website:1",
        }


def options(given: dict[str, Any], **changed: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(bluegreen_cutover.ARGUMENT_SPEC, **bluegreen_cutover.CONSTRAINTS)
    validated = validator.validate({**given, **changed})
    assert not validated.error_messages, validated.error_messages
    return dict(validated.validated_parameters)


def test_it_is_found_by_the_names_that_others_gave(given: dict[str, Any]) -> None:
    location = locate_by(AWS, options(given))
    assert (location.cluster, location.ledger) == ("apps", "website-releases")
    assert dict(location.ecs_services) == {Colour.BLUE: "left", Colour.GREEN: "right"}
    assert location.production.arn == given["rule_arn"]
    assert location.listener_arn == given["rule_arn"].rpartition("/")[0].replace("listener-rule", "listener")
    assert location.host == "web.example.com"
    assert location.listener_port == ListenerPort(8080, tls=False)
    assert location.load_balancer_dimension.startswith("app/edge/")
    assert location.target_group_dimension(Colour.GREEN).startswith("targetgroup/web-right/")
    assert location.test is None


def test_its_version_is_read_from_the_task_definition_and_the_ecs_service(given: dict[str, Any]) -> None:
    params = options(given)
    version = registered_version(AWS, params, locate_by(AWS, params))
    assert version.registered.endswith("task-definition/website:1")
    assert (version.params["container"], version.params["cpu"], version.desired_count) == ("web", 512, 2)
    assert len(version.network()["awsvpcConfiguration"]["subnets"]) == 2


def test_weights_are_written_and_nothing_else_of_the_rule(given: dict[str, Any]) -> None:
    location = locate_by(AWS, options(given))
    groups = {given["services"][colour]["target_group_arn"]: weight for colour, weight in (("blue", 40), ("green", 60))}
    written = elbv2.set_weights(AWS, location.production, groups)
    assert written.weights == groups
    (action,) = boto3.client("elbv2", REGION).describe_rules(RuleArns=[given["rule_arn"]])["Rules"][0]["Actions"]
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == {"Enabled": True, "DurationSeconds": 60}


def return_to_green(given: dict[str, Any], check_mode: bool = False, **changed: Any) -> dict[str, Any]:
    validator = ArgumentSpecValidator(bluegreen_rollback.ARGUMENT_SPEC, **bluegreen_rollback.CONSTRAINTS)
    wanted = {name: value for name, value in given.items() if name != "task_definition"}
    validated = validator.validate({**wanted, "to_colour": "green", "by": "grace", **changed})
    assert not validated.error_messages, validated.error_messages
    return rollback(Invocation(dict(validated.validated_parameters), AWS, check_mode))


def weights(given: dict[str, Any]) -> list[int]:
    location = locate_by(AWS, options(given, ledger_table="website-releases"))
    return [location.production.weights[given["services"][colour]["target_group_arn"]] for colour in ("blue", "green")]


def test_all_traffic_returns_to_a_named_colour_while_the_ledger_is_away(given: dict[str, Any]) -> None:
    green = given["services"]["green"]["target_group_arn"]
    with pytest.raises(Failure, match="the ledger answers, so it is known what served before"):
        return_to_green(given)
    with pytest.raises(Failure, match="green has too few healthy targets to take traffic, 1 needed"):
        return_to_green(given, ledger_table="none")
    boto3.client("elbv2", REGION).register_targets(TargetGroupArn=green, Targets=[{"Id": "172.31.0.9", "Port": 80}])
    before = weights(given)
    planned = return_to_green(given, check_mode=True, ledger_table="none")
    assert (planned["outcome"], planned["changed"]) == ("planned", True)
    assert planned["plan"][0].startswith("all traffic would go to green, without a record")
    assert weights(given) == before
    done = return_to_green(given, ledger_table="none")
    assert (done["outcome"], done["changed"], done["release"]) == ("succeeded", True, None)
    assert weights(given) == [0, 100]
    again = return_to_green(given, ledger_table="none")
    assert (again["outcome"], again["changed"]) == ("unchanged", False)


def test_a_ledger_that_cannot_be_asked_for_is_left_to_whoever_reads_it(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AwsError("read the table", ClientError({"Error": {"Code": "InternalServerError"}}, "DescribeTable"))

    monkeypatch.setattr(dynamodb, "table", refuse)
    assert locate_by(AWS, options(given)).ledger == "website-releases"


def test_everything_that_is_wrong_is_told_at_once(given: dict[str, Any]) -> None:
    blue = {"name": "middle", "target_group_arn": given["services"]["blue"]["target_group_arn"]}
    green = {"name": "right", "target_group_arn": given["services"]["blue"]["target_group_arn"] + "0"}
    params = options(given, services={"blue": blue, "green": green}, ledger_table="none")
    with pytest.raises(Failure) as refused:
        locate_by(AWS, params)
    for said in (
        "ECS service middle does not exist in cluster apps",
        "ECS service right does not register its tasks in target group",
        "has to forward to both target groups of services",
        "ledger_table none does not exist: make it once, with pear.fargate.release_ledger",
    ):
        assert said in str(refused.value)


def test_the_default_rule_of_a_listener_is_refused(given: dict[str, Any]) -> None:
    rules = boto3.client("elbv2", REGION).describe_rules(
        ListenerArn=given["rule_arn"].rpartition("/")[0].replace("listener-rule", "listener")
    )["Rules"]
    (default,) = [rule["RuleArn"] for rule in rules if rule["IsDefault"]]
    with pytest.raises(Failure, match="is the default rule of its listener"):
        locate_by(AWS, options(given, rule_arn=default))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "deployed by CODE_DEPLOY"),
        ({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "with the strategy BLUE_GREEN"),
    ],
)
def test_a_service_that_another_controller_deploys_is_refused(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: str
) -> None:
    from ansible_collections.pear.fargate.plugins.module_utils.aws import ecs

    state = ecs.service_state
    monkeypatch.setattr(ecs, "service_state", lambda raw: state({**raw, **changed}))
    with pytest.raises(Failure, match=said):
        locate_by(AWS, options(given))


def test_a_task_definition_that_is_not_there_is_refused(given: dict[str, Any]) -> None:
    from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation

    with pytest.raises(Failure, match="task_definition website:7 does not exist, or is not active"):
        cutover(Invocation(options(given, task_definition="website:7"), AWS))


@pytest.mark.parametrize(
    ("module", "changed", "said"),
    [
        (bluegreen_cutover, {"task_definition": None}, "task_definition"),
        (bluegreen_cutover, {"cpu": 256}, "mutually exclusive: services|cpu"),
        (bluegreen_cutover, {"environment": "production"}, "mutually exclusive: environment|services"),
        (bluegreen_rollback, {"task_definition": None, "rule_arn": None}, "rule_arn"),
        (bluegreen_rollback, {"task_definition": None, "services": None, "environment": "e"}, "services"),
    ],
)
def test_options_that_belong_together_are_asked_for(
    given: dict[str, Any], module: Any, changed: dict[str, Any], said: str
) -> None:
    asked = {name: value for name, value in {**given, **changed}.items() if value is not None}
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC, **module.CONSTRAINTS).validate(asked)
    assert any(said in message for message in validated.error_messages), validated.error_messages
