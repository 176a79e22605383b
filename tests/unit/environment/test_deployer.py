"""Policies of deployers: every action exists, each role stays within its bounds, and no trust policy has a wildcard subject."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.filter.deployer import deployer_policy
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import RoleNames
from ansible_collections.pear.fargate.plugins.module_utils.environment.deployer import grants, render
from ansible_collections.pear.fargate.plugins.module_utils.environment.github_trust import github_subjects
from cloudsplaining.scan.policy_document import PolicyDocument

from sandbox.laws.iam.actions import action as reference
from sandbox.laws.iam.policies import Request, Rights, evaluate
from tests.support.iam_calls import granted_by_calls

FILES = Path(__file__).resolve().parents[3] / "roles/deployer/files"
PLACE = ArnScope("eu-central-1", "123456789012")
PROVISION = (
    "provision",
    "provision-balancing",
    "provision-data",
    "provision-experiments",
    "provision-network",
    "provision-traces",
)
KINDS = ("read-only", "exec", "rollback", "release", "gameday", *PROVISION, "destroy")
# IAM's limits: of all inline policies of a role together, and of a managed policy.
_INLINE, _MANAGED = 10240, 6144
_OTHERS = {"ec2", "ecr", "acm", "elasticfilesystem", "route53", "logs", "cloudwatch"}


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
    assert len(written) < (_MANAGED if kind.startswith("provision-") else _INLINE)


@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_also_with_long_names_in_a_partition_with_long_arns_under_a_boundary(kind: str) -> None:
    place = ArnScope("us-gov-west-1", "123456789012", "aws-us-gov")
    bound = replace(grants(place, "x" * 28), boundary=f"arn:aws-us-gov:iam::123456789012:policy/{'b' * 40}")
    document = render((FILES / f"{kind}.json").read_text(), place, "x" * 28, bound)
    written = json.dumps(document, separators=(",", ":"))
    assert len(written) < (_MANAGED if kind.startswith("provision-") else _INLINE)


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
    assert {sid for sid, _ in release - gameday} == {"LogIn", "PushImages"}


def test_further_topics_of_releases_are_named() -> None:
    own = "arn:aws:sns:eu-central-1:123456789012:team-releases"
    document = deployer_policy(
        (FILES / "rollback.json").read_text(),
        {"name": "staging", "region": PLACE.region, "account": PLACE.account, "caller": "arn:aws:iam::1:user/ci"},
        roles={"topics": [own]},
    )
    assert evaluate(Rights((document,)), Request("sns:Publish", own, {})).allowed


def test_a_shell_is_opened_in_tasks_of_the_environment_alone_and_nothing_else_is_done() -> None:
    writes = [name for name in actions("exec") if not name.partition(":")[2].startswith(("Describe", "List"))]
    assert writes == ["ecs:ExecuteCommand"]
    assert allowed("exec", "ecs:ExecuteCommand", "arn:aws:ecs:eu-central-1:123456789012:task/staging/abc")
    assert not allowed("exec", "ecs:ExecuteCommand", "arn:aws:ecs:eu-central-1:123456789012:task/production/abc")
    assert "ecs:ExecuteCommand" not in {name for kind in KINDS if kind != "exec" for name in actions(kind)}


def test_who_provisions_cannot_write_the_roles_of_deployers() -> None:
    for statement in policy("provision")["Statement"]:
        if any(action.startswith("iam:") and action != "iam:CreateServiceLinkedRole" for action in statement["Action"]):
            assert all(":role/staging-" in resource for resource in statement["Resource"])


def allowed(kind: str, action: str, resource: str, **keys: str) -> bool:
    context = {key.replace("__", ":").replace("_", ""): [value] for key, value in keys.items()}
    return evaluate(Rights((policy(kind),)), Request(action, resource, context)).allowed


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
        rights = Rights((policy("provision"),))
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
    subjects = github_subjects("example/scores", ["main"], ["production"])
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
