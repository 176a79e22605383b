"""Policies of deployers: every action exists, each role stays within its bounds, and no trust policy has a wildcard subject."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.filter.deployer import deployer_policy
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import RoleNames
from ansible_collections.pear.fargate.plugins.module_utils.environment.deployer import Others, grants, render
from ansible_collections.pear.fargate.plugins.module_utils.environment.github_trust import Workflows, github_subjects
from cloudsplaining.scan.policy_document import PolicyDocument

from sandbox.laws.iam.actions import action as reference
from sandbox.laws.iam.calls import Account, ApiCall, Scope
from sandbox.laws.iam.dependencies import SERVICE_ROLES, ServiceRole
from sandbox.laws.iam.needs import needs
from sandbox.laws.iam.policies import Request, Rights, evaluate
from tests.support.iam_calls import granted_by_calls

FILES = Path(__file__).resolve().parents[3] / "roles/deployer/files"
PLACE = ArnScope("eu-central-1", "123456789012")
HERE = f"{PLACE.region}:{PLACE.account}"
KEY = f"arn:aws:kms:{HERE}:key/1"
PROVISION = (
    "provision",
    "provision-balancing",
    "provision-data",
    "provision-experiments",
    "provision-network",
    "provision-services",
    "provision-traces",
)
GAMEDAY = ("gameday", "gameday-faults")
KINDS = ("read-only", "exec", "rollback", "release", *GAMEDAY, *PROVISION, "destroy")
# IAM's limits: of all inline policies of a role together, and of a managed policy.
_INLINE, _MANAGED = 10240, 6144
_OTHERS = {"ec2", "ecr", "acm", "elasticfilesystem", "route53", "logs", "cloudwatch"}


def _room(kind: str) -> int:
    return _MANAGED if kind.startswith(("provision-", "gameday-")) else _INLINE


def policy(kind: str) -> dict[str, Any]:
    return render((FILES / f"{kind}.json").read_text(), PLACE, "staging")


def actions(kind: str) -> list[str]:
    return [action for statement in policy(kind)["Statement"] for action in statement["Action"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_exists_and_none_is_a_pattern(kind: str) -> None:
    assert [action for action in sorted(set(actions(kind))) if reference(action) is None] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_is_one_that_a_call_needs(kind: str) -> None:
    assert [action for action in sorted(set(actions(kind))) if action.lower() not in granted_by_calls()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_condition_is_on_a_key_that_the_action_has(kind: str) -> None:
    """A condition on a key that a request never has would allow nothing."""
    for statement in policy(kind)["Statement"]:
        keys = {key.lower().partition("/")[0] for keys in statement.get("Condition", {}).values() for key in keys}
        for name in statement["Action"]:
            known = reference(name)
            assert known is not None
            has = known.keys.union(*(kind.keys for kind in known.types), _EVERYWHERE)
            assert keys <= has, f"{statement['Sid']}: {name} has no {keys - has}"


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
_EVERYWHERE = {"aws:requestedregion"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_filled_in_and_the_policy_fits_into_a_role(kind: str) -> None:
    written = json.dumps(policy(kind), separators=(",", ":"))
    assert "${" not in written
    assert len(written) < _room(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_also_with_long_names_in_a_partition_with_long_arns_under_a_boundary(kind: str) -> None:
    place = ArnScope("us-gov-west-1", "123456789012", "aws-us-gov")
    bound = replace(grants(place, "x" * 28), boundary=f"arn:aws-us-gov:iam::123456789012:policy/{'b' * 40}")
    subnets = [f"subnet-{number:017x}" for number in range(6)]
    others = Others.of(place, {**OF_OTHERS, "network": {**OF_OTHERS["network"], "private_subnet_ids": subnets}})
    bound = replace(bound, others=others, zones=("z" * 60, "y" * 60))
    document = render((FILES / f"{kind}.json").read_text(), place, "x" * 28, bound)
    written = json.dumps(document, separators=(",", ":"))
    assert len(written) < _room(kind)


def test_a_composite_alarm_is_put_which_cloudwatch_allows_on_all_alarms_alone() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"""
    everything = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
    assert allowed("provision", "cloudwatch:PutCompositeAlarm", everything)
    assert not allowed("provision", "cloudwatch:PutMetricAlarm", everything)


def test_the_first_experiment_may_make_its_service_linked_role_and_no_other() -> None:
    linked = role("aws-service-role/fis.amazonaws.com/AWSServiceRoleForFIS")
    made = "iam:CreateServiceLinkedRole"
    assert allowed("provision-experiments", made, linked, iam__a_w_s_service_name="fis.amazonaws.com")
    assert not allowed("provision-experiments", made, linked, iam__a_w_s_service_name="rds.amazonaws.com")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_anywhere_is_bounded(kind: str) -> None:
    """A statement on every resource reads, or is bounded by a condition, or is of a service that knows no names."""
    for statement in policy(kind)["Statement"]:
        writes = [
            action
            for action in statement["Action"]
            if not action.partition(":")[2].startswith(("Describe", "Get", "List", "BatchGet"))
        ]
        if statement["Resource"] == ["*"] and writes and "Condition" not in statement:
            # IAM cannot name a saved query, and CloudWatch asks for all alarms where a composite one is put.
            writes = [action for action in writes if not action.endswith(("QueryDefinition", "PutCompositeAlarm"))]
            assert {action.partition(":")[0] for action in writes} <= {"route53", "ecs"}, statement
            assert {action for action in writes if action.startswith("ecs:")} <= {"ecs:DeregisterTaskDefinition"}


def test_rollback_cannot_touch_the_network_nor_roles_nor_images() -> None:
    for action in actions("rollback"):
        service, _, name = action.partition(":")
        # It marks itself on the service's dashboard.
        if action != "cloudwatch:PutDashboard" and service in _OTHERS:
            assert name.startswith(("Describe", "Get", "List")), action
        assert service != "iam" or name in {"PassRole", "CreateServiceLinkedRole"}
    assert "ecs:RegisterTaskDefinition" not in actions("rollback")


def test_read_only_writes_nothing_and_reads_no_secret() -> None:
    assert [
        action
        for action in actions("read-only")
        if not action.partition(":")[2].startswith(("Describe", "Get", "List", "Query", "BatchGet", "Filter"))
    ] == ["kms:Decrypt"]
    assert not {"secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters"} & set(actions("read-only"))


@pytest.mark.parametrize("kind", ["read-only", "rollback", "release"])
def test_a_key_is_used_for_the_ledger_and_for_nothing_else(kind: str) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    for service, expected in (("dynamodb", True), ("secretsmanager", False), ("s3", False)):
        assert allowed(kind, "kms:Decrypt", key, kms__viaservice=f"{service}.eu-central-1.amazonaws.com") is expected
    assert not allowed(kind, "kms:Decrypt", key)
    assert not allowed(kind, "kms:CreateGrant", key, kms__viaservice="dynamodb.eu-central-1.amazonaws.com")


@pytest.mark.parametrize(("kind", "expected"), [("rollback", True), ("release", True), ("read-only", False)])
def test_who_releases_tells_the_topic_of_releases_and_no_other(kind: str, expected: bool) -> None:
    def topic(name: str) -> str:
        return f"arn:aws:sns:eu-central-1:123456789012:{name}"

    assert allowed(kind, "sns:Publish", topic("staging-releases")) is expected
    assert not allowed(kind, "sns:Publish", topic("staging-alarms"))
    assert not allowed(kind, "sns:Publish", topic("production-releases"))
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    sns = {"kms__viaservice": "sns.eu-central-1.amazonaws.com"}
    assert allowed(kind, "kms:GenerateDataKey", key, **sns) is expected
    assert not allowed(kind, "kms:GenerateDataKey", key, kms__viaservice="dynamodb.eu-central-1.amazonaws.com")


@pytest.mark.parametrize("kind", ["rollback", "release"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("staging-eu-central-1-scores", True),
        ("staging-eu-west-1-scores", False),
        ("production-eu-central-1-scores", False),
    ],
)
def test_who_releases_marks_that_on_dashboards_of_the_environment(kind: str, name: str, expected: bool) -> None:
    for action in ("cloudwatch:GetDashboard", "cloudwatch:PutDashboard"):
        assert allowed(kind, action, f"arn:aws:cloudwatch::123456789012:dashboard/{name}") is expected


def test_a_game_day_may_release_as_who_releases_and_pushes_no_image() -> None:
    """It releases bad versions of images that are there."""
    release, gameday = (
        {
            (statement["Sid"], action)
            for statement in json.loads((FILES / f"{kind}.json").read_text())["Statement"]
            for action in statement["Action"]
        }
        for kind in ("release", "gameday")
    )
    assert {sid for sid, _ in release - gameday} == {"LogIn", "PushImages", "PushImagesToOthers", "ReadImages"}


def test_further_topics_of_releases_are_named() -> None:
    own = "arn:aws:sns:eu-central-1:123456789012:team-releases"
    document = deployer_policy(
        (FILES / "rollback.json").read_text(),
        {"name": "staging", "region": PLACE.region, "account": PLACE.account, "caller": "arn:aws:iam::1:user/ci"},
        roles={"topics": [own]},
    )
    assert evaluate(Rights((document,)), Request("sns:Publish", own, {})).allowed


def test_a_shell_is_opened_in_tasks_of_the_environment_alone_and_nothing_else_is_done() -> None:
    writes = {name for name in actions("exec") if not name.partition(":")[2].startswith(("Describe", "List"))}
    assert writes == {"ecs:ExecuteCommand"}
    ours, theirs = ({"aws__resourcetag/pear:environment": name} for name in ("staging", "production"))
    task = f"arn:aws:ecs:{HERE}:task/staging/abc"
    assert allowed("exec", "ecs:ExecuteCommand", task, **ours)
    assert not allowed("exec", "ecs:ExecuteCommand", task, **theirs) and not allowed("exec", "ecs:ExecuteCommand", task)
    assert not allowed("exec", "ecs:ExecuteCommand", f"arn:aws:ecs:{HERE}:task/production/abc", **ours)
    assert "ecs:ExecuteCommand" not in {name for kind in KINDS if kind != "exec" for name in actions(kind)}


def test_who_provisions_cannot_write_the_roles_of_deployers() -> None:
    for statement in policy("provision")["Statement"]:
        if any(action.startswith("iam:") and action != "iam:CreateServiceLinkedRole" for action in statement["Action"]):
            assert all(":role/staging-" in resource for resource in statement["Resource"])


def allowed(kind: str, action: str, resource: str, **keys: str) -> bool:
    context = {key.replace("__", ":").replace("_", ""): [value] for key, value in keys.items()}
    return evaluate(Rights((policy(kind),)), Request(action, resource, context)).allowed


# What an inventory may name of others.
BALANCER = f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/corp/50dc6c495c0c9188"
OF_OTHERS: dict[str, Any] = {
    "cluster": "corp",
    "load_balancer": BALANCER.replace(":loadbalancer/", ":listener/") + "/f2f7dc8efc522ab2",
    "network": {
        "vpc_id": "vpc-0123456789abcdef0",
        "public_subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa"],
        "private_subnet_ids": ["subnet-0cccccccccccccccc", "subnet-0dddddddddddddddd"],
    },
    "log_groups": ["/corp/portal"],
    "repositories": ["portal"],
    "task_roles": ["arn:aws:iam::123456789012:role/corp-task"],
}


def beside(kind: str, named: Mapping[str, Any] = OF_OTHERS) -> Rights:
    """The policy of an environment beside what others have."""
    granted = replace(grants(PLACE, "staging"), others=Others.of(PLACE, named))
    return Rights((render((FILES / f"{kind}.json").read_text(), PLACE, "staging", granted),))


def may(rights: Rights, action: str, resource: str, **keys: str) -> bool:
    context = {f"aws:{key.replace('__', '/pear:').replace('_', '')}": [value] for key, value in keys.items()}
    return evaluate(rights, Request(action, resource, context)).allowed


RULE = f"arn:aws:elasticloadbalancing:{HERE}:listener-rule/app/corp/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee"
LISTENER = f"arn:aws:elasticloadbalancing:{HERE}:listener/app/corp/50dc6c495c0c9188/f2f7dc8efc522ab2"
SERVICE = f"arn:aws:ecs:{HERE}:service/corp/portal-blue"


@pytest.mark.parametrize(
    ("kind", "action", "resource"),
    [
        *((kind, "elasticloadbalancing:ModifyRule", RULE) for kind in ("release", "rollback", "gameday")),
        *((kind, "ecs:UpdateService", SERVICE) for kind in ("release", "rollback", "gameday")),
        ("release", "ecs:StopTask", f"arn:aws:ecs:{HERE}:task/corp/1"),
        ("exec", "ecs:ExecuteCommand", f"arn:aws:ecs:{HERE}:task/corp/1"),
        ("provision-services", "elasticloadbalancing:ModifyRule", RULE),
        ("destroy", "elasticloadbalancing:DeleteRule", RULE),
        ("destroy", "ecs:DeleteService", SERVICE),
    ],
)
def test_beside_others_only_what_carries_the_environments_tag_is_changed(kind: str, action: str, resource: str) -> None:
    rights = beside(kind)
    assert may(rights, action, resource, resource_tag__environment="staging")
    assert not may(rights, action, resource, resource_tag__environment="production")
    assert not may(rights, action, resource), "of others"
    assert not may(Rights((policy(kind),)), action, resource, resource_tag__environment="staging"), (
        "where none is named"
    )


@pytest.mark.parametrize(
    ("kind", "action", "resource"),
    [
        ("release", "ecs:CreateService", SERVICE),
        ("provision-services", "elasticloadbalancing:CreateRule", LISTENER),
    ],
)
def test_beside_others_what_is_made_carries_the_environments_tag(kind: str, action: str, resource: str) -> None:
    rights = beside(kind)
    assert may(rights, action, resource, request_tag__environment="staging")
    assert not may(rights, action, resource, request_tag__environment="production")


@pytest.mark.parametrize("kind", ["release", "rollback", "gameday", "provision-services"])
def test_nobody_puts_the_environments_tag_on_what_others_have(kind: str) -> None:
    """It would be theirs to change from then on."""
    tagging = "elasticloadbalancing:AddTags" if kind == "provision-services" else "ecs:TagResource"
    resource = RULE if kind == "provision-services" else SERVICE
    rights = beside(kind)
    assert not may(rights, tagging, resource, request_tag__environment="staging")
    created = {"elasticloadbalancing:createaction": ["CreateRule"], "ecs:createaction": ["CreateService"]}
    request = Request(tagging, resource, {**created, "aws:requesttag/pear:environment": ["staging"]})
    assert evaluate(rights, request).allowed


def test_the_environments_own_rules_are_changed_whoever_made_them() -> None:
    """A rule by hand to both target groups of a service takes part in its releases, and has no tag of ours."""
    own = RULE.replace("/corp/", "/staging/")
    assert allowed("release", "elasticloadbalancing:ModifyRule", own)
    assert not allowed("release", "elasticloadbalancing:ModifyRule", RULE)


def test_in_the_network_of_others_security_groups_and_mount_targets_are_made_and_nothing_else() -> None:
    rights = beside("provision-services")
    vpc, subnet = f"arn:aws:ec2:{HERE}:vpc/vpc-0123456789abcdef0", f"arn:aws:ec2:{HERE}:subnet/subnet-0cccccccccccccccc"
    assert may(rights, "ec2:CreateSecurityGroup", vpc) and may(rights, "ec2:CreateNetworkInterface", subnet)
    assert not may(rights, "ec2:CreateSecurityGroup", f"arn:aws:ec2:{HERE}:vpc/vpc-1")
    assert not may(rights, "ec2:CreateSubnet", vpc)
    without = render((FILES / "provision-services.json").read_text(), PLACE, "staging")
    assert "UseTheNetworkOfOthers" not in {statement["Sid"] for statement in without["Statement"]}
    assert [statement for statement in without["Statement"] if not statement["Resource"]] == []


def test_log_groups_and_roles_of_others_are_read_where_they_are_named() -> None:
    group, task_role = f"arn:aws:logs:{HERE}:log-group:/corp/portal:log-stream:app/1", role("corp-task")
    for kind in ("read-only", "release", "rollback", "gameday"):
        assert may(beside(kind), "logs:GetLogEvents", group) and not allowed(kind, "logs:GetLogEvents", group)
    assert may(beside("provision-services"), "logs:PutMetricFilter", group.replace(":app/1", ":"))
    assert not may(beside("provision-services"), "logs:PutRetentionPolicy", group)
    for kind in ("read-only", "release", "provision"):
        assert may(beside(kind), "iam:GetRole", task_role) and not allowed(kind, "iam:GetRole", task_role)


def test_images_are_pushed_to_repositories_of_ours_and_to_those_that_are_named() -> None:
    """In a repository of others an image would run with the permissions of whoever runs it."""
    others, named = (f"arn:aws:ecr:{HERE}:repository/{name}" for name in ("payroll", "portal"))
    for action in ("ecr:PutImage", "ecr:InitiateLayerUpload"):
        assert may(Rights((policy("release"),)), action, others, resource_tag__component="registry")
        assert not may(Rights((policy("release"),)), action, others)
        assert may(beside("release"), action, named) and not may(beside("release"), action, others)
    for action in ("ecr:PutLifecyclePolicy", "ecr:PutImageTagMutability"):
        assert may(Rights((policy("provision-services"),)), action, others, resource_tag__component="registry")
        assert not may(Rights((policy("provision-services"),)), action, others)


@pytest.mark.parametrize("kind", ["release", "rollback", "gameday", "destroy"])
def test_only_ecs_services_are_taken_in_and_out_of_autoscaling(kind: str) -> None:
    target = f"arn:aws:application-autoscaling:{HERE}:scalable-target/1"
    for action in (
        name for name in actions(kind) if name.startswith("application-autoscaling:D") and "Describe" not in name
    ):
        for namespace, expected in (("ecs", True), ("dynamodb", False)):
            request = Request(action, target, {"application-autoscaling:service-namespace": [namespace]})
            assert evaluate(Rights((policy(kind),)), request).allowed is expected, action


@pytest.mark.parametrize("kind", ["provision", "destroy"])
def test_records_of_the_inventorys_zones_alone_are_changed(kind: str) -> None:
    named = {"name": "staging", "region": PLACE.region, "account": PLACE.account, "caller": "arn:aws:iam::1:user/ci"}
    text = (FILES / f"{kind}.json").read_text()
    rights = Rights((deployer_policy(text, named, roles={"zones": ["Example.com."]}),))
    zone, key = "arn:aws:route53:::hostedzone/Z1", "route53:changeresourcerecordsetsnormalizedrecordnames"

    def changes(*names: str) -> bool:
        return evaluate(rights, Request("route53:ChangeResourceRecordSets", zone, {key: names})).allowed

    assert changes("example.com", "_acme.scores.example.com")
    assert not changes("scores.example.com", "scores.example.org") and not changes("anexample.com")
    without = deployer_policy(text, named)["Statement"]
    assert not any("route53:ChangeResourceRecordSets" in statement["Action"] for statement in without)


def test_backups_are_selected_by_plans_of_the_environment() -> None:
    plan = f"arn:aws:backup:{HERE}:backup-plan:1"
    rights = Rights((policy("provision-data"),))
    assert may(rights, "backup:CreateBackupPlan", plan, request_tag__environment="staging")
    assert may(rights, "backup:CreateBackupSelection", plan, resource_tag__environment="staging")
    assert not may(rights, "backup:CreateBackupSelection", plan)
    assert not may(rights, "backup:CreateBackupPlan", plan)


def role(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


@pytest.mark.parametrize("kind", ["release", "rollback"])
@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        pytest.param("staging-eu-central-1-web-task", "ecs-tasks.amazonaws.com", True, id="a task role"),
        pytest.param("staging-eu-central-1-web-execution", "ecs-tasks.amazonaws.com", True, id="an execution role"),
        pytest.param("staging-eu-central-1-web-schedule", "scheduler.amazonaws.com", True, id="the role of schedules"),
        pytest.param("staging-eu-central-1-web-infrastructure", "ecs.amazonaws.com", True, id="the role of volumes"),
        pytest.param("staging-eu-central-1-web-task", "ecs.amazonaws.com", False, id="a task role to ECS itself"),
        pytest.param(
            "staging-eu-central-1-web-infrastructure",
            "ecs-tasks.amazonaws.com",
            False,
            id="the role of volumes to tasks",
        ),
        pytest.param(
            "staging-eu-central-1-web-task", "lambda.amazonaws.com", False, id="a task role to another service"
        ),
        pytest.param(
            "staging-eu-central-1-web-task", "scheduler.amazonaws.com", False, id="a task role to the scheduler"
        ),
        pytest.param("staging-eu-central-1-backup", "ecs-tasks.amazonaws.com", False, id="the role of backups"),
        pytest.param("staging-eu-central-1-flow-log", "ecs-tasks.amazonaws.com", False, id="the role of flow logs"),
        pytest.param("pear-deployer-staging-provision", "ecs-tasks.amazonaws.com", False, id="a deployer's role"),
        pytest.param("staging-eu-west-1-web-task", "ecs-tasks.amazonaws.com", False, id="another region's"),
        pytest.param("production-eu-central-1-web-task", "ecs-tasks.amazonaws.com", False, id="another environment's"),
        pytest.param("admin", "ecs-tasks.amazonaws.com", False, id="a foreign role"),
    ],
)
def test_only_roles_of_services_are_passed_and_only_to_what_they_are_for(
    kind: str, name: str, service: str, expected: bool
) -> None:
    assert allowed(kind, "iam:PassRole", role(name), iam__passed_to_service=service) is expected


def test_who_provisions_removes_further_rules_and_no_others() -> None:
    rule = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/staging/1/2/3"

    def removes(**tags: str) -> bool:
        keys = {f"aws:resourcetag/pear:{name}": [value] for name, value in tags.items()}
        rights = Rights((policy("provision"), policy("provision-services")))
        return evaluate(rights, Request("elasticloadbalancing:DeleteRule", rule, keys)).allowed

    assert removes(environment="staging", rule="countries")
    assert not removes(environment="staging") and not removes(rule="countries")
    assert not removes(environment="production", rule="countries")


def test_who_provisions_removes_further_target_groups_and_no_other_target_group_or_listener() -> None:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:"
    rights = Rights((policy("provision"), policy("provision-balancing")))

    def removes(action: str, resource: str, **tags: str) -> bool:
        keys = {f"aws:resourcetag/pear:{name}": [value] for name, value in tags.items()}
        return evaluate(rights, Request(f"elasticloadbalancing:{action}", arn + resource, keys)).allowed

    group, listener = "targetgroup/staging-web-game/1", "listener/net/staging-games/1/2"
    ours = {"environment": "staging", "target-group": "game"}
    assert removes("DeleteTargetGroup", group, **ours) and removes("DeleteListener", listener, **ours)
    assert not removes("DeleteTargetGroup", group, environment="staging")
    assert not removes("DeleteListener", listener, environment="production", **{"target-group": "game"})
    assert not removes("DeleteListener", "listener/net/corp/1/2", **ours)


@pytest.mark.parametrize("kind", ["release", "rollback", "gameday"])
def test_who_releases_moves_connections_of_network_services_and_changes_no_other_listener(kind: str) -> None:
    arn, rights = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/", Rights((policy(kind),))

    def moves(resource: str, **tags: str) -> bool:
        keys = {f"aws:resourcetag/pear:{name}": [value] for name, value in tags.items()}
        return evaluate(rights, Request("elasticloadbalancing:ModifyListener", arn + resource, keys)).allowed

    ours = {"environment": "staging", "target-group": "production.listener"}
    assert moves("net/staging-games/1/2", **ours)
    # That of a further target group has one target group, and no weights.
    assert not moves("net/staging-games/1/2", **{**ours, "target-group": "game"})
    assert not moves("net/staging-games/1/2", **{**ours, "environment": "production"})
    assert not moves("app/staging/1/2", **ours) and not moves("net/corp/1/2", **ours)


def test_roles_of_named_services_alone_are_passed_also_where_names_are_long() -> None:
    long = "a-service-with-a-name-that-is-longer-than-roles-may-be-in-iam-and-more"
    named = grants(PLACE, "staging", ["web", long], ["arn:aws:iam::123456789012:role/corp-task"])
    document = render((FILES / "release.json").read_text(), PLACE, "staging", named)
    rights = Rights((document,))

    def passes(name: str, service: str = "ecs-tasks.amazonaws.com") -> bool:
        return evaluate(rights, Request("iam:PassRole", role(name), {"iam:passedtoservice": [service]})).allowed

    names = RoleNames("staging", "eu-central-1")
    assert passes("staging-eu-central-1-web-task") and passes(names.task(long)) and passes("corp-task")
    assert passes(names.schedule(long), "scheduler.amazonaws.com")
    assert not passes("staging-eu-central-1-other-task") and not passes("staging-eu-central-1-web-extra-task")
    assert names.task(long).endswith("-task") and len(names.task(long)) == 64


@pytest.mark.parametrize("kind", ["release", "rollback"])
def test_the_first_scalable_target_may_make_its_service_linked_role_and_no_other(kind: str) -> None:
    linked = (
        "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
    own = {"iam__a_w_s_service_name": "ecs.application-autoscaling.amazonaws.com"}
    assert allowed(kind, "iam:CreateServiceLinkedRole", role(linked), **own)
    other = {"iam__a_w_s_service_name": "rds.amazonaws.com"}
    assert not allowed(kind, "iam:CreateServiceLinkedRole", role("aws-service-role/rds.amazonaws.com/x"), **other)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("ec2:CreateSubnet", "arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1"),
        ("ec2:DeleteNatGateway", "arn:aws:ec2:eu-central-1:123456789012:natgateway/nat-1"),
        ("ec2:CreateTags", "arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1"),
        ("ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1"),
        (
            "elasticfilesystem:PutFileSystemPolicy",
            "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1",
        ),
        ("acm:ImportCertificate", "arn:aws:acm:eu-central-1:123456789012:certificate/1"),
    ],
)
def test_who_provisions_changes_no_network_files_or_certificate_of_others(action: str, resource: str) -> None:
    def may(**keys: str) -> bool:
        context = {f"aws:{key.replace('_', '')}/pear:environment": [value] for key, value in keys.items()}
        return evaluate(Rights((policy("provision-network"),)), Request(action, resource, context)).allowed

    assert may(resource_tag="staging")
    assert not may(resource_tag="production")
    assert not may()


def test_a_boundary_is_required_of_every_role_that_is_made() -> None:
    boundary = "arn:aws:iam::123456789012:policy/bounds"
    for kind, made in (
        ("provision", "iam:CreateRole"),
        ("provision", "iam:PutRolePolicy"),
        # A role that an administrator made, with more permissions, must not be made to trust who provisions.
        ("provision", "iam:UpdateAssumeRolePolicy"),
        ("provision-data", "iam:AttachRolePolicy"),
    ):
        text = (FILES / f"{kind}.json").read_text()
        bound = Rights((render(text, PLACE, "staging", replace(grants(PLACE, "staging"), boundary=boundary)),))
        managed = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
        keys = {"iam:policyarn": [managed]}
        assert evaluate(
            bound, Request(made, role("staging-eu-central-1-backup"), keys | {"iam:permissionsboundary": [boundary]})
        ).allowed
        assert not evaluate(bound, Request(made, role("staging-eu-central-1-backup"), keys)).allowed
        assert not evaluate(
            bound, Request(made, role("staging-eu-central-1-backup"), keys | {"iam:permissionsboundary": ["x"]})
        ).allowed
        assert evaluate(Rights((policy(kind),)), Request(made, role("staging-eu-central-1-backup"), keys)).allowed
    # Nothing takes a boundary away.
    assert not any("DeleteRolePermissionsBoundary" in action for kind in KINDS for action in actions(kind))


def roles_made() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((FILES.parents[1]).glob("*/tasks/*.yml")):
        left = list(yaml.safe_load(path.read_text()) or [])
        while left:
            task = left.pop()
            left += [inner for part in ("block", "rescue", "always") for inner in task.get(part, [])]
            options = task.get("pear.fargate.ecs_task_role", {})
            if options and options.get("state") != "absent":
                yield f"{path.parents[1].name}: {task['name']}", options


def test_every_role_that_is_made_can_have_a_boundary() -> None:
    made = dict(roles_made())
    assert len(made) >= 8
    assert [name for name, options in made.items() if "permissions_boundary" not in options] == []


# What remains where conditions and resources are not looked at. A release makes tasks of task definitions: that is its purpose,
# and a test above says which roles it can pass. Who provisions makes roles, which a permissions boundary limits.
_ECS = {
    "PassExistingRoleToNewECSService",
    "PassExistingRoleToNewECSTaskViaRunTask",
}
# A shell in a task has what the task's role has: that is the purpose of exec, and no other policy has it.
_WAYS = {
    "exec": {"ECSExecuteCommandOnRunningTask"},
    "release": _ECS,
    "gameday": _ECS,
    "provision": {"PutRolePolicy", "PutRolePolicyThenUpdateAssumeRolePolicy", "UpdateRolePolicyToAssumeIt"},
    "provision-data": {"AttachRolePolicy"},
}


def ways_up(kind: str, **looked_at: bool) -> set[str]:
    """Ways from a policy to more permissions, as cloudsplaining knows them."""
    return {way["type"] for way in PolicyDocument(policy(kind), **looked_at).allows_privilege_escalation}


@pytest.mark.parametrize("kind", KINDS)
def test_no_policy_leaves_a_way_to_more_permissions(kind: str) -> None:
    assert ways_up(kind) == set()
    everything = ways_up(kind, flag_conditional_statements=True, flag_resource_arn_statements=True)
    assert everything == _WAYS.get(kind, set())


@pytest.mark.parametrize("kind", ["read-only", "exec", "release", "rollback", "gameday", "destroy"])
def test_who_does_not_provision_gives_no_permissions(kind: str) -> None:
    giving = {
        action
        for action in actions(kind)
        if (known := reference(action)) is not None
        and known.access_level == "Permissions management"
        and known.service in {"iam", "kms", "s3", "sts"}
    }
    # Who destroys takes roles away.
    taking = {"iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole"}
    assert giving <= {"iam:PassRole", "iam:CreateServiceLinkedRole"} | (taking if kind == "destroy" else set())


def test_trust_names_branches_and_environments_exactly() -> None:
    subjects = github_subjects(Workflows("example/scores", ("main",), ("production",)))
    trust = render(
        (FILES / "github-trust.json").read_text(),
        PLACE,
        "staging",
        replace(grants(PLACE, "staging"), subjects=tuple(subjects)),
    )
    equals = trust["Statement"][0]["Condition"]["StringEquals"]
    assert equals["token.actions.githubusercontent.com:sub"] == [
        "repo:example/scores:ref:refs/heads/main",
        "repo:example/scores:environment:production",
    ]
    assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


@pytest.mark.parametrize("made", SERVICE_ROLES, ids=lambda made: made.service)
def test_whoever_makes_the_first_call_may_make_its_service_linked_role(made: ServiceRole) -> None:
    """A role that may make the call, and not what it needs, would fail in a new account alone."""
    arn = role(f"aws-service-role/{made.service}/{made.name}")
    request = Request("iam:CreateServiceLinkedRole", arn, {"iam:awsservicename": [made.service]})
    provisions = Rights(tuple(policy(kind) for kind in PROVISION))
    for kind in ("release", "rollback", "gameday", "provision", "destroy"):
        rights = provisions if kind == "provision" else Rights((policy(kind),))
        named = {
            name for document in rights.identity for statement in document["Statement"] for name in statement["Action"]
        }
        # ECS has it since the cluster was made.
        first = set(made.calls) - {"ecs:CreateService", "ecs:UpdateService", "ecs:RunTask"} | set(made.tries)
        assert evaluate(rights, request).allowed is bool(first & named), kind


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        ("backup:CreateBackupVault", {"BackupVaultName": "staging-backup", "EncryptionKeyArn": KEY}),
        ("dynamodb:CreateTable", {"TableName": "staging-releases", "SSESpecification": {"KMSMasterKeyId": KEY}}),
        ("dynamodb:UpdateTable", {"TableName": "staging-releases", "SSESpecification": {"KMSMasterKeyId": KEY}}),
        ("ecr:CreateRepository", {"repositoryName": "scores", "encryptionConfiguration": {"kmsKey": KEY}}),
        ("elasticfilesystem:CreateFileSystem", {"KmsKeyId": KEY}),
        (
            "rds:CreateDBInstance",
            {
                "DBInstanceIdentifier": "x",
                "KmsKeyId": KEY,
                "ManageMasterUserPassword": True,
                "MasterUserSecretKmsKeyId": KEY,
            },
        ),
    ],
)
def test_who_provisions_may_use_a_key_of_choice_as_each_service_asks(call: str, parameters: dict[str, Any]) -> None:
    service, _, operation = call.partition(":")
    account = Mock(spec=Account, tags=lambda arn: {}, key_arn=lambda reference: None)
    needed = needs(ApiCall(service, operation, parameters, Scope("aws", PLACE.region, PLACE.account)), account)
    rights = Rights(tuple(policy(kind) for kind in PROVISION))
    of_the_key = [need for need in needed if need.action.startswith("kms:")]
    assert of_the_key
    missing = [
        need.action
        for need in of_the_key
        if not evaluate(rights, Request(need.action, need.resource, need.keys)).allowed
    ]
    assert missing == []
