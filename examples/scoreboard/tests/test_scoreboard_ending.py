"""SIGTERM: nothing that was begun is lost, clients are told, the process ends with 0 and soon."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time

import pytest
from scoreboard_process import Scoreboard, running

pytestmark = pytest.mark.long

SLOW = {
    "CHAOS_ENABLED": "1",
    "CHAOS_LATENCY_MS_P50": "800",
    "CHAOS_LATENCY_MS_P99": "800",
    "CHAOS_ROUTES": "/leaderboard",
}


class Client(threading.Thread):
    """Asks on one connection, again and again, until it is told that the connection ends: what a load balancer does."""

    def __init__(self, service: Scoreboard) -> None:
        super().__init__(daemon=True)
        self._connection = service.connect()
        self.answered = 0
        self.lost: list[str] = []

    def run(self) -> None:
        try:
            while True:
                self._connection.request("GET", "/leaderboard")
                answer = self._connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.lost.append(str(answer.status))
                self.answered += 1
                if answer.getheader("Connection") == "close":
                    return
        except (OSError, http.client.HTTPException) as failed:
            self.lost.append(repr(failed))
        finally:
            self._connection.close()


def test_no_request_is_lost_when_the_end_comes_under_load() -> None:
    with running() as service:
        clients = [Client(service) for _ in range(12)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(timeout=15)
        service.logged()
    assert [client.lost for client in clients if client.lost] == []
    assert all(client.answered > 10 for client in clients)
    assert service.process.returncode == 0


def test_a_request_in_flight_is_finished_and_told_that_the_connection_ends() -> None:
    with running(**SLOW) as service:
        client = Client(service)
        client.start()
        time.sleep(0.3)
        logged = service.stop()
        client.join(timeout=10)
    assert (client.answered, client.lost) == (1, [])
    assert logged[-1]["message"] == "stopped"
    assert logged[-1]["finished"]
    assert service.process.returncode == 0


def test_a_client_that_comes_just_after_the_signal_is_served() -> None:
    with running() as service:
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        answered = service.ask("/leaderboard")
        service.logged()
    assert (answered.status, answered.headers["Connection"]) == (200, "close")
    assert service.process.returncode == 0


def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    with running() as service, socket.create_connection(("127.0.0.1", service.port)):
        time.sleep(0.2)
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 2
    assert service.process.returncode == 0


def test_a_client_that_never_stops_asking_does_not_hold_up_the_end() -> None:
    with running() as service:
        done = threading.Event()

        def insist() -> None:
            while not done.is_set():
                try:
                    service.ask("/leaderboard")
                except (OSError, http.client.HTTPException):
                    return

        threading.Thread(target=insist, daemon=True).start()
        began = time.monotonic()
        service.stop()
        done.set()
    assert time.monotonic() - began < 10
    assert service.process.returncode == 0
