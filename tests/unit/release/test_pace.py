"""The pace of a controller: apart from others, slower while AWS throttles, and back again."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.pace import BLIND_SECONDS, LONGEST_SECONDS, Pace
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.service_provider import _RULE_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import POLL_SECONDS, WATCH_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome
from botocore.exceptions import ClientError

from sandbox.laws.rates import Rates

from ..rollout.runs import check_end, deploy, roll_back, with_two_releases
from ..rollout.world import READS, World, throttled


def pace() -> Pace:
    return Pace(random.Random(1))


def test_no_look_comes_earlier_than_a_decision_wants_it_and_no_two_are_in_step() -> None:
    waits = [pace().seconds(2.0) for _ in range(3)] + [Pace(random.Random(seed)).seconds(2.0) for seed in range(50)]
    assert min(waits) >= 2.0 and max(waits) <= 2.5
    assert len(set(waits)) > 40


def test_throttled_reads_slow_it_down_and_answers_bring_it_back() -> None:
    one = pace()
    for _ in range(10):
        assert (one.throttled(0.0) or 0) <= LONGEST_SECONDS
    assert one.seconds(2.0) >= LONGEST_SECONDS
    for _ in range(60):
        one.answered()
    assert one.seconds(2.0) <= 2.5


def test_two_hundred_controllers_share_the_quota_of_load_balancers_and_each_gets_an_answer() -> None:
    """Each looks at two target groups, and keeps what it has read where the second read is throttled, as ServiceFleet does."""
    rates, seconds, reads = Rates(), 1200.0, 2
    paces = [Pace(random.Random(number)) for number in range(200)]
    due = [(number / 40, number) for number in range(200)]
    read, seen, longest, looks = [0] * 200, [0.0] * 200, 0.0, 0
    heapq.heapify(due)
    while due[0][0] < seconds:
        now, number = heapq.heappop(due)
        while read[number] < reads and rates.takes("eu-central-1", "elasticloadbalancing", "DescribeTargetHealth", now):
            read[number] += 1
        if read[number] < reads:
            pause = paces[number].throttled(now)
            assert pause is not None, "a controller gave up"
            heapq.heappush(due, (now + pause, number))
            continue
        longest, looks = max(longest, now - seen[number]), looks + 1
        read[number], seen[number] = 0, now
        paces[number].answered()
        heapq.heappush(due, (now + paces[number].seconds(5.0), number))
    assert looks * reads > 0.95 * seconds * 10, "the quota is used"
    assert longest < 180


@pytest.mark.parametrize(
    ("controllers", "wanted_seconds", "throttled_at_last"),
    [
        pytest.param(10, POLL_SECONDS, False, id="ten whose tasks start"),
        pytest.param(20, WATCH_SECONDS, False, id="twenty whose traffic is held"),
        pytest.param(20, POLL_SECONDS, True, id="not twenty whose tasks start"),
    ],
)
def test_so_many_releases_at_once_are_never_throttled(
    controllers: int, wanted_seconds: float, throttled_at_last: bool
) -> None:
    """Each look asks for the targets of both colours, and for the rule where that was read ten seconds ago."""
    rates, seconds = Rates(), 900.0
    paces = [Pace(random.Random(number)) for number in range(controllers)]
    ruled = [number / 10 for number in range(controllers)]
    due = [(at, number) for number, at in enumerate(ruled)]
    while due[0][0] < seconds:
        now, number = heapq.heappop(due)
        calls = ["DescribeTargetHealth"] * 2
        if now - ruled[number] >= _RULE_SECONDS:
            ruled[number] = now
            calls.append("DescribeRules")
        for call in calls:
            rates.takes("eu-central-1", "elasticloadbalancing", call, now)
        heapq.heappush(due, (now + paces[number].seconds(wanted_seconds), number))
    assert bool(rates.refused()) is throttled_at_last


def test_who_sees_nothing_for_a_quarter_of_an_hour_does_not_wait_for_a_quota() -> None:
    one = pace()
    assert one.throttled(0.0) is not None
    assert one.throttled(BLIND_SECONDS) is not None
    assert one.throttled(BLIND_SECONDS + 1) is None
    one.answered()
    assert one.throttled(BLIND_SECONDS + 2) is not None


def test_a_call_reads_or_writes_by_its_name() -> None:
    def error(operation: str) -> AwsError:
        return AwsError("try", ClientError({"Error": {"Code": "Throttling"}}, operation))

    assert error("DescribeTargetHealth").reads and error("GetMetricData").reads and error("Query").reads
    assert not error("ModifyRule").reads and not error("UpdateService").reads


def test_reads_that_are_throttled_for_minutes_end_no_release() -> None:
    world = with_two_releases()
    began: list[float] = []

    def bucket_is_empty(_at: int, name: str) -> None:
        if world.weights.green == 10 and name == "read":
            began.append(world.time)
            if world.time < began[0] + 300:
                raise throttled(name)

    world.before_call = bucket_is_empty
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    assert began and world.time > began[0] + 300
    check_end(world)


@pytest.mark.parametrize("act", [lambda world: deploy(world, "three"), roll_back], ids=["deploy", "rollback"])
def test_reads_that_are_throttled_for_minutes_cost_no_controller_its_lease_and_no_release_its_time(
    act: Callable[[World], Ending],
) -> None:
    for number in range(40):
        world = with_two_releases()
        reads: list[float] = []

        def bucket_is_empty(
            _at: int, name: str, world: World = world, reads: list[float] = reads, number: int = number
        ) -> None:
            if world.lease is None or not world.lease.owner or name not in READS - {"lease", "history"}:
                return
            assert not world.lease.expired_for_others(world.time), f"read {number}"
            reads.append(world.time)
            if len(reads) > number and world.time < reads[number] + 400:
                raise throttled(name)

        world.before_call = bucket_is_empty
        ending = act(world)
        assert ending.outcome is Outcome.SUCCEEDED, f"read {number}: {ending.reason}"
        check_end(world)


def test_a_ledger_that_is_throttled_hides_no_bad_version() -> None:
    world = with_two_releases()
    exposed: list[float] = []

    def bucket_is_empty(_at: int, name: str) -> None:
        if world.weights.green == 50:
            world.alarms["errors"] = "ALARM"
            exposed.append(world.time)
        if exposed and name == "operator_request":
            raise throttled(name)

    world.before_call = bucket_is_empty
    ending = deploy(world, "three")
    assert exposed[-1] - exposed[0] < 10
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "alarm errors is firing" in ending.reason


def test_a_bad_version_is_returned_once_it_can_be_seen_again() -> None:
    world = with_two_releases()
    began: list[float] = []

    def bucket_is_empty(_at: int, name: str) -> None:
        if world.weights.green == 50 and name == "readings":
            world.alarms["errors"] = "ALARM"
            began.append(world.time)
            if world.time < began[0] + 60:
                raise throttled(name)

    world.before_call = bucket_is_empty
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "alarm errors is firing" in ending.reason
