"""What Fault Injection Service has no action for: mount targets that let nobody in, and are opened again; calls until AWS throttles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import EnvironmentNames
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import gameday_fault
from ansible_collections.pear.fargate.plugins.modules.gameday_fault import ARGUMENT_SPEC
from botocore.exceptions import ClientError
from moto import mock_aws

from ..clocks import QuickClock

REGION = "eu-central-1"
TAGS = [{"Key": "pear:environment", "Value": "staging"}, {"Key": "pear:component", "Value": "network"}]


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"environment": "staging", "fault": "mount_targets", **options}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    return gameday_fault.run(
        Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock())
    )


class Files:
    """A file system with a mount target in each of two subnets, and the security groups of its environment."""

    def __init__(self) -> None:
        self.efs, self.ec2 = boto3.client("efs", REGION), boto3.client("ec2", REGION)
        names = EnvironmentNames("staging")
        self.vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        self.files, self.tasks = (
            self.group(name) for name in (names.file_system_security_group, names.task_security_group)
        )
        made = self.efs.create_file_system(CreationToken="staging", Tags=[*TAGS, {"Key": "Name", "Value": "staging"}])
        self.id = made["FileSystemId"]
        for subnet in self.ec2.describe_subnets()["Subnets"][:2]:
            self.efs.create_mount_target(FileSystemId=self.id, SubnetId=subnet["SubnetId"], SecurityGroups=[self.files])

    def group(self, name: str) -> str:
        tags = [{"ResourceType": "security-group", "Tags": TAGS}]
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc, TagSpecifications=tags)
        return str(made["GroupId"])

    def groups(self) -> list[list[str]]:
        targets = self.efs.describe_mount_targets(FileSystemId=self.id)["MountTargets"]
        return [
            self.efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"]
            for target in targets
        ]

    def give(self, group: str) -> None:
        target = self.efs.describe_mount_targets(FileSystemId=self.id)["MountTargets"][0]["MountTargetId"]
        self.efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=[group])


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Files()


def test_mount_targets_let_nobody_in_until_they_are_opened_again(files: Files) -> None:
    predicted = invoke(check_mode=True)
    assert predicted["changed"] and files.groups() == [[files.files]] * 2
    assert invoke()["changed"] and files.groups() == [[files.tasks]] * 2
    assert not invoke()["changed"]
    assert invoke(state="absent")["changed"] and files.groups() == [[files.files]] * 2
    assert not invoke(state="absent")["changed"]


def test_a_fault_that_was_made_half_is_mended(files: Files) -> None:
    files.give(files.tasks)
    assert invoke(state="absent")["changed"] and files.groups() == [[files.files]] * 2


def test_mount_targets_with_other_groups_are_left_alone(files: Files) -> None:
    """What they had would not be known any more when they are opened again."""
    files.give(files.group("by-hand"))
    with pytest.raises(Failure, match=r"fsmt-\w+\. drift\.yml shows them.*Nothing was changed"):
        invoke()
    assert files.groups()[1] == [files.files]


def test_a_file_system_of_others_is_not_taken_away(files: Files) -> None:
    with pytest.raises(Failure, match="production has no file system of its own"):
        invoke(environment="production")
    files.efs.untag_resource(ResourceId=files.id, TagKeys=["pear:environment"])
    with pytest.raises(Failure, match="staging has no file system of its own"):
        invoke()


@pytest.mark.parametrize(
    ("code", "throttled"),
    [("ThrottlingException", True), ("AccessDenied", False)],
)
def test_calls_are_made_for_so_long_and_those_that_are_throttled_are_counted(
    files: Files, monkeypatch: pytest.MonkeyPatch, code: str, throttled: bool
) -> None:
    def refused(aws: Any, name: str) -> None:
        raise AwsError("read", ClientError({"Error": {"Code": code}}, "DescribeLoadBalancers"))

    monkeypatch.setattr(gameday_fault.elbv2, "load_balancer", refused)
    done = invoke(fault="calls", seconds=10, calls_per_second=5)
    # A clock that does not wait may find all threads busy.
    assert 1 <= done["calls"] <= 51 and done["throttled"] == (done["calls"] if throttled else 0)
    assert invoke(check_mode=True, fault="calls")["calls"] == 0
