"""A call that drips, hangs or is stopped ends; meanwhile whoever holds the lease is asked."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release import deadline
from ansible_collections.pear.fargate.plugins.module_utils.release.check_options import CHECK
from ansible_collections.pear.fargate.plugins.module_utils.release.deadline import within
from ansible_collections.pear.fargate.plugins.module_utils.release.every_target import Route, smoke
from ansible_collections.pear.fargate.plugins.module_utils.release.options import filled
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import LeaseLostError
from ansible_collections.pear.fargate.plugins.module_utils.release.smoke import BODY_BYTES, Endpoint
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Result

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pem = tmp_path_factory.mktemp("tls") / "both.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=app -days 2 -keyout {pem}.key -out {pem}.crt"
    subprocess.run(made.split(), check=True, capture_output=True)
    pem.write_bytes(Path(f"{pem}.key").read_bytes() + Path(f"{pem}.crt").read_bytes())
    return pem


@contextmanager
def server(certificate: Path, answer: Callable[[ssl.SSLSocket, threading.Event], None]) -> Iterator[Endpoint]:
    """One TLS connection after the other, each answered by the function."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                plain, _address = listening.accept()
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65536)
                    answer(connection, over)
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", "app", verify=False, port=listening.getsockname()[1])
    finally:
        over.set()
        listening.close()


def drip(connection: ssl.SSLSocket, over: threading.Event) -> None:
    connection.sendall(HEAD)
    while not over.wait(0.05):
        connection.sendall(b".")


def flood(connection: ssl.SSLSocket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 65536)


def check(**options: object) -> dict[str, object]:
    return filled({"name": "ready", "path": "/readyz", "tries": 1, **options}, CHECK)


@pytest.mark.long
def test_an_answer_that_drips_ends_with_the_checks_timeout(certificate: Path) -> None:
    with server(certificate, drip) as endpoint:
        verdict = smoke(Route(endpoint, 1), check(timeout_seconds=1))
    assert verdict.result is Result.FAIL
    assert "no whole answer within 1 seconds" in verdict.reason


def test_a_person_who_aborts_does_not_wait_for_an_answer_that_drips(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "_ASKED_EVERY_SECONDS", 0.1)
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    with server(certificate, drip) as endpoint, pytest.raises(InterruptedError):
        endpoint.request(check(timeout_seconds=60), {}, stopped)
    assert len(asked) == 3


def test_an_endless_answer_is_read_up_to_a_bound(certificate: Path) -> None:
    with server(certificate, flood) as endpoint:
        assert len(endpoint.request(check(timeout_seconds=30), {}).body) == BODY_BYTES


def test_a_lease_that_is_lost_meanwhile_ends_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_ASKED_EVERY_SECONDS", 0.05)
    ended = threading.Event()

    def lost() -> bool:
        raise LeaseLostError

    with pytest.raises(LeaseLostError):
        within(lambda: ended.wait(30), 60, ended.set, lost)
    assert ended.is_set()


def test_a_failure_inside_is_raised_outside() -> None:
    def fail() -> None:
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(ConnectionRefusedError, match="nobody there"):
        within(fail, 5, lambda: None)
