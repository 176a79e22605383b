"""Health checks of containers: what counts, when, and how many starts are let in at once."""

from __future__ import annotations

import threading

import pytest

from sandbox.fargate.admission import AT_MOST, Admission, allowed
from sandbox.fargate.enter import find_user
from sandbox.fargate.health import ContainerHealth, HealthCheck
from sandbox.fargate.timers import Timers
from sandbox.lateness import Lateness

CHECK = HealthCheck.of({"command": ["CMD-SHELL", "true"], "retries": 2, "startPeriod": 20})
PASSWD = ["root:x:0:0:root:/root:/bin/sh", "app:x:1000:100:App:/srv:/bin/sh"]
GROUPS = ["root:x:0:", "users:x:100:", "extra:x:7:app,other"]


def health(*results: bool | None, age: float = 60.0) -> str:
    found = ContainerHealth()
    for passed in results:
        found = found.after(passed, CHECK, age)
    return found.status


def test_retries_in_a_row_make_a_container_unhealthy() -> None:
    assert health(False) == "UNKNOWN"
    assert health(False, False) == "UNHEALTHY"
    assert health(True, False, True, False) == "HEALTHY"
    assert health(True, False, False, True) == "HEALTHY"


def test_a_check_that_could_not_be_run_neither_passes_nor_fails() -> None:
    assert health(None, None, None) == "UNKNOWN"
    assert health(True, False, None, False) == "UNHEALTHY"
    assert health(True, False, None) == "HEALTHY"


def test_failures_in_the_start_period_count_only_after_a_success() -> None:
    assert health(False, False, False, age=19) == "UNKNOWN"
    assert health(True, False, False, age=19) == "UNHEALTHY"


def test_defaults_are_those_of_ecs() -> None:
    check = HealthCheck.of({"command": ["CMD", "/healthcheck"]})
    assert (check.command, check.interval, check.timeout) == (("/healthcheck",), 30, 5)
    assert (check.retries, check.start_period) == (3, 0)
    assert CHECK.command == ("/bin/sh", "-c", "true")


def test_a_grace_is_shorter_by_the_time_factor_but_never_than_a_start_takes() -> None:
    timers = Timers(12.0, Lateness())
    assert timers.grace(600) == 50
    assert timers.grace(10) == 5
    assert timers.grace(3) == 3
    assert timers.grace(0) == 0


def test_a_grace_is_counted_in_machine_seconds() -> None:
    moment = [0.0]
    lateness = Lateness(lambda: moment[0])
    for _beat in range(50):
        moment[0] += 0.2
        lateness.beat(1.0)
    timers, started = Timers(1.0, lateness), moment[0]
    moment[0] += 60
    assert timers.in_grace(started, 10), "the process did not run for a minute: no task had a minute to start"
    for _beat in range(60):
        moment[0] += 0.2
        lateness.beat(1.0)
    assert not timers.in_grace(started, 10)


@pytest.mark.parametrize(("stretch", "starts"), [(1.0, AT_MOST), (1.4, AT_MOST), (1.6, 2), (3.0, 1), (50.0, 1)])
def test_the_later_the_machine_the_fewer_starts_at_once(stretch: float, starts: int) -> None:
    assert allowed(stretch) == starts


def test_starts_wait_for_each_other_at_the_gate() -> None:
    gate, entered = Admission(lambda: 1), threading.Event()

    def second() -> None:
        with gate.start():
            entered.set()

    with gate.start():
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
    thread.join(10)
    assert entered.is_set()


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("", (0, 0, [], "/root")),
        ("app", (1000, 100, [7], "/srv")),
        ("1000", (1000, 100, [7], "/srv")),
        ("10001:10001", (10001, 10001, [], "/")),
        ("app:extra", (1000, 7, [], "/srv")),
        ("4242", (4242, 0, [], "/")),
    ],
)
def test_users_of_containers_are_found_in_their_own_files(named: str, found: tuple[int, int, list[int], str]) -> None:
    assert find_user(named, PASSWD, GROUPS) == found


def test_a_user_that_a_container_does_not_know_is_an_error() -> None:
    with pytest.raises(KeyError, match="nobody-here"):
        find_user("nobody-here", PASSWD, GROUPS)
