"""The calls that a stage's API saw: what a playbook has changed, or that it changed nothing."""

from __future__ import annotations

import json
import urllib.request

from .conftest import Stage

# What running containers and their collectors write all the time, whatever a playbook does.
TELEMETRY = {"logs:PutLogEvents", "cloudwatch:PutMetricData", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}


def mutating_calls(stage: Stage) -> list[str]:
    with urllib.request.urlopen(stage.environment["AWS_ENDPOINT_URL"] + "/_sandbox/calls", timeout=60) as answer:
        calls = json.load(answer)["calls"]
    written = [f"{call['service']}:{call['operation']}" for call in calls if call["mutating"]]
    return [call for call in written if call not in TELEMETRY]
