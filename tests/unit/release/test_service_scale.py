"""Scaling by hand: what is refused before a write, what is written, and that it excludes releases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import Bounds
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import service_scale
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.service_scale import Live, Size, resized, run
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome
from ansible_collections.pear.fargate.plugins.modules import service_scale as module
from botocore.exceptions import ReadTimeoutError

from tests.unit.clocks import QuickClock, RecordedProgress
from tests.unit.service.given import checked

from .given import RELEASE

PLAIN = Live("scores", Size(2))
SCALED = Live("scores", Size(2, Bounds(2, 6)))
NONE = {"count": None, "minimum": None, "maximum": None}


@pytest.mark.parametrize(
    ("live", "options", "size"),
    [
        pytest.param(PLAIN, {"count": 6}, Size(6), id="a count"),
        pytest.param(SCALED, {"count": 4}, Size(4, Bounds(2, 6)), id="a count within bounds"),
        pytest.param(SCALED, {"minimum": 4}, Size(4, Bounds(4, 6)), id="a minimum moves the count"),
        pytest.param(SCALED, {"maximum": 1, "minimum": 1}, Size(1, Bounds(1, 1)), id="a maximum moves the count"),
        pytest.param(SCALED, {"minimum": 8, "maximum": 9, "count": 9}, Size(9, Bounds(8, 9)), id="all three"),
        pytest.param(
            Live("scores", Size(2, Bounds(2, 6, True))),
            {"maximum": 8},
            Size(2, Bounds(2, 8, True)),
            id="a suspension stays",
        ),
        pytest.param(replace(PLAIN, routed=False), {"count": 0}, Size(0), id="a worker may have none"),
        pytest.param(replace(PLAIN, single_writer=True), {"count": 1}, Size(1), id="one writer"),
    ],
)
def test_the_size_that_is_asked_for(live: Live, options: dict[str, int], size: Size) -> None:
    assert resized(live, {**NONE, **options}) == size


@pytest.mark.parametrize(
    ("live", "options", "said"),
    [
        pytest.param(PLAIN, {"minimum": 2}, "it has none", id="bounds without autoscaling"),
        pytest.param(SCALED, {"count": 7}, "outside of the bounds of autoscaling, 2 to 6", id="a count outside"),
        pytest.param(SCALED, {"minimum": 7}, "above the maximum 6", id="a minimum above the maximum"),
        pytest.param(PLAIN, {"count": 0}, "503", id="none for requests"),
        pytest.param(SCALED, {"minimum": 0, "maximum": 0}, "503", id="none for requests by bounds"),
        pytest.param(PLAIN, {"count": -1}, "not negative", id="a negative count"),
        pytest.param(replace(PLAIN, single_writer=True), {"count": 2}, "service_single_writer", id="two writers"),
        pytest.param(
            replace(SCALED, size=Size(1, Bounds(1, 1)), single_writer=True),
            {"maximum": 2},
            "service_single_writer",
            id="two writers by bounds",
        ),
    ],
)
def test_what_would_do_harm_is_refused(live: Live, options: dict[str, int], said: str) -> None:
    with pytest.raises(Failure, match=said):
        resized(live, {**NONE, **options})


class Worker:
    """A worker with two tasks on moto, beside the ledger of the fixture."""

    def __init__(self, ledger: DynamoLedger) -> None:
        self.ledger = ledger
        self.aws = ledger.aws
        self.ecs = self.aws.client("ecs")
        self.ecs.create_cluster(clusterName="local")
        self.ecs.register_task_definition(family="local-scoreboard", containerDefinitions=[])
        self.ecs.create_service(
            cluster="local", serviceName="scoreboard-blue", taskDefinition="local-scoreboard", desiredCount=2
        )
        ledger.take(self.lease(), 0)
        ledger.save(replace(RELEASE, outcome=Outcome.SUCCEEDED, closed=True), self.lease())
        ledger.renew(replace(self.lease(), owner="", release_id=""))

    @staticmethod
    def lease() -> Lease:
        return Lease("scoreboard", "ada", "r1", 1, 0.0, 90.0)

    def scale(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {"environment": "local", "service": "scoreboard", "kind": "worker", "timeout_seconds": 0, **options}
        params = checked(module.ARGUMENT_SPEC, given)
        return run(Invocation(params, self.aws, check_mode, QuickClock(), RecordedProgress()))

    @property
    def desired(self) -> int:
        (found,) = self.ecs.describe_services(cluster="local", services=["scoreboard-blue"])["services"]
        return int(found["desiredCount"])

    @property
    def bounds(self) -> list[tuple[int, int]]:
        answer = self.aws.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")
        return [(target["MinCapacity"], target["MaxCapacity"]) for target in answer["ScalableTargets"]]

    def autoscale(self, minimum: int, maximum: int) -> None:
        self.aws.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId="service/local/scoreboard-blue",
            MinCapacity=minimum,
            MaxCapacity=maximum,
        )


@pytest.fixture
def worker(ledger: DynamoLedger) -> Worker:
    return Worker(ledger)


def test_a_count_is_predicted_then_written_then_unchanged(worker: Worker) -> None:
    predicted = worker.scale(check_mode=True, count=4)
    assert (predicted["changed"], predicted["after"], worker.desired) == (True, {"desired_count": 4}, 2)
    written = worker.scale(count=4)
    assert (written["changed"], written["diff"], worker.desired) == (True, predicted["diff"], 4)
    assert not worker.scale(count=4)["changed"]


def test_bounds_are_written_and_no_release_is_kept_out_afterwards(worker: Worker) -> None:
    worker.autoscale(1, 3)
    written = worker.scale(minimum=3, maximum=8)
    assert written["after"] == {"desired_count": 3, "minimum": 3, "maximum": 8}
    assert worker.bounds == [(3, 8)]
    lease = worker.ledger.lease()
    assert lease is not None and not lease.owner and lease.fence == 2


def test_while_somebody_has_the_lease_nothing_is_written(worker: Worker) -> None:
    worker.ledger.take(replace(worker.lease(), owner="grace", fence=2), 1)
    with pytest.raises(Failure, match="grace holds scoreboard"):
        worker.scale(count=4)
    assert worker.desired == 2


def test_a_release_that_is_not_over_keeps_its_numbers(worker: Worker) -> None:
    worker.ledger.take(replace(worker.lease(), fence=2), 1)
    worker.ledger.save(replace(RELEASE, id="r2", started_at=2000.0), replace(worker.lease(), fence=2))
    with pytest.raises(Failure, match="Release r2 of scoreboard by ada is not over"):
        worker.scale(count=4)
    assert worker.desired == 2


def test_a_size_must_be_named(worker: Worker) -> None:
    with pytest.raises(Failure, match="how many tasks"):
        worker.scale()


def test_the_live_release_says_if_two_tasks_may_run(worker: Worker) -> None:
    worker.ledger.take(replace(worker.lease(), fence=2), 1)
    newer = replace(RELEASE, id="r3", started_at=3000.0, outcome=Outcome.SUCCEEDED, closed=True, single_writer=True)
    worker.ledger.save(newer, replace(worker.lease(), fence=2))
    worker.ledger.renew(replace(worker.lease(), owner="", release_id="", fence=2))
    with pytest.raises(Failure, match="service_single_writer"):
        worker.scale(count=3)


def test_its_writes_are_as_bounded_as_those_of_a_release(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    answers = [ReadTimeoutError(endpoint_url="https://ecs"), None]

    def write(aws: Aws, cluster: str, name: str, request: dict[str, Any]) -> None:
        sent.append(aws.client("ecs").meta.config)
        failed = answers.pop(0)
        if failed is not None:
            raise AwsError("update the ECS service", failed)

    monkeypatch.setattr(service_scale.ecs, "update_service", write)
    worker.scale(count=4)
    assert [(config.retries["total_max_attempts"], config.read_timeout) for config in sent] == [(1, 7), (1, 7)]
    lease = worker.ledger.lease()
    assert lease is not None and lease.owner, "the first write may still arrive"


def test_a_rollback_that_takes_over_between_two_tries_keeps_the_second_back(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def write(aws: Aws, cluster: str, name: str, request: dict[str, Any]) -> None:
        sent.append(name)
        worker.ledger.take(replace(worker.lease(), owner="grace", fence=3), 2)
        raise AwsError("update the ECS service", ReadTimeoutError(endpoint_url="https://ecs"))

    monkeypatch.setattr(service_scale.ecs, "update_service", write)
    with pytest.raises(Failure, match=r"A rollback took scoreboard over\. The size may have changed"):
        worker.scale(count=4)
    assert len(sent) == 1
