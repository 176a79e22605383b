"""What each route answers, asked from outside."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from scoreboard_process import Scoreboard, free_port, running, start


def raw(service: Scoreboard, text: bytes) -> bytes:
    """All bytes of the answer to exactly these bytes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def service() -> Any:
    with running() as service:
        yield service


def test_scores_outlive_the_process_on_the_volume(tmp_path: Path) -> None:
    path = str(tmp_path / "data" / "db.sqlite")
    with running(SCORE_DB_PATH=path) as first:
        assert first.ask("/readyz").body["storage_mode"] == "sqlite"
        assert first.ask("/score", {"player": "ann", "score": 7}).status == 201
        assert first.ask("/score", {"player": "ann", "score": 3}).status == 201
        first.stop()
    with running(SCORE_DB_PATH=path) as second:
        assert second.ask("/leaderboard").body["leaders"] == [{"player": "ann", "score": 7}]


def test_without_its_volume_it_serves_from_memory_and_says_so() -> None:
    with running(SCORE_DB_PATH="/proc/nowhere/db.sqlite") as service:
        ready = service.ask("/readyz")
        assert service.ask("/score", {"player": "ann", "score": 7}).status == 201
        assert service.ask("/leaderboard").body["leaders"] == [{"player": "ann", "score": 7}]
    assert (ready.status, ready.body["storage_mode"]) == (200, "memory")
    assert "/proc/nowhere" in ready.body["storage_problem"]


def test_a_database_that_breaks_later_is_not_ready_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    with running(SCORE_DB_PATH=str(path)) as service:
        assert service.ask("/readyz").status == 200
        for file in tmp_path.iterdir():
            file.write_bytes(b"not a database" * 1000)
        ready = service.ask("/readyz")
        taken = service.ask("/score", {"player": "ann", "score": 7})
    assert (ready.status, taken.status) == (503, 503)
    assert "cannot be read" in ready.body["error"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"{", "not JSON", id="broken JSON"),
        pytest.param(b"[" * 4000, "not JSON", id="JSON too deep"),
        pytest.param([1], "missing", id="not an object"),
        pytest.param({"player": "ann"}, "missing", id="no score"),
        pytest.param({"player": "", "score": 1}, "player must be", id="empty player"),
        pytest.param({"player": "a" * 41, "score": 1}, "player must be", id="long player"),
        pytest.param({"player": "a\u0000", "score": 1}, "player must be", id="control character"),
        pytest.param({"player": "\ud800", "score": 1}, "player must be", id="lone surrogate"),
        pytest.param({"player": "a", "score": "1"}, "score must be", id="score as text"),
        pytest.param({"player": "a", "score": True}, "score must be", id="score as truth"),
        pytest.param({"player": "a", "score": 1.5}, "score must be", id="score with a fraction"),
        pytest.param({"player": "a", "score": -1}, "score must be", id="negative score"),
        pytest.param({"player": "a", "score": 2**70}, "score must be", id="score beyond SQLite's integers"),
    ],
)
def test_what_is_not_a_score_is_refused_with_the_reason(service: Scoreboard, body: Any, reason: str) -> None:
    refused = service.ask("/score", body)
    assert refused.status == 400
    assert reason in refused.body["error"]


def test_the_leaderboard_is_as_long_as_asked_for() -> None:
    with running() as service:
        for score in range(12):
            service.ask("/score", {"player": f"player {score}", "score": score})
        assert len(service.ask("/leaderboard").body["leaders"]) == 10
        assert service.ask("/leaderboard?limit=1").body["leaders"] == [{"player": "player 11", "score": 11}]
        for limit in ("0", "101", "-1", "x", "1e1", "9" * 30, "%C2%B2"):
            assert service.ask(f"/leaderboard?limit={limit}").status == 400


def test_unknown_paths_and_methods_are_refused(service: Scoreboard) -> None:
    assert service.ask("/nothing").status == 404
    refused = service.ask("/score", method="GET")
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    assert service.ask("/leaderboard", method="DELETE").status == 405
    head = service.ask("/leaderboard", method="HEAD")
    assert (head.status, head.body) == (200, "")
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        pytest.param(b"POST /score HTTP/1.1\r\nContent-Length: 9999\r\n\r\n", b"413", id="body too long"),
        pytest.param(b"POST /score HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400", id="length not a number"),
        pytest.param(b"POST /score HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}", b"400", id="body cut off"),
        pytest.param(b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411", id="chunked"),
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no request"),
        pytest.param(b"GET //[ HTTP/1.1\r\n\r\n", b"404", id="path that is no URL"),
    ],
)
def test_malformed_requests_are_answered_and_the_service_goes_on(
    service: Scoreboard, request_text: bytes, status: bytes
) -> None:
    assert status in raw(service, request_text).partition(b"\r\n")[0]
    assert service.ask("/healthz").status == 200


def test_every_answer_tells_the_version(service: Scoreboard) -> None:
    for path in ("/", "/healthz", "/readyz", "/metrics", "/version", "/leaderboard", "/nothing"):
        assert service.ask(path).headers["X-Version"] == "1.2.3"
    assert service.ask("/version").body == {"version": "1.2.3"}


def test_the_page_shows_version_storage_and_leaders_and_loads_nothing_else() -> None:
    with running(APP_VERSION="<2>") as service:
        service.ask("/score", {"player": "<b>ann</b>", "score": 7})
        page = service.ask("/")
    assert "&lt;2&gt;" in page.body
    assert "storage: memory" in page.body
    assert "<td>&lt;b&gt;ann&lt;/b&gt;</td><td>7</td>" in page.body
    assert "<b>ann" not in page.body
    assert "<2>" not in page.body
    assert "http" not in page.body.replace("http-equiv", "")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_settings_that_make_no_sense_are_refused_all_at_once() -> None:
    process = start(free_port(), PORT="0", CHAOS_ERROR_RATE="2", CHAOS_ENABLED="maybe", LOG_LEVEL="loud")
    _, error = process.communicate(timeout=10)
    assert process.returncode == 2
    for name in ("PORT is '0'", "CHAOS_ERROR_RATE is '2'", "CHAOS_ENABLED is 'maybe'", "LOG_LEVEL is 'loud'"):
        assert name in error
    assert "Traceback" not in error


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = start(port)
        _, error = process.communicate(timeout=10)
    assert process.returncode == 1
    assert f"cannot listen on port {port}" in error
