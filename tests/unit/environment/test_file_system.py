"""The file system against moto: made once, then unchanged; a changed property is seen, told and put right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.efs_file_system import run
from ansible_collections.pear.fargate.plugins.modules.efs_file_system import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2 = boto3.client("ec2", REGION)
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        group = ec2.create_security_group(GroupName="files", Description="files", VpcId=vpc)["GroupId"]
        yield {
            "name": "staging",
            "subnet_ids": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]],
            "security_group_ids": [group],
            "access_points": [{"name": "scores", "path": "/scores"}],
            "tags": {"pear:environment": "staging"},
        }


def invoke(options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def test_check_mode_makes_nothing(options: dict[str, Any]) -> None:
    assert invoke(options, check_mode=True)["changed"]
    assert boto3.client("efs", REGION).describe_file_systems()["FileSystems"] == []


def test_it_is_made_once_with_a_mount_target_per_subnet(options: dict[str, Any]) -> None:
    made = invoke(options)
    assert made["changed"]
    assert sorted(made["mount_targets"]) == sorted(options["subnet_ids"])
    assert list(made["access_points"]) == ["scores"]
    again = invoke(options)
    assert again["diff"] == {"before": {}, "after": {}}
    assert {key: again[key] for key in ("file_system_id", "mount_targets", "access_points")} == {
        key: made[key] for key in ("file_system_id", "mount_targets", "access_points")
    }
    (found,) = boto3.client("efs", REGION).describe_file_systems()["FileSystems"]
    assert found["Encrypted"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("infrequent_access_after_days", 30, "lifecycle"),
        ("tags", {"pear:environment": "staging", "team": "games"}, "tags"),
    ],
)
def test_a_changed_property_is_told_and_put_right(
    options: dict[str, Any], option: str, value: Any, message: str
) -> None:
    invoke(options)
    changed = {**options, option: value}
    assert list(invoke(changed, check_mode=True)["diff"]["after"]) == [message]
    assert invoke(changed)["changed"]
    assert not invoke(changed)["changed"]


def test_an_access_point_that_differs_is_refused_because_efs_cannot_change_one(options: dict[str, Any]) -> None:
    invoke(options)
    options["access_points"] = [{"name": "scores", "path": "/elsewhere"}]
    with pytest.raises(Failure, match="EFS cannot change an access point"):
        invoke(options)


def remaining() -> list[int]:
    """File systems, mount targets and access points that are left."""
    efs = boto3.client("efs", REGION)
    systems = efs.describe_file_systems()["FileSystems"]
    keys = [system["FileSystemId"] for system in systems]
    targets = [target for key in keys for target in efs.describe_mount_targets(FileSystemId=key)["MountTargets"]]
    points = [point for key in keys for point in efs.describe_access_points(FileSystemId=key)["AccessPoints"]]
    return [len(systems), len(targets), len(points)]


def test_its_removal_keeps_the_files_unless_that_is_said(options: dict[str, Any]) -> None:
    invoke(options)
    full = remaining()
    absent = {**options, "state": "absent"}
    assert invoke(absent, check_mode=True)["changed"]
    assert remaining() == full
    message = invoke(absent)
    assert len(message["kept"]) == 2
    assert remaining() == [1, 0, 1]
    assert not invoke(absent)["changed"]
    gone = invoke({**absent, "delete_data": True})
    assert gone["changed"] and gone["kept"] == []
    assert remaining() == [0, 0, 0]
    assert not invoke({**absent, "delete_data": True})["changed"]


def test_a_file_system_of_others_is_never_removed(options: dict[str, Any]) -> None:
    invoke({**options, "tags": {"pear:environment": "production"}})
    with pytest.raises(Failure, match="no tag says that it belongs to environment staging"):
        invoke({**options, "state": "absent", "delete_data": True})
    assert remaining()[0] == 1


def test_tags_that_are_not_listed_go_only_where_that_is_said(options: dict[str, Any]) -> None:
    made = invoke(options)
    efs = boto3.client("efs", REGION)
    efs.tag_resource(ResourceId=made["file_system_id"], Tags=[{"Key": "by-hand", "Value": "yes"}])
    assert not invoke(options)["changed"]
    assert invoke({**options, "purge_tags": True})["diff"]["after"] == {"tags": {"by-hand": None}}
    assert not invoke({**options, "purge_tags": True})["changed"]
