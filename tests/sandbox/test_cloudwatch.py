"""CloudWatch tells what really went through the load balancer; alarms follow it. A minute lasts two seconds here."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import TIME_FACTOR, Running
from tests.sandbox.world import World
from tests.support.waiting import eventually

# Seconds that CloudWatch's minute lasts here.
MINUTE = 60 / TIME_FACTOR
NAMESPACE = "AWS/ApplicationELB"


@pytest.fixture(scope="module")
def shop(world: World) -> Iterator[dict[str, str]]:
    """A service behind the load balancer; the dimensions of its metrics."""
    group = world.target_group("shop", "/shop")
    world.create_service("shop", world.define("shop"), group)
    eventually(lambda: world.steady("shop"), message="shop is up")
    yield {
        "LoadBalancer": world.balancer["LoadBalancerArn"].partition("loadbalancer/")[2],
        "TargetGroup": group.rpartition(":")[2],
    }
    world.delete_service("shop")


def dimensions(named: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in named.items()]


def next_minute() -> float:
    """Wait for a minute to begin, so that nothing before it is counted in it; return its beginning."""
    time.sleep(MINUTE - time.time() % MINUTE)
    return time.time()


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def read(running: Running, since: float, **queries: Any) -> dict[str, list[float]]:
    """Values by query id: (metric, statistic, dimensions) or an expression."""
    asked = [
        {"Id": name, "Expression": one}
        if isinstance(one, str)
        else {
            "Id": name,
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": one[0], "Dimensions": dimensions(one[2])},
                "Period": 60,
                "Stat": one[1],
            },
        }
        for name, one in queries.items()
    ]
    found = running.client("cloudwatch").get_metric_data(
        MetricDataQueries=asked,
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.fromtimestamp(time.time() + 60, UTC),
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    return {one["Id"]: one["Values"] for one in found}


def test_metrics_are_what_really_passed(world: World, shop: dict[str, str]) -> None:
    since = next_minute()
    whole = {"LoadBalancer": shop["LoadBalancer"]}
    statuses = [get(f"http://{world.address}/shop/{number}") for number in range(20)]
    statuses.append(get(f"http://{world.address}/shop/sleep/0.3"))
    assert statuses == [200] * 21
    assert [get(f"http://{world.address}/elsewhere") for _ in range(3)] == [404] * 3

    def told() -> dict[str, list[float]] | None:
        found = read(
            world.running,
            since,
            requests=("RequestCount", "Sum", shop),
            fine=("HTTPCode_Target_2XX_Count", "Sum", shop),
            bad=("HTTPCode_Target_5XX_Count", "Sum", shop),
            slowest=("TargetResponseTime", "Maximum", shop),
            usual=("TargetResponseTime", "p50", shop),
            healthy=("HealthyHostCount", "Minimum", shop),
            all=("RequestCount", "Sum", whole),
            fixed=("HTTP_Fixed_Response_Count", "Sum", whole),
            own=("HTTPCode_ELB_4XX_Count", "Sum", whole),
            share="100 * fine / requests",
        )
        return found if sum(found["requests"]) >= 21 and sum(found["fixed"]) >= 3 else None

    found = eventually(told, timeout=15, message="the requests are told")
    assert sum(found["requests"]) == sum(found["fine"]) == sum(found["all"]) == 21
    assert found["bad"] == [], "a count has no data point where it is zero"
    assert sum(found["fixed"]) == sum(found["own"]) == 3
    assert max(found["slowest"]) >= 0.3 > min(found["usual"])
    assert set(found["healthy"]) == {1}
    assert set(found["share"]) == {100}


def test_what_the_load_balancer_answers_itself_is_counted_for_it_alone(world: World, shop: dict[str, str]) -> None:
    since = next_minute()
    whole = {"LoadBalancer": shop["LoadBalancer"]}
    assert [get(f"http://{world.address}/shop/close") for _ in range(7)] == [502] * 7

    def told() -> dict[str, list[float]] | None:
        found = read(
            world.running,
            since,
            own=("HTTPCode_ELB_5XX_Count", "Sum", whole),
            requests=("RequestCount", "Sum", shop),
            own_of_group=("HTTPCode_ELB_5XX_Count", "Sum", shop),
            bad=("HTTPCode_Target_5XX_Count", "Sum", shop),
            times=("TargetResponseTime", "SampleCount", shop),
        )
        return found if sum(found["own"]) >= 7 and sum(found["requests"]) >= 7 else None

    found = eventually(told, timeout=30, message="the answers are told")
    assert sum(found["own"]) == sum(found["requests"]) == 7
    assert found["own_of_group"] == found["bad"] == found["times"] == []


def test_statistics_are_answered_one_by_one_too(world: World, shop: dict[str, str]) -> None:
    since = next_minute()
    get(f"http://{world.address}/shop/one")

    def points() -> Any:
        return world.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="TargetResponseTime",
            Dimensions=dimensions(shop),
            StartTime=datetime.fromtimestamp(since, UTC),
            EndTime=datetime.fromtimestamp(time.time() + 60, UTC),
            Period=60,
            Statistics=["SampleCount"],
            ExtendedStatistics=["p99"],
        )["Datapoints"]

    (found,) = eventually(points, timeout=15)
    assert found["SampleCount"] == 1 and found["ExtendedStatistics"]["p99"] > 0 and found["Unit"] == "Seconds"


def test_tasks_tell_what_they_use(world: World, shop: dict[str, str]) -> None:
    def names() -> set[str]:
        found = world.client("cloudwatch").list_metrics(
            Namespace="AWS/ECS", Dimensions=[{"Name": "ServiceName", "Value": "shop"}]
        )
        return {one["MetricName"] for one in found["Metrics"]}

    eventually(lambda: names() == {"CPUUtilization", "MemoryUtilization"}, timeout=15)


def test_custom_metrics_are_kept_and_listed(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    named = [{"Name": "till", "Value": "1"}]
    cloudwatch.put_metric_data(
        Namespace="Shop", MetricData=[{"MetricName": "sold", "Dimensions": named, "Values": [1, 5], "Counts": [3, 1]}]
    )
    assert cloudwatch.list_metrics(Namespace="Shop")["Metrics"] == [
        {"Namespace": "Shop", "MetricName": "sold", "Dimensions": named}
    ]
    now = time.time()
    (found,) = cloudwatch.get_metric_statistics(
        Namespace="Shop",
        MetricName="sold",
        Dimensions=named,
        StartTime=now - 5,
        EndTime=now + 5,
        Period=60,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    assert (found["Sum"], found["SampleCount"], found["Maximum"]) == (8, 4, 5)


def test_a_line_in_the_embedded_format_is_a_metric_and_stays_a_line(world: World) -> None:
    logs, now = world.client("logs"), time.time()
    directive = {"Namespace": "Market", "Dimensions": [["service"]], "Metrics": [{"Name": "sold", "Unit": "Count"}]}
    about = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    line = json.dumps({"_aws": about, "service": "market", "sold": 7})
    logs.create_log_group(logGroupName="/market")
    logs.create_log_stream(logGroupName="/market", logStreamName="emf")
    events = [{"timestamp": int(now * 1000), "message": line}]
    logs.put_log_events(logGroupName="/market", logStreamName="emf", logEvents=events)
    assert world.client("cloudwatch").list_metrics(Namespace="Market")["Metrics"] == [
        {"Namespace": "Market", "MetricName": "sold", "Dimensions": [{"Name": "service", "Value": "market"}]}
    ]
    (kept,) = logs.get_log_events(logGroupName="/market", logStreamName="emf")["events"]
    assert kept["message"] == line


def test_what_is_not_served_is_refused(world: World) -> None:
    with pytest.raises(ClientError) as refused:
        read(world.running, time.time(), e="SEARCH('x', 'Sum')")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "SEARCH is not served here" in refused.value.response["Error"]["Message"]


def states(world: World, names: Collection[str]) -> dict[str, str]:
    """Of these alarms: other tests of the same sandbox have theirs."""
    found = world.client("cloudwatch").describe_alarms(
        AlarmNames=[*names], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return {one["AlarmName"]: one["StateValue"] for one in found["MetricAlarms"] + found["CompositeAlarms"]}


def test_alarms_follow_the_traffic(world: World, shop: dict[str, str]) -> None:
    cloudwatch = world.client("cloudwatch")
    counted = {"Namespace": NAMESPACE, "MetricName": "RequestCount", "Dimensions": dimensions(shop)}
    common = {"EvaluationPeriods": 1, "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName="busy", Period=60, Statistic="Sum", **counted, **common)
    stat = {"Metric": counted, "Period": 60, "Stat": "Sum"}
    cloudwatch.put_metric_alarm(
        AlarmName="doubled",
        Metrics=[
            {"Id": "m1", "MetricStat": stat, "ReturnData": False},
            {"Id": "twice", "Expression": "2 * m1", "ReturnData": True},
        ],
        **common,
    )
    unknown = {**counted, "MetricName": "Unknown"}
    cloudwatch.put_metric_alarm(AlarmName="silent", Period=60, Statistic="Sum", **unknown, **common)
    cloudwatch.put_metric_alarm(
        AlarmName="strict", Period=60, Statistic="Sum", TreatMissingData="breaching", **unknown, **common
    )
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(busy) AND ALARM(doubled)")
    quiet = {"busy": "OK", "doubled": "OK", "silent": "INSUFFICIENT_DATA", "strict": "ALARM", "both": "OK"}
    eventually(lambda: states(world, quiet) == quiet, message="the alarms know that it is quiet")

    def in_alarm() -> bool:
        # A minute is partial at first: two thirds of it may be late.
        for _ in range(20):
            get(f"http://{world.address}/shop/busy")
        return states(world, quiet) == {**quiet, "busy": "ALARM", "doubled": "ALARM", "both": "ALARM"}

    eventually(in_alarm, message="the alarms see the traffic")
    (busy,) = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert busy["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [")
    eventually(lambda: states(world, quiet) == quiet, message="the alarms end with the traffic")
