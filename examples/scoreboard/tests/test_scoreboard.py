"""The operational interface, asked from outside: a process of its own on a free port."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class Service:
    """A running scoreboard."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        request = urllib.request.Request(self.url + path, data, {k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text, status, found = answer.read().decode(), answer.status, dict(answer.headers)
        except urllib.error.HTTPError as refused:
            text, status, found = refused.read().decode(), refused.code, dict(refused.headers)
        return status, json.loads(text) if text.startswith("{") else text, found

    def stop(self) -> list[dict[str, Any]]:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=30)
        return [json.loads(line) for line in out.splitlines()]


@contextmanager
def running(**environment: str) -> Iterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "scoreboard"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORT": str(port), "APP_VERSION": "1.2.3", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    service = Service(process, port)
    try:
        for _ in range(100):
            try:
                service.ask("/healthz")
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        yield service
    finally:
        process.kill()
        process.wait()


def test_scores_are_kept_on_the_volume(tmp_path: Path) -> None:
    path = str(tmp_path / "data" / "db.sqlite")
    with running(SCORE_DB_PATH=path) as service:
        assert service.ask("/readyz")[1]["storage_mode"] == "sqlite"
        assert service.ask("/score", {"player": "ann", "score": 7})[0] == 201
        assert service.ask("/score", {"player": "ann", "score": 3})[0] == 201
        service.stop()
    with running(SCORE_DB_PATH=path) as service:
        assert service.ask("/leaderboard")[1]["leaders"] == [{"player": "ann", "score": 7}]


def test_without_its_volume_it_serves_from_memory_and_says_so() -> None:
    with running(SCORE_DB_PATH="/proc/nowhere/db.sqlite") as service:
        status, ready, headers = service.ask("/readyz")
    assert (status, ready["storage_mode"]) == (200, "memory")
    assert "/proc/nowhere" in ready["storage_problem"]
    assert headers["X-Version"] == "1.2.3"


def test_what_is_not_a_score_is_refused() -> None:
    with running() as service:
        for body in (
            b"",
            b"{",
            {"player": "", "score": 1},
            {"player": "a", "score": "1"},
            {"player": "a", "score": True},
        ):
            assert service.ask("/score", body)[0] == 400
        assert service.ask("/score", b"x" * 5000)[0] == 413
        assert service.ask("/nothing")[0] == 404
        assert service.ask("/score")[0] == 405


def test_metrics_count_by_route_and_never_by_raw_path() -> None:
    with running() as service:
        service.ask("/leaderboard")
        service.ask("/surprise/1")
        text = service.ask("/metrics")[1]
    assert 'http_requests_total{method="GET",route="/leaderboard",status="200"} 1' in text
    assert 'http_requests_total{method="GET",route="other",status="404"} 1' in text
    assert 'http_request_duration_seconds_bucket{route="/leaderboard",le="+Inf"} 1' in text
    assert "surprise" not in text


def test_the_same_seed_makes_the_same_chaos() -> None:
    def statuses() -> list[int]:
        with running(
            CHAOS_ENABLED="true", CHAOS_ERROR_RATE="0.5", CHAOS_SEED="7", CHAOS_ROUTES="/leaderboard"
        ) as service:
            assert {service.ask("/healthz")[0] for _ in range(10)} == {200}, "routes that are not named are left alone"
            return [service.ask("/leaderboard")[0] for _ in range(20)]

    first = statuses()
    assert set(first) == {200, 500}
    assert statuses() == first


def test_logs_are_json_with_the_request_id_that_was_sent() -> None:
    with running() as service:
        _, _, headers = service.ask("/leaderboard", X_Request_Id="abc-1")
        logged = service.stop()
    assert headers["X-Request-Id"] == "abc-1"
    (line,) = [one for one in logged if one["message"] == "request"]
    assert (line["request_id"], line["path"], line["status"]) == ("abc-1", "/leaderboard", 200)


def test_sigterm_lets_the_request_in_flight_finish() -> None:
    slow = {
        "CHAOS_ENABLED": "1",
        "CHAOS_LATENCY_MS_P50": "800",
        "CHAOS_LATENCY_MS_P99": "800",
        "CHAOS_ROUTES": "/leaderboard",
    }
    with running(**slow) as service:
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(service.ask("/leaderboard")[0]))
        thread.start()
        time.sleep(0.3)
        logged = service.stop()
        thread.join(timeout=10)
    assert answers == [200]
    assert logged[-1]["message"] == "stopped"
    assert logged[-1]["finished"]
    assert service.process.returncode == 0


def test_a_span_per_request_goes_to_the_collector() -> None:
    received: list[dict[str, Any]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append({"path": self.path, **json.loads(self.rfile.read(int(self.headers["Content-Length"])))})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with running(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{server.server_port}") as service:
            service.ask("/leaderboard", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
            service.stop()
    finally:
        server.shutdown()
        server.server_close()
    spans = [span for one in received for span in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    (span,) = [one for one in spans if one["name"] == "GET /leaderboard"]
    assert (span["traceId"], span["parentSpanId"]) == ("a" * 32, "b" * 16)
    assert received[0]["path"] == "/v1/traces"


def test_the_page_shows_the_version() -> None:
    with running() as service:
        assert "version 1.2.3, storage memory" in service.ask("/")[1]
