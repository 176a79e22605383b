"""EBS volumes of tasks: what EBS and ECS refuse, and how a volume begins and ends with its task."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.service import policies
from botocore.exceptions import ClientError

from sandbox.fargate import block_volumes
from sandbox.fargate.model import StartFailed, Task
from sandbox.laws.block_storage import problems
from sandbox.laws.iam.calls import ApiCall, Scope
from sandbox.laws.iam.needs import needs
from sandbox.laws.iam.policies import Request, Rights, evaluate
from sandbox.roles import RoleRefused

ROLE = "arn:aws:iam::123456789012:role/volumes"
DEFINITION = {"volumes": [{"name": "work", "configuredAtLaunch": True}, {"name": "scratch"}]}


def configured(name: str = "work", **volume: Any) -> list[dict[str, Any]]:
    return [{"name": name, "managedEBSVolume": {"roleArn": ROLE, "sizeInGiB": 10, **volume}}]


@pytest.mark.parametrize(
    ("configurations", "platform", "refused"),
    [
        pytest.param(configured(), "1.4.0", "", id="a volume"),
        pytest.param(configured(), "LATEST", "", id="the latest platform"),
        pytest.param(configured(sizeInGiB=None, snapshotId="snap-1"), "", "", id="a snapshot"),
        pytest.param(
            [], "", "configures the volumes ['work'] at launch, and volumeConfigurations names []", id="missing"
        ),
        pytest.param(configured("scratch"), "", "names ['scratch']", id="another volume"),
        pytest.param(configured(), "1.3.0", "platform version 1.4.0 or later", id="an old platform"),
        pytest.param(configured(volumeType="standard"), "", "standard is not supported", id="magnetic"),
        pytest.param(configured(sizeInGiB=None), "", "Either sizeInGiB or snapshotId", id="no size"),
        pytest.param(configured(sizeInGiB=17000), "", "1 to 16384 GiB", id="too large"),
        pytest.param(configured(volumeType="io1"), "", "iops is required", id="no operations"),
        pytest.param(configured(volumeType="gp2", iops=3000), "", "iops is not supported", id="operations of gp2"),
        pytest.param(configured(iops=100), "", "3000 to 16000", id="too few operations"),
        pytest.param(configured(volumeType="st1", sizeInGiB=200, throughput=200), "", "throughput is not", id="of st1"),
        pytest.param(configured(throughput=2000), "", "throughput is 125 to 1000", id="too much throughput"),
    ],
)
def test_what_is_refused(configurations: list[dict[str, Any]], platform: str, refused: str) -> None:
    found = list(problems(configurations, DEFINITION, platform))
    assert (found == []) if not refused else any(refused in problem for problem in found), found


class Cloud:
    """Takes the calls of the infrastructure role."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.refuses = refuses

    def create_volume(self, **request: Any) -> dict[str, str]:
        if self.refuses:
            raise self.refuses
        self.made["vol-1"] = request
        return {"VolumeId": "vol-1"}

    def delete_volume(self, VolumeId: str) -> None:
        del self.made[VolumeId]


CORE: Any = SimpleNamespace(settings=SimpleNamespace(region="eu-central-1", account="123456789012"))


def task(volumes: list[dict[str, Any]]) -> Task:
    made = Task(
        "t1", "prod", {"tags": [{"key": "of", "value": "definition"}]}, "service:web", "", "s", "eu-central-1a", "", {}
    )
    made.volumes, made.tags = volumes, [{"key": "team", "value": "web"}, {"key": "aws:ecs:serviceName", "value": "web"}]
    return made


def test_a_volume_has_the_tags_of_its_task_and_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud, started = Cloud(), task(configured(iops=4000, tagSpecifications=[{"propagateTags": "SERVICE"}]))
    monkeypatch.setattr(block_volumes, "_client", lambda *_: cloud)
    block_volumes.make(CORE, started)
    request = cloud.made["vol-1"]
    assert (request["Size"], request["Iops"], request["Encrypted"], request["AvailabilityZone"]) == (
        10, 4000, True, "eu-central-1a",
    )  # fmt: skip
    tags = {tag["Key"]: tag["Value"] for tag in request["TagSpecifications"][0]["Tags"]}
    created = "arn:aws:ecs:eu-central-1:123456789012:task/prod/t1"
    assert tags == {"AmazonECSCreated": created, "AmazonECSManaged": "true", "team": "web"}
    block_volumes.delete(CORE, started)
    assert cloud.made == {}


def test_a_task_of_its_own_may_leave_its_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud, started = Cloud(), task(configured(terminationPolicy={"deleteOnTermination": False}))
    monkeypatch.setattr(block_volumes, "_client", lambda *_: cloud)
    block_volumes.make(CORE, started)
    block_volumes.delete(CORE, started)
    assert list(cloud.made) == ["vol-1"]


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        (RoleRefused(ROLE), "ECS was unable to assume the configured ECS Infrastructure Role"),
        (
            ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "CreateVolume"),
            "UnauthorizedOperation: no",
        ),
    ],
)
def test_a_role_that_may_not_make_it_keeps_the_task_from_starting(
    monkeypatch: pytest.MonkeyPatch, refuses: Exception, words: str
) -> None:
    monkeypatch.setattr(block_volumes, "_client", lambda *_: Cloud(refuses))
    with pytest.raises(StartFailed, match=words):
        block_volumes.make(CORE, task(configured()))


def test_what_the_collection_allows_the_role_is_what_ecs_does_with_its_own_volumes_alone() -> None:
    policy = policies.infrastructure_policy(ArnScope("eu-central-1", "123456789012"))
    created = "arn:aws:ecs:eu-central-1:123456789012:task/prod/t1"
    tags = {"AmazonECSCreated": created, "AmazonECSManaged": "true"}
    held = {"vol-0a1b2c3d4": tags, "vol-0b1b2c3d4": {"team": "data"}}
    account: Any = SimpleNamespace(tags=lambda arn: held.get(arn.rpartition("/")[2], {}), route_table_of=lambda _: None)
    scope = Scope("aws", "eu-central-1", "123456789012")

    def allowed(operation: str, **parameters: Any) -> bool:
        asked = list(needs(ApiCall("ec2", operation, parameters, scope), account))
        assert asked
        rights = Rights((policy,))
        return all(evaluate(rights, Request(need.action, need.resource, need.keys)).allowed for need in asked)

    def specified(**given: str) -> list[dict[str, Any]]:
        return [{"ResourceType": "volume", "Tags": [{"Key": key, "Value": value} for key, value in given.items()]}]

    assert allowed("CreateVolume", AvailabilityZone="eu-central-1a", TagSpecifications=specified(**tags, team="web"))
    assert not allowed("CreateVolume", AvailabilityZone="eu-central-1a", TagSpecifications=specified(team="web"))
    assert allowed("DeleteVolume", VolumeId="vol-0a1b2c3d4") and not allowed("DeleteVolume", VolumeId="vol-0b1b2c3d4")
    assert allowed("AttachVolume", VolumeId="vol-0a1b2c3d4", InstanceId="i-0a1b2c3d4", Device="/dev/sdf")
    assert not allowed("AttachVolume", VolumeId="vol-0b1b2c3d4", InstanceId="i-0a1b2c3d4", Device="/dev/sdf")
