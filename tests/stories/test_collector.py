"""A collector beside an app: its metrics reach CloudWatch, its traces X-Ray, and a line in the log leads to its trace."""

from __future__ import annotations

import json
import ssl
import time
from http.client import HTTPSConnection
from typing import Any

import pytest

from tests.support.plays import Player
from tests.support.waiting import eventually

from .conftest import Stage

pytestmark = pytest.mark.long

INVENTORIES = ("inventories/local", "examples/collector/inventory")
IMAGE = "localhost/pear/collector:stand-in"
REQUEST_ID = "story-0123456789"
REQUESTS = 7


@pytest.fixture(scope="module")
def observed(deployed: Player, stage: Stage) -> Player:
    """The sample app once more, with the stand-in beside it."""
    base = f"BASE_IMAGE={stage.environment['PEAR_BASE_IMAGE']}"
    stage.engine("build", "--quiet", "--build-arg", base, "--tag", IMAGE, "examples/collector")
    player = Player(stage.environment, INVENTORIES)
    player.run("playbooks/deploy.yml", "-l", "environment:observed").succeeded()
    return player


def request(stage: Stage, path: str, request_id: str) -> int:
    # The certificate is of the environment's own making; who speaks is not in question here.
    context = ssl._create_unverified_context()
    connection = HTTPSConnection(stage.load_balancer, timeout=60, context=context)
    try:
        headers = {"Host": "observed.local.example.test", "X-Request-Id": request_id}
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def logged(stage: Stage, request_id: str) -> dict[str, Any] | None:
    """The app's line about a request."""
    events = stage.client("logs").filter_log_events(logGroupName="/pear/local/observed")["events"]
    lines = [json.loads(one["message"]) for one in events if request_id in one["message"]]
    return lines[0] if lines else None


def counted(stage: Stage) -> float:
    """What CloudWatch says of one route over the last minutes."""
    named = {"service": "observed", "route": "/version", "status": "200"}
    now = time.time()
    points = stage.client("cloudwatch").get_metric_statistics(
        Namespace="local/observed",
        MetricName="http_requests_total",
        Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
        StartTime=now - 300,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_what_an_app_says_reaches_cloudwatch_and_x_ray(observed: Player, stage: Stage) -> None:
    before = counted(stage)
    for number in range(REQUESTS):
        assert request(stage, "/version", f"{REQUEST_ID}-{number}") == 200
    eventually(lambda: counted(stage) == before + REQUESTS, message=f"{REQUESTS} requests in CloudWatch")
    line = eventually(lambda: logged(stage, f"{REQUEST_ID}-3"), message="the request's line in the log")
    trace_id = f"1-{line['trace_id'][:8]}-{line['trace_id'][8:]}"
    xray = stage.client("xray")
    (trace,) = eventually(lambda: xray.batch_get_traces(TraceIds=[trace_id])["Traces"], message="the request's trace")
    now = time.time()
    (summary,) = xray.get_trace_summaries(
        StartTime=now - 300, EndTime=now + 60, FilterExpression=f'annotation.request_id = "{REQUEST_ID}-3"'
    )["TraceSummaries"]
    assert summary["Id"] == trace_id
    (segment,) = (json.loads(one["Document"]) for one in trace["Segments"])
    assert segment["annotations"] == {"request_id": f"{REQUEST_ID}-3"}
    assert segment["aws"]["cloudwatch_logs"] == [{"log_group": "/pear/local/observed"}]
    assert (segment["name"], segment["fault"]) == ("observed", False)


def test_deploying_it_again_changes_nothing(observed: Player) -> None:
    again = observed.run("playbooks/deploy.yml", "-l", "environment:observed").succeeded()
    assert again.changed == 0, again.output


def test_a_group_that_somebody_changed_is_drift(observed: Player, stage: Stage) -> None:
    """Only a service with a collector has a group of X-Ray: `test_drift.py`'s has none."""
    xray = stage.client("xray")
    before = xray.get_group(GroupName="local-observed")["Group"]["FilterExpression"]
    xray.update_group(GroupName="local-observed", FilterExpression='service("elsewhere")')
    said = observed.run("playbooks/drift.yml", "-l", "observed", "--tags", "monitoring").failed()
    assert said.status == 2
    assert "xray_group local-observed" in said.output.partition("PLAY [Report the drift]")[2], said.output
    observed.run("playbooks/deploy.yml", "-l", "environment:observed").succeeded()
    assert xray.get_group(GroupName="local-observed")["Group"]["FilterExpression"] == before
