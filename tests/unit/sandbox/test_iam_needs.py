"""What a call needs: its actions on its resources, with the keys that AWS has for them, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.laws.iam import needs
from sandbox.laws.iam.calls import Account, ApiCall, Scope

SCOPE = Scope("aws", "eu-central-1", "123456789012")
HERE = "eu-central-1:123456789012"
RULE = f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/live/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
LISTENER = f"arn:aws:elasticloadbalancing:{HERE}:listener/app/live/50dc6c495c0c9188/f2f7dc8efc522ab2"
BALANCER = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/live/50dc6c495c0c9188"
GROUP = f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/live-web-blue/73e2d6bc24d8a067"
TASK_ROLE, EXECUTION_ROLE = (
    "arn:aws:iam::123456789012:role/live-web-task",
    "arn:aws:iam::123456789012:role/live-web-execution",
)
DEFINITION = f"arn:aws:ecs:{HERE}:task-definition/live-web:3"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Known(Account):
    """An account with one service, its roles and its file system."""

    def tags(self, arn: str) -> Mapping[str, str]:
        return {} if "*" in arn else {"pear:environment": "live"}

    def role_arn(self, name: str) -> str | None:
        return {"live-web-task": TASK_ROLE, "deep": "arn:aws:iam::123456789012:role/path/deep"}.get(name)

    def boundary_of(self, role: str) -> str | None:
        return "arn:aws:iam::123456789012:policy/limit" if role == "deep" else None

    def task_definition(self, reference: str) -> Mapping[str, Any] | None:
        roles = {"taskRoleArn": TASK_ROLE, "executionRoleArn": EXECUTION_ROLE}
        return {"taskDefinitionArn": DEFINITION, **roles} if "live-web" in reference else None

    def file_system_of(self, mount_target: str) -> str | None:
        return "fs-0123456789abcdef8"

    def secret_arn(self, reference: str) -> str | None:
        return f"arn:aws:secretsmanager:{HERE}:secret:{reference}-AbCdEf" if reference == "live/key" else None

    def key_arn(self, reference: str) -> str | None:
        return KEY if reference == "alias/live" else None

    def key_of_topic(self, topic: str) -> str | None:
        return KEY if topic.endswith("live-sealed") else None

    def route_table_of(self, association: str) -> str | None:
        return "rtb-0123456789abcdef0"


def of(name: str, **parameters: Any) -> list[tuple[str, str]]:
    """The actions and resources of a call."""
    service, _, operation = name.partition(":")
    return [
        (need.action, need.resource) for need in needs.needs(ApiCall(service, operation, parameters, SCOPE), Known())
    ]


def keys_of(name: str, **parameters: Any) -> dict[str, list[str]]:
    """The condition keys of a call's first need."""
    service, _, operation = name.partition(":")
    first = next(needs.needs(ApiCall(service, operation, parameters, SCOPE), Known()))
    return {key: list(values) for key, values in first.keys.items()}


def ec2(kind: str, name: str = "*") -> str:
    return f"arn:aws:ec2:{HERE}:{kind}/{name}"


VPC, SUBNET = "vpc-0123456789abcdef1", "subnet-0123456789abcdef1"


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        pytest.param(
            "elasticloadbalancing:ModifyRule",
            {"RuleArn": RULE, "Actions": [{"Type": "forward", "TargetGroupArn": GROUP}]},
            [("elasticloadbalancing:ModifyRule", RULE)],
            id="the rule, not the target groups that it forwards to",
        ),
        pytest.param(
            "elasticloadbalancing:DescribeRules",
            {"RuleArns": [RULE]},
            [("elasticloadbalancing:DescribeRules", "*")],
            id="reads of ELB take no resource",
        ),
        pytest.param(
            "elasticloadbalancing:CreateRule",
            {"ListenerArn": LISTENER, "Tags": [{"Key": "a", "Value": "b"}]},
            [
                ("elasticloadbalancing:CreateRule", LISTENER),
                ("elasticloadbalancing:AddTags", RULE.rpartition("/")[0] + "/*"),
            ],
            id="a rule with tags",
        ),
        pytest.param(
            "elasticloadbalancing:CreateTargetGroup",
            {"Name": "live-web-blue"},
            [
                (
                    "elasticloadbalancing:CreateTargetGroup",
                    f"arn:aws:elasticloadbalancing:{HERE}:targetgroup/live-web-blue/*",
                ),
                ("ec2:DescribeVpcs", "*"),
            ],
            id="a target group by its name",
        ),
        pytest.param(
            "scheduler:ListSchedules",
            {"GroupName": "live"},
            [("scheduler:ListSchedules", "*")],
            id="lists of schedules take no resource",
        ),
        pytest.param(
            "scheduler:GetSchedule",
            {"Name": "x"},
            [("scheduler:GetSchedule", f"arn:aws:scheduler:{HERE}:schedule/default/x")],
            id="the default group",
        ),
        pytest.param(
            "scheduler:CreateSchedule",
            {"GroupName": "live", "Name": "x", "Target": {"RoleArn": TASK_ROLE, "Arn": "arn:aws:ecs:x"}},
            [("scheduler:CreateSchedule", f"arn:aws:scheduler:{HERE}:schedule/live/x"), ("iam:PassRole", TASK_ROLE)],
            id="the role of a schedule is passed",
        ),
        pytest.param(
            "ecs:DescribeClusters",
            {},
            [("ecs:DescribeClusters", f"arn:aws:ecs:{HERE}:cluster/default")],
            id="the default cluster",
        ),
        pytest.param(
            "ecs:DescribeServices",
            {"cluster": "live", "services": ["a", f"arn:aws:ecs:{HERE}:service/live/b"]},
            [
                ("ecs:DescribeServices", f"arn:aws:ecs:{HERE}:service/live/a"),
                ("ecs:DescribeServices", f"arn:aws:ecs:{HERE}:service/live/b"),
            ],
            id="services by name and by ARN",
        ),
        pytest.param(
            "ecs:UpdateService",
            {"cluster": "live", "service": "web", "desiredCount": 2},
            [("ecs:UpdateService", f"arn:aws:ecs:{HERE}:service/live/web")],
            id="a count passes no role",
        ),
        pytest.param(
            "ecs:UpdateService",
            {"cluster": "live", "service": "web", "taskDefinition": "live-web:3"},
            [
                ("ecs:UpdateService", f"arn:aws:ecs:{HERE}:service/live/web"),
                ("iam:PassRole", TASK_ROLE),
                ("iam:PassRole", EXECUTION_ROLE),
            ],
            id="a task definition passes its roles",
        ),
        pytest.param(
            "ecs:RegisterTaskDefinition",
            {
                "family": "live-web",
                "taskRoleArn": "live-web-task",
                "executionRoleArn": EXECUTION_ROLE,
                "tags": [{"key": "a", "value": "b"}],
            },
            [
                ("ecs:RegisterTaskDefinition", f"arn:aws:ecs:{HERE}:task-definition/live-web:*"),
                ("ecs:TagResource", f"arn:aws:ecs:{HERE}:task-definition/live-web:*"),
                ("iam:PassRole", TASK_ROLE),
                ("iam:PassRole", EXECUTION_ROLE),
            ],
            id="a role by name and one by ARN",
        ),
        pytest.param(
            "ecs:RunTask",
            {"cluster": "live", "taskDefinition": "live-web", "tags": [{"key": "a", "value": "b"}]},
            [
                ("ecs:RunTask", DEFINITION),
                ("ecs:TagResource", f"arn:aws:ecs:{HERE}:task/live/*"),
                ("iam:PassRole", TASK_ROLE),
                ("iam:PassRole", EXECUTION_ROLE),
            ],
            id="the latest revision of a family",
        ),
        pytest.param(
            "ecs:ListTasks",
            {"cluster": "live"},
            [("ecs:ListTasks", f"arn:aws:ecs:{HERE}:container-instance/live/*")],
            id="tasks of a cluster",
        ),
        pytest.param(
            "application-autoscaling:RegisterScalableTarget",
            {"ServiceNamespace": "ecs", "ResourceId": "service/live/web"},
            [
                (
                    "application-autoscaling:RegisterScalableTarget",
                    f"arn:aws:application-autoscaling:{HERE}:scalable-target/*",
                ),
                ("ecs:DescribeServices", f"arn:aws:ecs:{HERE}:service/live/web"),
                ("ecs:UpdateService", f"arn:aws:ecs:{HERE}:service/live/web"),
            ],
            id="a scalable target is its service's too",
        ),
        pytest.param(
            "ec2:CreateVpc",
            {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]},
            [
                ("ec2:CreateVpc", ec2("vpc")),
                ("ec2:CreateTags", ec2("vpc")),
            ],
            id="what is made has no name yet",
        ),
        pytest.param(
            "ec2:CreateSubnet",
            {"VpcId": VPC},
            [("ec2:CreateSubnet", ec2("vpc", VPC)), ("ec2:CreateSubnet", ec2("subnet"))],
            id="the new and the given",
        ),
        pytest.param(
            "ec2:DisassociateRouteTable",
            {"AssociationId": "rtbassoc-0123456789abcdef0"},
            [("ec2:DisassociateRouteTable", ec2("route-table", "rtb-0123456789abcdef0"))],
            id="the route table of an association",
        ),
        pytest.param(
            "ec2:DeleteFlowLogs",
            {"FlowLogIds": ["fl-0123456789abcdef0"]},
            [("ec2:DeleteFlowLogs", ec2("vpc-flow-log", "fl-0123456789abcdef0"))],
            id="flow logs",
        ),
        pytest.param(
            "elasticfilesystem:CreateMountTarget",
            {"FileSystemId": "fs-0123456789abcdef8", "SubnetId": SUBNET, "SecurityGroups": ["sg-0123456789abcdef1"]},
            [
                (
                    "elasticfilesystem:CreateMountTarget",
                    f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-0123456789abcdef8",
                ),
                ("ec2:DescribeSubnets", "*"),
                ("ec2:DescribeNetworkInterfaces", "*"),
                ("ec2:CreateNetworkInterface", ec2("subnet", SUBNET)),
                ("ec2:CreateNetworkInterface", ec2("security-group", "sg-0123456789abcdef1")),
                ("ec2:CreateNetworkInterface", ec2("network-interface")),
            ],
            id="a mount target is a network interface",
        ),
        pytest.param(
            "elasticfilesystem:DeleteMountTarget",
            {"MountTargetId": "fsmt-0123456789abcdef0"},
            [
                (
                    "elasticfilesystem:DeleteMountTarget",
                    f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-0123456789abcdef8",
                ),
                ("ec2:DeleteNetworkInterface", ec2("network-interface")),
            ],
            id="the file system of a mount target",
        ),
        pytest.param(
            "dynamodb:TransactWriteItems",
            {"TransactItems": [{"ConditionCheck": {"TableName": "a"}}, {"Put": {"TableName": "b"}}]},
            [
                ("dynamodb:ConditionCheckItem", f"arn:aws:dynamodb:{HERE}:table/a"),
                ("dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/b"),
            ],
            id="the parts of a transaction",
        ),
        pytest.param(
            "dynamodb:CreateTable",
            {"TableName": "a", "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/live"}},
            [
                ("dynamodb:CreateTable", f"arn:aws:dynamodb:{HERE}:table/a"),
                ("kms:DescribeKey", KEY),
                ("kms:CreateGrant", KEY),
                *(
                    (f"kms:{use}", KEY)
                    for use in ("Decrypt", "GenerateDataKeyWithoutPlaintext", "Encrypt", "GenerateDataKey")
                ),
                *((f"kms:{use}", KEY) for use in ("ReEncryptFrom", "ReEncryptTo")),
            ],
            id="a key of the customer is granted",
        ),
        pytest.param(
            "logs:PutRetentionPolicy",
            {"logGroupName": "/a"},
            [("logs:PutRetentionPolicy", f"arn:aws:logs:{HERE}:log-group:/a:log-stream:")],
            id="log groups have streams",
        ),
        pytest.param(
            "logs:GetLogEvents",
            {"logGroupName": "/a", "logStreamName": "s"},
            [("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/a:log-stream:s")],
            id="a log stream",
        ),
        pytest.param(
            "cloudwatch:DescribeAlarms",
            {"AlarmNames": ["a"]},
            [("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:*")],
            id="all alarms or none",
        ),
        pytest.param(
            "cloudwatch:PutCompositeAlarm",
            {"AlarmName": "a", "AlarmRule": "ALARM(b)"},
            [("cloudwatch:PutCompositeAlarm", f"arn:aws:cloudwatch:{HERE}:alarm:*")],
            id="a composite alarm by whoever may make all",
        ),
        pytest.param(
            "cloudwatch:PutCompositeAlarm",
            {"AlarmName": "a", "AlarmRule": "ALARM(b)", "Tags": [{"Key": "k", "Value": "v"}]},
            [
                ("cloudwatch:PutCompositeAlarm", f"arn:aws:cloudwatch:{HERE}:alarm:*"),
                ("cloudwatch:TagResource", f"arn:aws:cloudwatch:{HERE}:alarm:a"),
            ],
            id="its tags by whoever may tag it",
        ),
        pytest.param(
            "cloudwatch:GetDashboard",
            {"DashboardName": "a"},
            [("cloudwatch:GetDashboard", "arn:aws:cloudwatch::123456789012:dashboard/a")],
            id="no region",
        ),
        pytest.param(
            "iam:GetRole",
            {"RoleName": "deep"},
            [("iam:GetRole", "arn:aws:iam::123456789012:role/path/deep")],
            id="a role with a path",
        ),
        pytest.param(
            "iam:CreateRole",
            {"RoleName": "n", "Path": "/p/", "Tags": [{"Key": "a", "Value": "b"}]},
            [
                ("iam:CreateRole", "arn:aws:iam::123456789012:role/p/n"),
                ("iam:TagRole", "arn:aws:iam::123456789012:role/p/n"),
            ],
            id="a role that is made with tags",
        ),
        pytest.param(
            "secretsmanager:DescribeSecret",
            {"SecretId": "live/key"},
            [("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:{HERE}:secret:live/key-AbCdEf")],
            id="a secret's suffix",
        ),
        pytest.param(
            "route53:ListTagsForResource",
            {"ResourceType": "healthcheck", "ResourceId": "h"},
            [("route53:ListTagsForResource", "arn:aws:route53:::healthcheck/h")],
            id="a health check",
        ),
        pytest.param(
            "route53:ChangeResourceRecordSets",
            {"HostedZoneId": "/hostedzone/Z1"},
            [("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1")],
            id="a hosted zone",
        ),
        pytest.param(
            "s3:HeadBucket",
            {"Bucket": "b"},
            [("s3:ListBucket", "arn:aws:s3:::b")],
            id="an operation with another action",
        ),
        pytest.param(
            "wafv2:AssociateWebACL",
            {"WebACLArn": f"arn:aws:wafv2:{HERE}:regional/webacl/w/1", "ResourceArn": BALANCER},
            [
                ("wafv2:AssociateWebACL", f"arn:aws:wafv2:{HERE}:regional/webacl/w/1"),
                ("wafv2:AssociateWebACL", BALANCER),
                ("elasticloadbalancing:SetWebACL", BALANCER),
            ],
            id="both ends of an association",
        ),
        pytest.param(
            "rds:ModifyDBInstance",
            {"DBInstanceIdentifier": "d"},
            [("rds:ModifyDBInstance", f"arn:aws:rds:{HERE}:db:d")],
            id="a database",
        ),
        pytest.param("sts:GetCallerIdentity", {}, [], id="nothing is needed to ask who one is"),
        pytest.param(
            "nothing:Known", {"Arn": RULE}, [("nothing:Known", "*")], id="an action that the reference does not have"
        ),
    ],
)
def test_a_call_needs_actions_on_resources(
    name: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert of(name, **parameters) == expected


def test_condition_keys_are_those_that_the_action_has() -> None:
    services = keys_of("ecs:ListServices", cluster="live")
    assert services == {"ecs:cluster": [f"arn:aws:ecs:{HERE}:cluster/live"]}
    deleted = keys_of("ec2:DeleteVpc", VpcId=VPC)
    assert deleted["aws:resourcetag/pear:environment"] == ["live"]
    assert "aws:requesttag/pear:environment" not in deleted
    # ChangeResourceRecordSets has no condition on tags: a policy that names some does not allow it.
    assert keys_of("route53:ChangeResourceRecordSets", HostedZoneId="Z1") == {}


def test_the_boundary_of_a_role_is_a_key() -> None:
    limit = ["arn:aws:iam::123456789012:policy/limit"]
    assert keys_of("iam:PutRolePolicy", RoleName="deep")["iam:permissionsboundary"] == limit
    assert keys_of("iam:CreateRole", RoleName="new", PermissionsBoundary=limit[0])["iam:permissionsboundary"] == limit
    assert "iam:permissionsboundary" not in keys_of("iam:CreateRole", RoleName="new")


def test_a_passed_role_says_to_which_service() -> None:
    call = ApiCall("ecs", "RegisterTaskDefinition", {"family": "f", "taskRoleArn": TASK_ROLE}, SCOPE)
    passed = [need for need in needs.needs(call, Known()) if need.action == "iam:PassRole"]
    assert [need.keys["iam:passedtoservice"] for need in passed] == [["ecs-tasks.amazonaws.com"]]


def test_the_arn_in_the_value_of_a_tag_is_no_resource_of_the_call() -> None:
    tags = [{"Key": "pear:listener", "Value": LISTENER}]
    expected = [("elasticloadbalancing:AddTags", GROUP)]
    assert of("elasticloadbalancing:AddTags", ResourceArns=[GROUP], Tags=tags) == expected


def test_a_rule_of_a_security_group_is_about_that_group_and_not_about_its_source() -> None:
    """The source may be a group of another account."""
    source = {"UserIdGroupPairs": [{"GroupId": "sg-0fedcba9876543210"}], "IpProtocol": "-1"}
    rule = {"GroupId": "sg-0123456789abcdef0", "IpPermissions": [source]}
    group = f"arn:aws:ec2:{HERE}:security-group/sg-0123456789abcdef0"
    assert group in [resource for _action, resource in of("ec2:AuthorizeSecurityGroupIngress", **rule)]
    assert not any("sg-0fed" in resource for _action, resource in of("ec2:AuthorizeSecurityGroupIngress", **rule))


def test_the_role_of_encrypted_names_is_passed_to_ecs() -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-tls.html"""
    encrypted = "arn:aws:iam::123456789012:role/corp-tls"
    connect = {"enabled": True, "services": [{"portName": "http", "tls": {"roleArn": encrypted}}]}
    for operation in ("CreateService", "UpdateService"):
        call = ApiCall("ecs", operation, {"cluster": "c", "serviceConnectConfiguration": connect}, SCOPE)
        (passed,) = (need for need in needs.needs(call, Known()) if need.action == "iam:PassRole")
        assert (passed.resource, passed.keys["iam:passedtoservice"]) == (encrypted, ["ecs.amazonaws.com"])


def test_tags_of_what_is_made_name_the_call_that_makes_it() -> None:
    call = ApiCall("ecs", "CreateCluster", {"clusterName": "c", "tags": [{"key": "a", "value": "b"}]}, SCOPE)
    tagging = list(needs.needs(call, Known()))[-1]
    assert (tagging.action, tagging.resource) == ("ecs:TagResource", f"arn:aws:ecs:{HERE}:cluster/c")
    assert tagging.keys["ecs:createaction"] == ["CreateCluster"]
    assert tagging.keys["aws:requesttag/a"] == ["b"]


def test_who_publishes_to_an_encrypted_topic_uses_its_key() -> None:
    topic = f"arn:aws:sns:{HERE}:live-releases"
    assert of("sns:Publish", TopicArn=topic) == [("sns:Publish", topic)]
    sealed = f"arn:aws:sns:{HERE}:live-sealed"
    uses = [("kms:GenerateDataKey", KEY), ("kms:Decrypt", KEY)]
    assert of("sns:Publish", TopicArn=sealed) == [("sns:Publish", sealed), *uses]


def test_rules_and_groups_of_x_ray_are_resources_by_their_names() -> None:
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html"""
    rule, group = f"arn:aws:xray:{HERE}:sampling-rule/live-web", f"arn:aws:xray:{HERE}:group/live-web"
    made = of("xray:CreateSamplingRule", SamplingRule={"RuleName": "live-web"}, Tags=[{"Key": "a", "Value": "b"}])
    assert made == [("xray:CreateSamplingRule", rule), ("xray:TagResource", rule)]
    assert of("xray:UpdateSamplingRule", SamplingRuleUpdate={"RuleName": "live-web"}) == [
        ("xray:UpdateSamplingRule", rule)
    ]
    assert of("xray:DeleteSamplingRule", RuleName="live-web") == [("xray:DeleteSamplingRule", rule)]
    # X-Ray gives a new group an id, which no policy can know.
    assert of("xray:CreateGroup", GroupName="live-web") == [("xray:CreateGroup", f"{group}/*")]
    assert of("xray:UpdateGroup", GroupARN=f"{group}/ABC") == [("xray:UpdateGroup", f"{group}/ABC")]
    assert of("xray:GetGroups") == [("xray:GetGroups", "*")]


@pytest.mark.parametrize(("kind", "path"), [("network", "net"), ("application", "app"), ("", "app")])
def test_each_type_of_load_balancer_is_a_resource_of_its_own(kind: str, path: str) -> None:
    more = {"Type": kind} if kind else {}
    action, resource = of("elasticloadbalancing:CreateLoadBalancer", Name="live-games", **more)[0]
    assert (action, resource) == (
        "elasticloadbalancing:CreateLoadBalancer",
        f"{BALANCER.rpartition('app/')[0]}{path}/live-games/*",
    )
