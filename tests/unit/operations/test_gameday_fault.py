"""What Fault Injection Service has no action for: mount targets that let nobody in, and are opened again; calls until AWS throttles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import gameday_fault
from ansible_collections.pear.fargate.plugins.modules.gameday_fault import ARGUMENT_SPEC
from botocore.exceptions import ClientError
from moto import mock_aws

from ..clocks import QuickClock
from .mount_targets import REGION, Files


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"environment": "staging", "fault": "mount_targets", **options}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    return gameday_fault.run(
        Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock())
    )


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
