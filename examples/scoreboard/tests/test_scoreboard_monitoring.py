"""What monitoring sees: metrics, logs, traces."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from scoreboard_process import free_port, running

pytestmark = pytest.mark.long

SAMPLE = re.compile(r'^[a-z_]+(\{[a-z]+="(\\.|[^"\\])*"(,[a-z]+="(\\.|[^"\\])*")*\})? [0-9.e+-]+$')


def samples(text: str) -> dict[str, float]:
    """Every line of the exposition is a comment or a sample of a family that was announced."""
    families, found = set(), {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.add(line.split()[2])
        elif not line.startswith("# HELP "):
            assert SAMPLE.match(line), line
            name, value = line.rsplit(" ", 1)
            assert re.sub(r"_(bucket|sum|count)$", "", name.partition("{")[0]) in families, line
            found[name] = float(value)
    return found


def test_metrics_count_by_route_and_never_by_raw_path() -> None:
    with running(APP_VERSION='1.2"3\\') as service:
        service.ask("/leaderboard?limit=3")
        service.ask("/surprise/1")
        service.ask("/score", {"player": "ann", "score": 7})
        found = samples(text := service.ask("/metrics").body)
    assert found['http_requests_total{method="GET",route="/leaderboard",status="200"}'] == 1
    assert found['http_requests_total{method="GET",route="other",status="404"}'] == 1
    assert found["scores_total"] == 1
    assert found['build_info{version="1.2\\"3\\\\"}'] == 1
    assert "surprise" not in text
    buckets = [value for name, value in found.items() if name.startswith("http_request_duration_seconds_bucket")]
    assert len(buckets) >= 36
    durations = [found[name] for name in found if 'bucket{route="/leaderboard"' in name]
    assert durations == sorted(durations)
    assert durations[-1] == found['http_request_duration_seconds_count{route="/leaderboard"}'] == 1


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"X-Request-Id": "abc-1"}, r"abc-1", id="the caller's"),
        pytest.param({"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3f"}, r"Root=1-5759e988-bd862e3f", id="the balancer's"),
        pytest.param({"X-Request-Id": "a", "X-Amzn-Trace-Id": "Root=1-2"}, r"a", id="the caller's first"),
        pytest.param({"X-Request-Id": "no {json}"}, r"[0-9a-f]{16}", id="a new one for what is no id"),
        pytest.param({}, r"[0-9a-f]{16}", id="a new one where none was sent"),
    ],
)
def test_each_request_is_one_json_line_with_its_id(headers: dict[str, str], expected: str) -> None:
    with running() as service:
        answered = service.ask("/leaderboard", headers=headers)
        (line,) = [
            event for event in service.stop() if event["message"] == "request" and event["route"] == "/leaderboard"
        ]
    assert re.fullmatch(expected, line["request_id"])
    assert answered.headers["X-Request-Id"] == line["request_id"]
    assert (line["level"], line["version"], line["status"], line["method"]) == ("info", "1.2.3", 200, "GET")
    assert line["duration_ms"] >= 0


@pytest.mark.parametrize(("level", "logged"), [("info", {"/leaderboard"}), ("debug", {"/healthz", "/leaderboard"})])
def test_health_checks_are_logged_in_detail_only(level: str, logged: set[str]) -> None:
    with running(LOG_LEVEL=level) as service:
        service.ask("/healthz")
        service.ask("/leaderboard")
        assert {line["route"] for line in service.stop() if line["message"] == "request"} == logged


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Something that receives OTLP/HTTP."""
    received: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append({"path": self.path, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def test_a_span_per_request_goes_on_with_the_callers_trace() -> None:
    with (
        collector() as (url, received),
        running(OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_SERVICE_NAME="scores") as service,
    ):
        for headers in (
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
            {"traceparent": f"00-{'c' * 32}-{'b' * 16}-00"},
            {"traceparent": f"00-{'0' * 32}-{'b' * 16}-01"},
        ):
            service.ask("/leaderboard", headers=headers)
        service.stop()
    spans = [span for request in received for span in request["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    resource = {
        attribute["key"]: attribute["value"] for attribute in received[0]["resourceSpans"][0]["resource"]["attributes"]
    }
    assert received[0]["path"] == "/v1/traces"
    assert resource["service.name"] == {"stringValue": "scores"}
    assert resource["service.version"] == {"stringValue": "1.2.3"}
    sampled, begun = [span for span in spans if span["name"] == "GET /leaderboard"]
    assert (sampled["traceId"], sampled["parentSpanId"]) == ("a" * 32, "b" * 16)
    assert begun["traceId"] not in ("0" * 32, "c" * 32), "an unsampled one is not sent, a malformed one begins anew"
    assert "parentSpanId" not in begun
    assert int(sampled["endTimeUnixNano"]) >= int(sampled["startTimeUnixNano"])


def test_a_collector_that_is_not_there_costs_no_request_and_is_said_once() -> None:
    with running(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}") as service:
        lost = 0.0
        for _ in range(200):
            assert service.ask("/leaderboard").status == 200
            if lost := samples(service.ask("/metrics").body)["trace_spans_lost_total"]:
                break
            threading.Event().wait(0.02)
        assert lost > 0
        warnings = [line for line in service.stop() if line["level"] == "warning"]
    assert len(warnings) == 1
    assert "/v1/traces" in warnings[0]["url"]
