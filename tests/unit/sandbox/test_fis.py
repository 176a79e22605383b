"""Fault Injection Service: templates made once and changed where they differ; an experiment stops tasks, unless an alarm forbids it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.policies import experiment_policy, experiment_trust_policy
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import fis_experiment, fis_experiment_template
from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import BY_NAME, Experiment
from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import SUBNET as SUBNETS
from ansible_collections.pear.fargate.plugins.modules import fis_experiment as experiment_module
from ansible_collections.pear.fargate.plugins.modules import fis_experiment_template as template_module
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.backends import get_backend

from sandbox.api import faults, fis, overlay
from sandbox.faults.model import SUBNET, Faults

from ..clocks import QuickClock
from ..monitoring.given import ENVIRONMENT

REGION = "eu-central-1"
ALARM = f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:staging/scores/no-healthy-target"
TEMPLATE = {
    "name": "scores-blue-task-kill",
    "description": "Stops one task",
    "role_arn": "arn:aws:iam::123456789012:role/staging-experiment",
    "action": "aws:ecs:stop-task",
    "target": {
        "key": "Tasks",
        "resource_type": "aws:ecs:task",
        "selection": "COUNT(1)",
        "parameters": {"cluster": "staging", "service": "scores-blue"},
    },
    "stop_alarm_arns": [ALARM],
    "tags": {"pear:environment": "staging"},
}


@dataclass
class Tasks:
    """A scheduler that keeps what it was told to stop."""

    stopped: list[tuple[str, str, str]] = field(default_factory=list)
    sandbox: Any = None

    def stop_task(self, task: Any, code: str, reason: str) -> None:
        task.running = False
        self.stopped.append((task.id, code, reason))


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tasks]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    scheduler = Tasks()
    found = [
        SimpleNamespace(id=f"{name}{number}", cluster="staging", group=f"service:{name}", running=True)
        for name in ("scores-blue", "scores-green")
        for number in range(2)
    ]
    for task in found:
        task.subnet_id, task.address, task.alive = f"subnet-{task.id[-1]}", f"10.0.0.{task.id[-1]}", True
    fargate = SimpleNamespace(store=SimpleNamespace(tasks={task.id: task for task in found}), scheduler=scheduler)
    sandbox: Any = SimpleNamespace(
        lock=threading.RLock(),
        fargate=fargate,
        faults=Faults(),
        targets=SimpleNamespace(touch=lambda: None),
        settings=SimpleNamespace(region=REGION, time_factor=60.0),
        starts=[],
        stopping=threading.Event(),
        backend=lambda service, region: get_backend(service)["123456789012"][region],  # type: ignore[call-overload]
    )
    before = len(overlay.registered.patches)
    with mock_aws():
        fis.install(sandbox)
        scheduler.sandbox = sandbox
        yield scheduler
    for owner, name, original in reversed(overlay.registered.patches[before:]):
        setattr(owner, name, original)
    del overlay.registered.patches[before:]


def invoke(module: Any, run: Any, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    answer: dict[str, Any] = run(
        Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock())
    )
    return answer


def template(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return invoke(template_module, fis_experiment_template.run, check_mode, **{**TEMPLATE, **options})


def start(template_id: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"template_id": template_id, "tags": TEMPLATE["tags"], **options}
    return invoke(experiment_module, fis_experiment.run, check_mode, **given)


def cutting(**parameters: str) -> str:
    """A template that cuts off one of two subnets."""
    ec2 = boto3.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetArn"]
    target = {"key": "Subnets", "resource_type": "aws:ec2:subnet", "resource_arns": [subnet]}
    made: str = template(
        action="aws:network:disrupt-connectivity",
        parameters={"scope": "all", "duration": "PT10M", **parameters},
        target=target,
    )["template_id"]
    return made


def stop(experiment_id: str, check_mode: bool = False) -> dict[str, Any]:
    return invoke(experiment_module, fis_experiment.run, check_mode, experiment_id=experiment_id, until="stopped")


def test_a_template_is_made_once_and_changed_where_it_differs(tasks: Tasks) -> None:
    assert (
        template(check_mode=True)["changed"]
        and not boto3.client("fis", REGION).list_experiment_templates()["experimentTemplates"]
    )
    made = template()
    assert made["changed"] and made["template_id"]
    assert not template()["changed"]
    changed = template(stop_alarm_arns=[])
    assert (changed["changed"], changed["template_id"]) == (True, made["template_id"])
    (found,) = boto3.client("fis", REGION).list_experiment_templates()["experimentTemplates"]
    assert found["tags"] == {"pear:environment": "staging", "pear:experiment": "scores-blue-task-kill"}
    assert template(state="absent")["changed"] and not template(state="absent")["changed"]


@pytest.mark.parametrize("experiment", [one for one in BY_NAME.values() if one.action], ids=lambda one: one.name)
def test_the_request_of_each_experiment_is_what_the_api_takes(experiment: Experiment) -> None:
    action = experiment.as_dict()["action"]
    target = {"key": action["target"], "resource_type": action["resource_type"], "selection": action["selection"]}
    arns = [f"arn:aws:ec2:{REGION}:123456789012:subnet/subnet-0a"] if action["resource_type"] == SUBNETS else []
    given = {
        **TEMPLATE,
        "action": action["action"],
        "parameters": action["parameters"],
        "target": {**target, "resource_arns": arns},
    }
    validated = ArgumentSpecValidator(template_module.ARGUMENT_SPEC).validate(given).validated_parameters
    shape = get_session().get_service_model("fis").operation_model("CreateExperimentTemplate").input_shape
    report = ParamValidator().validate({**fis_experiment_template.request(validated), "clientToken": "t"}, shape)
    assert not report.has_errors(), report.generate_report()


def test_an_experiment_stops_one_task_of_the_service(tasks: Tasks) -> None:
    made = template()["template_id"]
    assert start(made, check_mode=True)["changed"] and not tasks.stopped
    assert start(made)["status"] == "completed"
    ((task, code, reason),) = tasks.stopped
    assert task.startswith("scores-blue") and (code, reason) == ("UserInitiated", "Task stopped by AWS FIS")


def test_a_subnet_is_cut_off_until_the_experiment_is_stopped(tasks: Tasks) -> None:
    sandbox = tasks.sandbox
    begun = start(cutting(), until="running")
    assert begun["status"] == "running"
    (fault,) = sandbox.faults.of_kind([SUBNET])
    next(iter(sandbox.fargate.store.tasks.values())).subnet_id = fault.subject
    (vanished,) = faults.spoiled_targets(sandbox)
    assert (vanished["kind"], vanished["address"]) == ("vanish", "10.0.0.0")
    assert stop(begun["experiment_id"], check_mode=True)["changed"] and sandbox.faults.all()
    stopped = stop(begun["experiment_id"])
    assert (stopped["changed"], stopped["status"]) == (True, "stopped")
    assert sandbox.faults.all() == [] and not stop(begun["experiment_id"])["changed"]


def test_what_lasts_ends_by_itself_or_by_its_alarm(tasks: Tasks) -> None:
    sandbox, made = tasks.sandbox, cutting()
    experiments = fis.Experiments(sandbox)
    begun, now = start(made, until="running")["experiment_id"], time.time()
    # Ten minutes, sixty times faster.
    experiments.tick(now + 5)
    assert sandbox.faults.all()
    experiments.tick(now + 11)
    assert sandbox.faults.all() == [] and not stop(begun)["changed"]
    begun = start(made, until="running")["experiment_id"]
    fire()
    experiments.tick(time.time())
    assert sandbox.faults.all() == []
    ended = stop(begun)
    assert (ended["changed"], ended["status"]) == (False, "stopped") and "halted by stop condition" in ended["reason"]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        pytest.param({"scope": "s3"}, "The scope s3 .* is not served here", id="scope"),
        pytest.param({"duration": "PT30S"}, "is not from one minute", id="too short"),
        pytest.param({"duration": "ten minutes"}, "is not from one minute", id="no duration"),
    ],
)
def test_a_disruption_that_aws_or_the_sandbox_refuses_fails(tasks: Tasks, parameters: dict[str, str], why: str) -> None:
    with pytest.raises(Failure, match=why):
        start(cutting(**parameters), until="running")
    assert tasks.sandbox.faults.all() == []


def test_an_experiment_whose_end_is_not_seen_is_stopped_and_the_reason_for_that_is_told(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = []

    def refused(aws: Aws, experiment: str) -> None:
        stopped.append(experiment)
        raise AwsError("stop experiment", ClientError({"Error": {"Code": "ValidationException"}}, "StopExperiment"))

    monkeypatch.setattr(fis_experiment.fis, "state", lambda aws, experiment: ("running", ""))
    monkeypatch.setattr(fis_experiment.fis, "stop", refused)
    with pytest.raises(Failure, match=r"to end.*running"):
        start(template()["template_id"])
    assert len(stopped) == 1


def fire() -> None:
    cloudwatch = boto3.client("cloudwatch", REGION)
    name = ALARM.partition(":alarm:")[2]
    cloudwatch.put_metric_alarm(
        AlarmName=name, ComparisonOperator="LessThanThreshold", EvaluationPeriods=1, MetricName="m", Namespace="n", Period=60,
        Statistic="Sum", Threshold=1,
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")


def test_an_alarm_that_fires_keeps_it_from_beginning(tasks: Tasks) -> None:
    fire()
    with pytest.raises(Failure, match="is stopped: Experiment halted by stop condition"):
        start(template()["template_id"])
    assert not tasks.stopped


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"target": {**TEMPLATE["target"], "parameters": {"cluster": "other"}}}, "empty set"),  # type: ignore[dict-item]
        ({"action": "aws:ecs:task-cpu-stress"}, "not served here"),
    ],
)
def test_an_experiment_that_fails_fails_the_task(tasks: Tasks, options: dict[str, Any], why: str) -> None:
    with pytest.raises(Failure, match=why):
        start(template(**options)["template_id"])


@pytest.mark.parametrize(("mode", "number"), [("ALL", 5), ("COUNT(2)", 2), ("COUNT(9)", 5), ("PERCENT(50)", 2)])
def test_so_many_are_selected(mode: str, number: int) -> None:
    assert len(fis.selected(list(range(5)), mode)) == number


def test_the_role_may_break_what_experiments_break_and_is_taken_by_the_service_alone() -> None:
    trust = experiment_trust_policy(ENVIRONMENT)["Statement"][0]
    assert trust["Principal"] == {"Service": "fis.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    statements = experiment_policy(ENVIRONMENT, "corp")["Statement"]
    # https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task and #disrupt-connectivity
    allowed = {action for statement in statements for action in statement["Action"]}
    stops = {"ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask", "tag:GetResources"}
    looks = {"DescribeManagedPrefixLists", "DescribeNetworkAcls", "DescribeSubnets", "DescribeVpcs"}
    cuts = {
        "CreateNetworkAcl",
        "CreateNetworkAclEntry",
        "CreateTags",
        "DeleteNetworkAcl",
        "ReplaceNetworkAclAssociation",
    }
    assert allowed == stops | {f"ec2:{action}" for action in looks | cuts}
    # It changes no network ACL of others.
    for action in ("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"):
        (found,) = [statement for statement in statements if action in statement["Action"]]
        assert found["Condition"] == {"StringEquals": {"aws:ResourceTag/managedByFIS": "true"}}
    stop = [statement for statement in statements if "ecs:StopTask" in statement["Action"]]
    assert [one["Resource"] for one in stop] == [[f"arn:aws:ecs:{REGION}:123456789012:task/corp/*"]]
    assert stop[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/pear:environment": "staging"}}
