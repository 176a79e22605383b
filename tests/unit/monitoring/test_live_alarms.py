"""What pages where the load balancer itself answers the requests of a service: minute by minute, before the sandbox's alarms."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_alarms, service_dashboard

from .given import ENVIRONMENT
from .world import CRITICAL, World, provision, told, world

pytestmark = pytest.mark.long

__all__ = ["world"]

LOST = "staging/scores/live-without-target"
WITHOUT_INSIGHTS = {"cluster": {"container_insights": "disabled"}}
BUSY, QUIET = 600.0, 2.0


def serving(colour: str, requests: float = BUSY, **more: float) -> dict[str, float]:
    """A minute in which a colour has two tasks and answers all requests."""
    return {f"healthy_{colour}": 2, f"requests_{colour}": requests, f"answered_{colour}": requests, **more}


def warm(colour: str) -> dict[str, float]:
    return {f"healthy_{colour}": 2, f"requests_{colour}": 0}


def in_alarm(world: World, name: str = CRITICAL) -> bool:
    return str(world.backend("cloudwatch").alarms[name].state_value) == "ALARM"


@pytest.mark.parametrize(
    ("live", "other", "requests", "insights"),
    [
        pytest.param("blue", "green", BUSY, True, id="blue is live"),
        pytest.param("green", "blue", BUSY, False, id="green is live, without Container Insights"),
        pytest.param("blue", "green", QUIET, False, id="a quiet service"),
    ],
)
def test_a_live_colour_that_lost_all_its_tasks_pages_while_the_other_is_warm(
    world: World, live: str, other: str, requests: float, insights: bool
) -> None:
    world.pass_minutes(7, **serving(live, requests), **warm(other))
    provision(**({} if insights else WITHOUT_INSIGHTS))
    world.pass_minutes(1, **serving(live, requests), **warm(other))
    assert not in_alarm(world)
    world.pass_minutes(3, **warm(other), unavailable=requests, balancer_errors=requests)
    assert in_alarm(world) and in_alarm(world, LOST)
    # For as long as it lasts, not only until what was there before is forgotten.
    world.pass_minutes(90, **warm(other), unavailable=requests, balancer_errors=requests)
    assert in_alarm(world)
    # The traffic is sent to the other colour.
    world.pass_minutes(1, **serving(other, requests))
    assert not in_alarm(world)
    assert told() == ["OK", "ALARM", "OK"]


def test_few_requests_need_not_come_every_minute(world: World) -> None:
    world.pass_minutes(7, **serving("blue", QUIET), **warm("green"))
    provision()
    world.pass_minutes(1, **serving("blue", QUIET), **warm("green"))
    for _ in range(2):
        world.pass_minutes(1, **warm("green"), unavailable=1)
        world.pass_minutes(1, **warm("green"))
        assert not in_alarm(world)
    # Three such minutes of five.
    world.pass_minutes(1, **warm("green"), unavailable=1)
    assert in_alarm(world)


def test_a_release_its_scale_in_and_a_night_without_requests_page_nobody(world: World) -> None:
    """While another service behind the same load balancer has no target."""
    others = {"unavailable": 300.0, "balancer_errors": 300.0}
    world.pass_minutes(7, **serving("blue"), **others)
    provision()
    world.pass_minutes(3, **serving("blue"), **warm("green"), **others)
    for percent in (20, 60):
        blue, green = BUSY * (100 - percent) / 100, BUSY * percent / 100
        world.pass_minutes(4, **serving("blue", blue), **serving("green", green), **others)
    world.pass_minutes(6, **serving("green"), **warm("blue"), **others)
    # Blue is scaled in.
    world.pass_minutes(20, **serving("green"), **others)
    world.pass_minutes(20, **warm("green"), **others)
    # A candidate that was refused after its checks.
    world.pass_minutes(5, **warm("green"), **warm("blue"), **others)
    world.pass_minutes(20, **serving("green", QUIET), **others)
    assert told() == ["OK"] and not in_alarm(world)


def test_blue_that_is_scaled_in_after_a_release_without_any_request_pages_nobody(world: World) -> None:
    world.pass_minutes(7, **serving("blue"))
    provision()
    world.pass_minutes(30, **warm("blue"), **warm("green"))
    world.pass_minutes(30, **warm("green"))
    assert told() == ["OK"] and not in_alarm(world)


def test_which_colour_is_live_is_no_news() -> None:
    made = {alarm["name"].rpartition("/")[2]: alarm for alarm in service_alarms(ENVIRONMENT, "scores", tell=["topic"])}
    for kind in ("traffic-on-green", "without-target-blue", "without-target-green"):
        assert made[kind]["alarm_actions"] == []
    widgets = service_dashboard(ENVIRONMENT, "scores", [alarm["name"] for alarm in made.values()])["widgets"]
    (shown,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert len(shown) == len(made) - 1
    assert not [arn for arn in shown if arn.endswith("traffic-on-green")]


HANGING = {"healthy_blue": 2, "requests_blue": BUSY}


@pytest.mark.parametrize(
    ("minute", "pages"),
    [
        pytest.param({**HANGING, "balancer_errors": BUSY}, True, id="no task answers: 504"),
        pytest.param({**HANGING, "answered_blue": 540, "balancer_errors": 60}, True, id="a tenth is cut off: 502"),
        pytest.param({**HANGING, "answered_blue": 540}, False, id="clients leave, or responses have no time"),
        pytest.param({**HANGING, "answered_blue": 540, "balancer_errors": 20}, False, id="clients leave, few errors"),
        pytest.param({**serving("blue"), "balancer_errors": 900}, False, id="another service's errors"),
        pytest.param({"healthy_blue": 2, "requests_blue": 3, "balancer_errors": 3}, False, id="a handful"),
        pytest.param({"healthy_blue": 2, "answered_blue": BUSY, "balancer_errors": 9}, False, id="requests are late"),
    ],
)
@pytest.mark.long
def test_requests_that_the_load_balancer_gives_up_on_are_errors_of_the_service(
    world: World, minute: dict[str, Any], pages: bool
) -> None:
    world.pass_minutes(7, **serving("blue"))
    provision()
    world.pass_minutes(4, **minute)
    assert not in_alarm(world)
    world.pass_minutes(4, **minute)
    assert in_alarm(world) is pages
    assert in_alarm(world, "staging/scores/error-share") is pages


def test_a_minute_whose_answers_are_late_ends_and_begins_no_alarm(world: World) -> None:
    """The counts of the newest minutes come one by one."""
    world.pass_minutes(7, **serving("blue", balancer_errors=1))
    provision()
    world.pass_minutes(2, healthy_blue=2, requests_blue=BUSY, balancer_errors=1)
    world.pass_minutes(7, **serving("blue", balancer_errors=1))
    assert told() == ["OK"]


def test_a_canary_that_hangs_is_not_diluted_by_live(world: World) -> None:
    world.pass_minutes(7, **serving("blue"), **warm("green"))
    provision()
    world.pass_minutes(5, **serving("blue", 540), healthy_green=2, requests_green=60, balancer_errors=60)
    assert in_alarm(world, "staging/scores/error-share")
