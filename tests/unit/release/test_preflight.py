"""What would make a release fail later is found before anything is written; what may not be read is said, and goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule, TargetGroup
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.clock import SystemClock
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import Existing
from ansible_collections.pear.fargate.plugins.module_utils.image import other_registry
from ansible_collections.pear.fargate.plugins.module_utils.image import platform as image_platform
from ansible_collections.pear.fargate.plugins.module_utils.release import preflight as bluegreen_preflight
from ansible_collections.pear.fargate.plugins.module_utils.release.preflight import Finding, preflight
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Order
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, ColourState, Fleet, Weights
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from botocore.exceptions import ClientError

from ..clocks import QuickClock, RecordedProgress

CALM = Fleet(Weights(100, 0), ColourState(Colour.BLUE, "app:1", 2, 2, 2), ColourState(Colour.GREEN))
BUSY = Fleet(Weights(100, 0), ColourState(Colour.BLUE, "app:1", 4, 2, 2, steady=False), ColourState(Colour.GREEN))
DIGEST = f"sha256:{'1' * 64}"
PARAMS = {
    "architecture": "X86_64",
    "containers": [{"name": "app", "image": f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app@{DIGEST}"}],
    "subnet_ids": ["subnet-a", "subnet-b"],
    "cpu": 1024,
    "capacity_providers": [{"capacity_provider": "FARGATE", "weight": 1, "base": 0}],
    "execution_role_arn": "arn:aws:iam::123456789012:role/prod-app-execution",
    "task_role_arn": "arn:aws:iam::123456789012:role/prod-app-task",
}
YEARS_AGO = datetime.fromtimestamp(0, UTC)
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}}


class Cloud:
    """An account in which nothing stands in the way, until a test puts something there."""

    def __init__(self) -> None:
        self.alarms = {"errors": "OK"}
        self.free = {"subnet-a": 100, "subnet-b": 100}
        self.vcpus = (10.0, 2.0)
        self.roles: dict[str, Any] = {
            name: {"AssumeRolePolicyDocument": TRUST, "CreateDate": YEARS_AGO}
            for name in ("prod-app-execution", "prod-app-task")
        }
        self.running = [Existing("ecs_service", "app-blue", {"pear:environment": "prod"})]
        self.manifests: dict[tuple[str, str], Any] = {("team/app", DIGEST): {"config": {"digest": "sha256:c"}}}
        self.configuration: dict[str, Any] = {"os": "linux", "architecture": "amd64"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    here = Cloud()
    monkeypatch.setattr(bluegreen_preflight.cloudwatch, "alarm_states", lambda *_: here.alarms)
    monkeypatch.setattr(bluegreen_preflight.ec2, "free_addresses", lambda *_: here.free)
    monkeypatch.setattr(bluegreen_preflight.service_quotas, "vcpus_allowed", lambda _: here.vcpus[0])
    monkeypatch.setattr(bluegreen_preflight.cloudwatch, "fargate_vcpus_used", lambda _: here.vcpus[1])
    monkeypatch.setattr(bluegreen_preflight.iam, "role", lambda _, name: here.roles.get(name))
    monkeypatch.setattr(image_platform.ecr, "manifest", lambda _, *image: here.manifests.get(image))
    monkeypatch.setattr(image_platform.ecr, "image_configuration", lambda *_: here.configuration)
    monkeypatch.setattr(other_registry, "_read", _nobody)
    monkeypatch.setattr(bluegreen_preflight.foreign, "running", lambda *_: iter(here.running))
    return here


def _nobody(*_: str) -> bytes:
    raise OSError("no route")


def found(fleet: Fleet = CALM, said: RecordedProgress | None = None, **params: Any) -> str:
    return "; ".join(map(str, findings(fleet, said, **params)))


def findings(
    fleet: Fleet = CALM, said: RecordedProgress | None = None, others: tuple[Rule, ...] = (), **params: Any
) -> list[Finding]:
    call = Invocation(
        {"adopt": params.pop("adopt", [])},
        cast(Aws, SimpleNamespace(elsewhere=lambda region: None, brief=lambda: None)),
        check_mode=params.pop("check_mode", False),
        clock=params.pop("clock", SystemClock()),
        progress=said or RecordedProgress(),
    )
    order = SimpleNamespace(
        plan=SimpleNamespace(in_place=False), desired_count=2, gates=SimpleNamespace(alarms=("errors",))
    )
    spec = SimpleNamespace(params={**PARAMS, **params}, tags={"pear:environment": "prod"})
    rule = Rule("rule", 20, Conditions.of(["app.example.com"], []), {"blue": 100})
    groups = {colour: TargetGroup(f"app-{colour}", "vpc-1", 8080) for colour in Colour}
    location = ServiceLocation("prod", "app", "listener", "balancer", groups, rule, None, (rule, *others))
    return preflight(call, location, cast(Specification, spec), cast(Order, order), fleet)


def test_where_nothing_stands_in_the_way_nothing_is_found(cloud: Cloud) -> None:
    assert found() == ""


def test_an_ecs_service_of_others_is_replaced_by_no_release(cloud: Cloud) -> None:
    cloud.running = [Existing("ecs_service", "app-green", {"Owner": "platform"})]
    assert "ECS service app-green exists" in found(adopt=["task_definition"])


def test_a_family_of_others_is_released_to_only_where_that_is_said(cloud: Cloud) -> None:
    cloud.running = [Existing("task_definition", "prod-app", {})]
    assert "Task definition family prod-app exists" in found()
    assert found(adopt=["task_definition"]) == ""


@pytest.mark.parametrize(("states", "told"), [({"errors": "ALARM"}, "firing already"), ({}, "does not exist")])
def test_an_alarm_that_could_not_pass(cloud: Cloud, states: dict[str, str], told: str) -> None:
    cloud.alarms = states
    assert told in found()


def test_a_refusal_for_a_firing_alarm_says_how_to_release_a_fix_anyway(cloud: Cloud) -> None:
    cloud.alarms = {"errors": "ALARM"}
    assert "To release a fix anyway, take it out of service_gates for this run" in found()
    assert """-e '{"service_gates": {"alarms": []}}'""" in found()


def test_what_is_so_only_now_keeps_neither_check_mode_nor_drift_from_telling_the_difference(cloud: Cloud) -> None:
    cloud.alarms = {"errors": "ALARM"}
    now = findings(BUSY)
    assert len(now) == 2 and all(finding.momentary for finding in now), now
    cloud.alarms = {}
    assert [finding.momentary for finding in findings(architecture="ARM64")] == [False, False]


def test_an_address_that_another_service_answers_is_a_finding(cloud: Cloud) -> None:
    theirs = Rule("theirs", 5, Conditions.of(["app.example.com"], []), {"targetgroup/shop/1": 100})
    (finding,) = findings(others=(theirs,))
    assert "the service's own address" in finding.sentence and "is answered by the rule of shop" in finding.sentence


def test_an_image_for_another_processor(cloud: Cloud) -> None:
    assert "is built for linux/amd64, and the task runs on linux/arm64" in found(architecture="ARM64")
    several = [("linux", "arm64"), ("unknown", "unknown")]
    listed = {"manifests": [{"platform": {"os": os, "architecture": one}} for os, one in several]}
    cloud.manifests["team/app", DIGEST] = listed
    assert found(architecture="ARM64") == ""
    assert "is built for linux/arm64, and the task runs on linux/amd64" in found()


@pytest.mark.parametrize("manifest", [None, {"manifests": [{"digest": "sha256:a"}]}, {"layers": []}])
def test_an_image_that_names_no_platform_is_not_judged(cloud: Cloud, manifest: Any) -> None:
    cloud.manifests["team/app", DIGEST] = manifest
    assert found(architecture="ARM64") == ""


@pytest.mark.parametrize("image", ["team/app:1", "team/app"])
def test_an_image_without_a_digest_is_not_judged(cloud: Cloud, image: str) -> None:
    assert found(architecture="ARM64", containers=[{"name": "app", "image": image}]) == ""


def test_twice_the_tasks_need_addresses_and_processors(cloud: Cloud) -> None:
    cloud.free, cloud.vcpus = {"subnet-a": 1, "subnet-b": 0}, (3.0, 2.0)
    told = found()
    assert "1 left (subnet-a 1, subnet-b 0)" in told
    assert "2 more tasks need 2 vCPUs; the account uses 2 of its 3" in told


def test_spot_has_a_quota_of_its_own(cloud: Cloud) -> None:
    cloud.vcpus = (3.0, 2.0)
    assert found(capacity_providers=[{"capacity_provider": "FARGATE_SPOT", "weight": 1, "base": 0}]) == ""


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        pytest.param(
            "ServiceException", 500, "warning: whether the Fargate quota suffices could not be read", id="fault"
        ),
        pytest.param("TooManyRequestsException", 429, "warning: whether the Fargate quota", id="throttled"),
        pytest.param("AccessDeniedException", 400, "The identity in use lacks this permission: grant it", id="denied"),
    ],
)
def test_a_quota_that_cannot_be_read_holds_no_release_back(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, code: str, status: int, told: str
) -> None:
    def fails(_: Aws) -> float:
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise AwsError("read the Fargate quota", ClientError(answer, "GetServiceQuota"))

    monkeypatch.setattr(bluegreen_preflight.service_quotas, "vcpus_allowed", fails)
    said = RecordedProgress()
    assert found(said=said) == ""
    assert any(told in line for line in said.lines)


def test_an_error_that_says_something_else_than_no_answer_ends_the_preflight(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Aws) -> float:
        raise AwsError("read the Fargate quota", ClientError({"Error": {"Code": "ValidationError"}}, "GetServiceQuota"))

    monkeypatch.setattr(bluegreen_preflight.service_quotas, "vcpus_allowed", fails)
    with pytest.raises(AwsError, match="ValidationError"):
        found()


def test_roles_that_tasks_cannot_take(cloud: Cloud) -> None:
    del cloud.roles["prod-app-execution"]
    somebody_else = {"Statement": [{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}}]}
    cloud.roles["prod-app-task"]["AssumeRolePolicyDocument"] = somebody_else
    told = found()
    assert "role prod-app-execution (execution_role_arn) does not exist" in told
    assert "role prod-app-task (task_role_arn) does not let ecs-tasks.amazonaws.com assume it" in told


def test_the_role_of_volumes_is_ecs_own(cloud: Cloud) -> None:
    volumes = [
        {"name": "work", "ebs": {"size_gib": 10, "type": "gp3", "role_arn": "arn:aws:iam::123456789012:role/volumes"}}
    ]
    assert "role volumes (volumes.work.ebs.role_arn) does not exist" in found(volumes=volumes)
    cloud.roles["volumes"] = cloud.roles["prod-app-task"]
    assert "does not let ecs.amazonaws.com assume it" in found(volumes=volumes)
    ecs = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}}]}
    cloud.roles["volumes"] = {"AssumeRolePolicyDocument": ecs, "CreateDate": YEARS_AGO}
    assert found(volumes=volumes) == ""


def test_a_role_that_was_just_made_is_waited_for(cloud: Cloud) -> None:
    clock, said = QuickClock(), RecordedProgress()
    clock.seconds = 1_000_004.0
    cloud.roles["prod-app-task"]["CreateDate"] = datetime.fromtimestamp(1_000_000, UTC)
    assert found(said=said, clock=clock, check_mode=True) == ""
    assert clock.now() == 1_000_004.0
    assert found(said=said, clock=clock) == ""
    assert clock.now() == 1_000_015.0
    assert said.lines == ["waiting 11 s: a role of the tasks was just made, and ECS cannot assume it yet"]
    # Of a clock that is behind AWS's by hours.
    cloud.roles["prod-app-task"]["CreateDate"] = datetime.fromtimestamp(1_009_000, UTC)
    found(clock=clock)
    assert clock.now() == 1_000_030.0


def test_no_role_is_waited_for_where_something_stands_in_the_way(cloud: Cloud) -> None:
    clock = QuickClock()
    cloud.alarms = {"errors": "ALARM"}
    assert "firing already" in found(clock=clock)
    assert clock.now() == 0


def test_a_deployment_of_somebody_else(cloud: Cloud) -> None:
    assert "in the middle of a deployment" in found(BUSY)


def test_what_may_not_be_read_is_said_and_hides_nothing_else(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any) -> Any:
        raise AwsError("read role x", ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetRole"))

    monkeypatch.setattr(bluegreen_preflight.iam, "role", denied)
    cloud.alarms = {"errors": "ALARM"}
    said = RecordedProgress()
    assert "firing already" in found(said=said)
    assert "not looked at before the release: Failed to read role x" in said.lines[0]
