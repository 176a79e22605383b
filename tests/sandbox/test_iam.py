"""IAM: every call is held to its caller's policies, and roles are taken only by those that they trust."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.waiting import eventually

from .conftest import Running
from .world import World, make_role

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Caller:
    """Credentials, and clients that use them."""

    running: Running
    arn: str
    session: boto3.Session

    def client(self, service: str) -> Any:
        client: Any = self.session.client
        return client(service, endpoint_url=self.running.settings.endpoint)


def assume(running: Running, role: str, **more: Any) -> Caller:
    """Take a role; one that was just made is not there at once."""

    def taken() -> Any:
        with contextlib.suppress(ClientError):
            return running.client("sts").assume_role(RoleArn=role, RoleSessionName="tester", **more)

    answer = eventually(taken)
    found = answer["Credentials"]
    session = boto3.Session(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], running.settings.region
    )
    return Caller(running, answer["AssumedRoleUser"]["Arn"], session)


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Action": action, "Resource": resource, **more}


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    found = error.value.response["Error"]
    return str(found["Code"]), str(found["Message"])


def test_a_role_is_held_to_its_policy_in_each_services_words(sandbox: Running) -> None:
    caller = assume(sandbox, make_role(sandbox, "reader", **allow("ecs:DescribeClusters")))
    assert caller.client("ecs").describe_clusters()["clusters"] is not None
    no_policy = "because no identity-based policy allows the {} action".format
    user = f"User: {caller.arn} is not authorized to perform: "
    service = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:service/live/web"
    code, message = refused(caller.client("ecs").update_service, cluster="live", service="web", desiredCount=1)
    assert (code, message) == (
        "AccessDeniedException",
        f"{user}ecs:UpdateService on resource: {service} {no_policy('ecs:UpdateService')}",
    )
    code, message = refused(caller.client("ec2").describe_vpcs)
    assert code == "UnauthorizedOperation"
    assert message.startswith("You are not authorized to perform this operation. " + user + "ec2:DescribeVpcs")
    code, message = refused(caller.client("elbv2").describe_load_balancers)
    assert (code, user + "elasticloadbalancing:DescribeLoadBalancers on resource: *" in message) == (
        "AccessDenied",
        True,
    )
    code, message = refused(caller.client("scheduler").get_schedule, GroupName="live", Name="x")
    assert (code, ":schedule/live/x " in message) == ("AccessDeniedException", True)
    code, message = refused(caller.client("route53").list_resource_record_sets, HostedZoneId="Z1")
    assert (code, "on resource: arn:aws:route53:::hostedzone/Z1 " in message) == ("AccessDenied", True)
    code, message = refused(caller.client("s3").get_bucket_tagging, Bucket="logs")
    assert (code, "s3:GetBucketTagging on resource: arn:aws:s3:::logs " in message) == ("AccessDenied", True)


def test_who_calls_may_always_be_asked_and_an_unknown_key_is_nobody(sandbox: Running) -> None:
    caller = assume(sandbox, make_role(sandbox, "nothing", **allow("s3:ListBucket")))
    assert caller.client("sts").get_caller_identity()["Arn"] == caller.arn
    nobody = Caller(sandbox, "", boto3.Session("AKIAIOSFODNN7NOBODYS", "secret", None, sandbox.settings.region))
    assert refused(nobody.client("ecs").list_clusters)[0] == "UnrecognizedClientException"
    assert refused(nobody.client("ec2").describe_vpcs)[0] == "AuthFailure"
    assert refused(nobody.client("iam").list_roles)[0] == "InvalidClientTokenId"


def test_tags_of_the_request_and_of_the_resource_decide(sandbox: Running) -> None:
    mine = {"aws:RequestTag/owner": "me"}
    statement = allow(["ec2:CreateVpc", "ec2:CreateTags"], Condition={"StringEquals": mine})
    maker = assume(sandbox, make_role(sandbox, "maker", **statement)).client("ec2")
    theirs = {"ResourceType": "vpc", "Tags": [{"Key": "owner", "Value": "others"}]}
    assert refused(maker.create_vpc, CidrBlock="10.99.0.0/16", TagSpecifications=[theirs])[0] == "UnauthorizedOperation"
    own = {"ResourceType": "vpc", "Tags": [{"Key": "owner", "Value": "me"}]}
    vpc = maker.create_vpc(CidrBlock="10.99.0.0/16", TagSpecifications=[own])["Vpc"]["VpcId"]
    other = sandbox.client("ec2").create_vpc(CidrBlock="10.98.0.0/16")["Vpc"]["VpcId"]
    statement = allow("ec2:DeleteVpc", Condition={"StringEquals": {"aws:ResourceTag/owner": "me"}})
    remover = assume(sandbox, make_role(sandbox, "remover", **statement)).client("ec2")
    code, message = refused(remover.delete_vpc, VpcId=other)
    assert (code, f"vpc/{other} " in message) == ("UnauthorizedOperation", True)
    remover.delete_vpc(VpcId=vpc)
    sandbox.client("ec2").delete_vpc(VpcId=other)


def test_a_role_is_passed_only_where_that_is_allowed_and_to_the_service_it_is_for(sandbox: Running) -> None:
    role = make_role(sandbox, "passed", "ecs-tasks.amazonaws.com")
    caller = assume(sandbox, make_role(sandbox, "registrar", **allow("ecs:RegisterTaskDefinition"))).client("ecs")
    definition: dict[str, Any] = {
        "family": "passing",
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{"name": "app", "image": "busybox"}],
    }
    code, message = refused(caller.register_task_definition, executionRoleArn=role, **definition)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: iam:PassRole on resource: {role} because" in message
    caller.register_task_definition(**definition)

    def may_pass(to: str) -> None:
        condition = {"StringEquals": {"iam:PassedToService": to}}
        statements = [{"Effect": "Allow", **allow("iam:PassRole", role, Condition=condition)}]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        sandbox.client("iam").put_role_policy(RoleName="registrar", PolicyName="passing", PolicyDocument=policy)

    may_pass("scheduler.amazonaws.com")
    assert refused(caller.register_task_definition, executionRoleArn=role, **definition)[0] == "AccessDeniedException"
    may_pass("ecs-tasks.amazonaws.com")
    caller.register_task_definition(executionRoleArn=role, **definition)


def test_the_first_call_makes_the_service_linked_role_as_its_caller(sandbox: Running) -> None:
    iam = sandbox.client("iam")
    caller = assume(sandbox, make_role(sandbox, "databases", **allow("rds:*"))).client("rds")
    subnets = {"DBInstanceIdentifier": "linked", "DBInstanceClass": "db.t4g.small", "Engine": "postgres"}
    database = {**subnets, "AllocatedStorage": 20, "MasterUsername": "a", "MasterUserPassword": "twelve-and-more"}
    code, message = refused(caller.create_db_instance, **database)
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    assert (code, f"iam:CreateServiceLinkedRole on resource: {linked} because" in message) == ("AccessDenied", True)
    condition = {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}
    statement = {"Effect": "Allow", **allow("iam:CreateServiceLinkedRole", Condition=condition)}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="databases", PolicyName="first", PolicyDocument=policy)
    caller.create_db_instance(**database)
    assert iam.get_role(RoleName="AWSServiceRoleForRDS")["Role"]["Arn"] == linked
    iam.delete_role_policy(RoleName="databases", PolicyName="first")
    caller.create_db_instance(**{**database, "DBInstanceIdentifier": "second"})
    for name in ("linked", "second"):
        caller.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_a_boundary_and_a_session_policy_limit_and_a_deny_overrides(sandbox: Running) -> None:
    iam = sandbox.client("iam")
    bounds = {"Statement": [{"Effect": "Allow", "Action": ["ecs:*", "ec2:*"], "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName="bounds", PolicyDocument=json.dumps({"Version": "2012-10-17", **bounds}))
    role = make_role(sandbox, "bounded")
    iam.put_role_permissions_boundary(RoleName="bounded", PermissionsBoundary=boundary["Policy"]["Arn"])
    session = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ecs:*", "s3:*"], "Resource": "*"}],
    }
    caller = assume(sandbox, role, Policy=json.dumps(session))
    caller.client("ecs").list_clusters()
    assert (
        "because no permissions boundary allows the s3:ListAllMyBuckets action"
        in refused(caller.client("s3").list_buckets)[1]
    )
    assert (
        "because no session policy allows the ec2:DescribeVpcs action" in refused(caller.client("ec2").describe_vpcs)[1]
    )
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ecs:List*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="bounded", PolicyName="deny", PolicyDocument=json.dumps(deny))
    assert "with an explicit deny in an identity-based policy" in refused(caller.client("ecs").list_clusters)[1]


def test_a_role_is_assumed_by_whom_it_trusts_once_it_is_known(sandbox: Running) -> None:
    sts = sandbox.client("sts")
    role = make_role(sandbox, "fresh")
    code, message = refused(sts.assume_role, RoleArn=role, RoleSessionName="early")
    assert (code, f"is not authorized to perform: sts:AssumeRole on resource: {role}" in message) == (
        "AccessDenied",
        True,
    )
    caller = assume(sandbox, role)
    service = make_role(sandbox, "of-a-service", "ecs-tasks.amazonaws.com")
    reader = assume(sandbox, make_role(sandbox, "of-no-use", **allow("ecs:*")))
    assert (
        refused(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/none", RoleSessionName="again")[0]
        == "AccessDenied"
    )
    # The account is trusted: the caller's policies decide. A service is: nobody else may.
    assert refused(reader.client("sts").assume_role, RoleArn=role, RoleSessionName="again")[0] == "AccessDenied"
    caller.client("sts").assume_role(RoleArn=role, RoleSessionName="again")
    assert refused(sts.assume_role, RoleArn=service, RoleSessionName="again")[0] == "AccessDenied"


def test_a_token_takes_the_roles_that_trust_its_subject_alone(sandbox: Running) -> None:
    """GitHub's tokens, whose claims are the condition keys: repository, branch or environment, and audience."""
    host = "token.actions.githubusercontent.com"
    iam, subject = sandbox.client("iam"), "repo:example/scores:environment:production"

    def take(role: str, **claims: str) -> Any:
        parts = [{"alg": "RS256"}, {"iss": f"https://{host}", "sub": subject, "aud": "sts.amazonaws.com", **claims}]
        token = ".".join(
            [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts), "signature"]
        )
        asked = {"RoleArn": role, "RoleSessionName": "workflow", "WebIdentityToken": token}
        return sandbox.client("sts").assume_role_with_web_identity(**asked)

    def trust(conditions: dict[str, Any]) -> str:
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
        statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Condition": conditions}]})

    only_audience = {"StringEquals": {f"{host}:aud": "sts.amazonaws.com"}}
    assert refused(iam.create_role, RoleName="wide", AssumeRolePolicyDocument=trust(only_audience))[0] == (
        "MalformedPolicyDocument"
    )
    exactly = {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subject}}
    role = iam.create_role(RoleName="deployer-of-github", AssumeRolePolicyDocument=trust(exactly))["Role"]["Arn"]
    assert refused(take, role=role)[0] in {"AccessDenied", "InvalidIdentityToken"}
    provider = iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["sts.amazonaws.com"])

    def taken() -> Any:
        with contextlib.suppress(ClientError):
            return take(role)

    assert eventually(taken)["AssumedRoleUser"]["Arn"].endswith("assumed-role/deployer-of-github/workflow")
    assert refused(take, role=role, sub="repo:example/scores:ref:refs/heads/main") == (
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )
    assert refused(take, role=role, aud="https://github.com/example")[0] == "InvalidIdentityToken"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["OpenIDConnectProviderArn"])
    assert refused(take, role=role)[0] == "InvalidIdentityToken"


def test_a_schedule_is_not_given_a_role_that_the_scheduler_cannot_take(sandbox: Running) -> None:
    scheduler = sandbox.client("scheduler")
    of_tasks = make_role(sandbox, "not-of-schedules", "ecs-tasks.amazonaws.com")
    schedule: dict[str, Any] = {
        "Name": "nightly",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": f"arn:aws:ecs:eu-central-1:{ACCOUNT}:cluster/live", "RoleArn": of_tasks},
    }
    code, message = refused(scheduler.create_schedule, **schedule)
    assert (code, "must allow AWS EventBridge Scheduler to assume the role" in message) == ("ValidationException", True)
    schedule["Target"]["RoleArn"] = make_role(sandbox, "of-schedules", "scheduler.amazonaws.com")

    def made() -> bool:
        """A role that was just made is not there at once."""
        try:
            return bool(scheduler.create_schedule(**schedule)["ScheduleArn"])
        except scheduler.exceptions.ValidationException:
            return False

    eventually(made)


def stopped(world: World, definition: str) -> dict[str, Any]:
    """Run a task once; how it ended."""
    ecs = world.client("ecs")
    network = {"awsvpcConfiguration": {"subnets": world.subnets}}
    (task,) = ecs.run_task(cluster="tests", taskDefinition=definition, networkConfiguration=network)["tasks"]

    def ended() -> Any:
        (found,) = ecs.describe_tasks(cluster="tests", tasks=[task["taskArn"]])["tasks"]
        return found if found["lastStatus"] == "STOPPED" else None

    return dict(eventually(ended, timeout=240))


@pytest.mark.long
def test_containers_are_held_to_their_task_role_and_starts_to_the_execution_role(world: World) -> None:
    secret = world.client("secretsmanager").create_secret(Name="held", SecretString="x")["ARN"]
    pull = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"]
    execution = make_role(world.running, "held-execution", "ecs-tasks.amazonaws.com", **allow(pull))
    ask = (
        "import json, os, urllib.request as u; r = u.Request(os.environ['AWS_ENDPOINT_URL'], b'{}', {'X-Amz-Target':"
        " 'AmazonEC2ContainerServiceV20141113.ListClusters', 'Content-Type': 'application/x-amz-json-1.1', 'Authorization':"
        " 'AWS4-HMAC-SHA256 Credential=' + os.environ['AWS_ACCESS_KEY_ID'] + '/20260101/eu-central-1/ecs/aws4_request'});"
        "u.urlopen(r)"
    )

    def run(**more: Any) -> dict[str, Any]:
        definition = world.define("held", command=[ask], executionRoleArn=execution, **more)
        return stopped(world, definition)

    may = make_role(world.running, "held-may", "ecs-tasks.amazonaws.com", **allow("ecs:ListClusters"))
    may_not = make_role(world.running, "held-may-not", "ecs-tasks.amazonaws.com", **allow("s3:*"))
    untrusted = make_role(world.running, "held-untrusted", "lambda.amazonaws.com")
    eventually(lambda: run(taskRoleArn=may)["containers"][0].get("exitCode") == 0)
    assert run(taskRoleArn=may_not)["containers"][0]["exitCode"] == 1
    assert f"ECS was unable to assume the role '{untrusted}'" in run(taskRoleArn=untrusted)["stoppedReason"]
    reason = run(taskRoleArn=may, secrets=[{"name": "S", "valueFrom": secret}])["stoppedReason"]
    assert "is not authorized to perform: secretsmanager:GetSecretValue on resource: " + secret in reason
