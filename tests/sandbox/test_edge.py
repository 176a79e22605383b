"""The application load balancer's manners: weights, stickiness, errors, connections, rules, draining, health."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from sandbox.edge.health import Verdict
from sandbox.edge.nodes import Nodes
from sandbox.lateness import BEAT_SECONDS, Lateness
from tests.sandbox.conftest import TIME_FACTOR
from tests.sandbox.edge import (
    Edge,
    Group,
    edge,
    fixed,
    forward,
    header,
    host,
    method,
    path,
    query,
    raw,
    rule,
    source,
    sticky,
    targets,
)
from tests.sandbox.world import World
from tests.support.waiting import eventually


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 120))


async def shares(made: Edge, number: int, **options: Any) -> Counter[str]:
    return Counter([(await made.get(**options))[1] for _ in range(number)])


@pytest.mark.parametrize(("blue", "green"), [(95, 5), (50, 50), (99, 1), (100, 0), (0, 100), (999, 1)])
def test_weights_are_apportioned_exactly(blue: int, green: int) -> None:
    async def story() -> None:
        async with edge() as made, targets("blue", "green") as (one, other):
            made.apply(
                [rule("default", forward(blue=blue, green=green))], blue=Group([one.port]), green=Group([other.port])
            )
            found = await shares(made, 1000)
            whole = blue + green
            assert (found["blue"], found["green"]) == (1000 * blue // whole, 1000 * green // whole)

    run(story)


def test_a_changed_rule_is_on_one_node_before_it_is_on_all() -> None:
    """A connection stays with its node, so it goes on by the old weights while others have the new ones."""
    clock = [0.0]

    async def story() -> None:
        async with edge(nodes=Nodes((0.0, 5.0), lambda: clock[0])) as made, targets("blue", "green") as (one, other):
            groups = {"blue": Group([one.port]), "green": Group([other.port])}
            made.apply([rule("default", forward(blue=100, green=0))], **groups)
            made.apply([rule("default", forward(blue=0, green=100))], **groups)
            # Each request on a connection of its own, so that both nodes are met.
            close = {"headers": {"Connection": "close"}}
            assert set(await shares(made, 40, **close)) == {"blue", "green"}
            clock[0] = 5.0
            assert set(await shares(made, 40, **close)) == {"green"}

    run(story)


def test_a_load_balancer_carries_nothing_before_it_is_active() -> None:
    async def story() -> None:
        async with edge() as made:
            made.active_at = time.time() + 3600
            made.apply([rule("default", fixed(200))])
            with pytest.raises(aiohttp.ClientError):
                await made.get()
            made.active_at = time.time()
            made.apply([rule("default", fixed(200))])
            assert (await made.get())[0] == 200

    run(story)


def test_changed_weights_hold_from_the_next_request_on() -> None:
    async def story() -> None:
        async with edge() as made, targets("blue", "green") as (one, other):
            groups = {"blue": Group([one.port]), "green": Group([other.port])}
            for weights in ({"blue": 100, "green": 0}, {"blue": 90, "green": 10}, {"blue": 0, "green": 100}):
                made.apply([rule("default", forward(**weights))], **groups)
                found = await shares(made, 100)
                assert {name: found[name] for name in weights} == weights

    run(story)


def test_a_client_sticks_to_its_target_group_until_that_has_no_weight() -> None:
    async def story() -> None:
        async with edge() as made, targets("blue", "green") as (one, other):
            groups = {"blue": Group([one.port]), "green": Group([other.port])}
            made.apply([rule("default", sticky(forward(blue=50, green=50)))], **groups)
            async with made.session.get(f"http://127.0.0.1:{made.port}/") as first:
                stays, given = await first.text(), first.cookies
            assert "AWSALBTG" in given
            cookies = {name: one.value for name, one in given.items()}
            assert await shares(made, 40, cookies=cookies) == {stays: 40}
            leaves = {"blue": "green", "green": "blue"}[stays]
            made.apply([rule("default", sticky(forward(**{stays: 0, leaves: 100})))], **groups)
            assert await shares(made, 20, cookies=cookies) == {leaves: 20}

    run(story)


def test_a_client_sticks_to_its_target_until_that_drains() -> None:
    async def story() -> None:
        async with edge() as made, targets("a", "b") as both:
            ports = {one.name: one.port for one in both}
            attributes = {"stickiness.enabled": "true", "stickiness.type": "lb_cookie"}
            made.apply([rule("default", forward(only=1))], only=Group(list(ports.values()), attributes=attributes))
            async with made.session.get(f"http://127.0.0.1:{made.port}/") as first:
                stays, given = await first.text(), first.cookies
            cookies = {"AWSALB": given["AWSALB"].value}
            assert await shares(made, 20, cookies=cookies) == {stays: 20}
            drained = Group(list(ports.values()), {ports[stays]}, attributes)
            made.apply([rule("default", forward(only=1))], only=drained)
            (other,) = set(ports) - {stays}
            assert await shares(made, 20, cookies=cookies) == {other: 20}

    run(story)


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"what?\r\n\r\n")
    writer.close()


def test_a_target_that_takes_no_connection_or_does_not_answer_in_http_is_a_502() -> None:
    async def story() -> None:
        async with edge() as made, raw(hang_up) as silent, raw(babble) as odd:
            for port in (closed_port(), silent, odd):
                made.apply([rule("default", forward(only=1))], only=Group([port]))
                assert (await made.get())[0] == 502

    run(story)


def test_a_target_group_without_targets_is_a_503() -> None:
    async def story() -> None:
        async with edge() as made:
            made.apply([rule("default", forward(only=1))], only=Group())
            assert (await made.get())[0] == 503
            made.apply([rule("default", forward(only=0))], only=Group([1]))
            assert (await made.get())[0] == 503

    run(story)


def test_a_target_slower_than_the_idle_timeout_is_a_504() -> None:
    async def story() -> None:
        attributes = {"idle_timeout.timeout_seconds": "0.3"}
        async with edge(**attributes) as made, targets("slow") as (slow,):
            made.apply([rule("default", forward(only=1))], only=Group([slow.port]))
            assert (await made.get("/sleep/0.1"))[0] == 200
            assert (await made.get("/sleep/2"))[0] == 504

    run(story)


def test_another_target_is_tried_where_one_takes_no_connection() -> None:
    async def story() -> None:
        async with edge() as made, targets("there") as (there,):
            made.apply([rule("default", forward(only=1))], only=Group([closed_port(), there.port]))
            assert await shares(made, 20) == {"there": 20}

    run(story)


def test_metrics_are_of_what_happened() -> None:
    async def story() -> None:
        async with edge() as made, targets("there") as (there,):
            refused, silent = closed_port(), Group()
            rules = [
                rule(1, forward(gone=1), path("/gone")),
                rule(2, forward(empty=1), path("/empty")),
                rule(3, fixed(418), path("/fixed")),
                rule("default", forward(only=1)),
            ]
            made.apply(rules, only=Group([there.port]), gone=Group([refused]), empty=silent)
            for wanted, status in (("/", 200), ("/gone", 502), ("/empty", 503), ("/fixed", 418)):
                assert (await made.get(wanted))[0] == status
            await asyncio.sleep(1.1)
            counted = [one for one in made.proxy.counts.take({}) if one["target_group"] is None]
            assert sum(one["requests"] for one in counted) == 2, "those for which a target was chosen"
            assert sum(one["connection_errors"] for one in counted) == 1
            assert sum(one["fixed_responses"] for one in counted) == 1
            codes = sum((Counter(one["balancer_codes"]) for one in counted), Counter())
            assert codes == {"502": 1, "503": 1, "418": 1}

    run(story)


def test_connections_are_kept_on_both_sides() -> None:
    async def story() -> None:
        async with edge() as made, targets("one") as (one,):
            made.apply([rule("default", forward(only=1))], only=Group([one.port]))
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            for _ in range(10):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                assert b" 200 " in head and b"connection: close" not in head
                await reader.readexactly(3)
            assert len(one.connections) == 1
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).endswith(b"one")
            writer.close()

    run(story)


def test_a_target_that_closes_an_idle_connection_costs_no_request() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def story() -> None:
        async with edge() as made, raw(once) as port:
            made.apply([rule("default", forward(only=1))], only=Group([port]))
            assert {await made.get() for _ in range(30)} == {(200, "ok")}

    run(story)


def test_websockets_go_through() -> None:
    async def story() -> None:
        async with edge() as made, targets("one") as (one,):
            made.apply([rule("default", forward(only=1))], only=Group([one.port]))
            async with made.session.ws_connect(f"http://127.0.0.1:{made.port}/socket") as talk:
                for number in range(3):
                    await talk.send_str(f"{number}")
                    assert (await talk.receive_str()) == f"echo {number}"

    run(story)


def test_bodies_of_any_kind_go_through() -> None:
    async def story() -> None:
        async with edge() as made, targets("one") as (one,):
            made.apply([rule("default", forward(only=1))], only=Group([one.port]))
            assert await made.get("/stream") == (200, "0;1;2;")
            large = b"x" * 3_000_000
            async with made.session.post(f"http://127.0.0.1:{made.port}/", data=large) as answer:
                assert await answer.read() == large

            async def pieces() -> Any:
                for _ in range(5):
                    yield b"piece"

            async with made.session.post(f"http://127.0.0.1:{made.port}/", data=pieces()) as answer:
                assert await answer.read() == b"piece" * 5

    run(story)


@pytest.mark.parametrize(
    ("condition", "matching", "other"),
    [
        pytest.param(host("*.example.com"), {"headers": {"Host": "A.Example.com"}}, {}, id="host"),
        pytest.param(path("/api/*"), {"target": "/api/x"}, {"target": "/API/x"}, id="path, with its case"),
        pytest.param(header("X-Test", "gr?en"), {"headers": {"x-test": "Green"}}, {}, id="header"),
        pytest.param(query("side", "green"), {"target": "/?side=green"}, {"target": "/?side=blue"}, id="query"),
        pytest.param(source("127.0.0.0/8"), {}, None, id="source"),
        pytest.param(method("GET"), {}, None, id="method"),
    ],
)
def test_rules_match_by_their_condition(
    condition: dict[str, Any], matching: dict[str, Any], other: dict[str, Any] | None
) -> None:
    async def story() -> None:
        async with edge() as made:
            made.apply([rule(5, fixed(200, "rule"), condition), rule("default", fixed(200, "default"))])
            assert (await made.get(**matching))[1] == "rule"
            assert other is None or (await made.get(**other))[1] == "default"

    run(story)


def test_the_lowest_priority_number_wins_and_all_conditions_must_hold() -> None:
    async def story() -> None:
        async with edge() as made:
            rules = [
                rule("default", fixed(200, "default")),
                rule(20, fixed(200, "late"), path("/a*")),
                rule(3, fixed(200, "early"), path("/a*"), host("x.example")),
            ]
            made.apply(rules)
            assert (await made.get("/a"))[1] == "late"
            assert (await made.get("/a", headers={"Host": "x.example"}))[1] == "early"
            assert (await made.get("/b", headers={"Host": "x.example"}))[1] == "default"

    run(story)


def test_a_test_rule_reaches_the_candidate_while_production_does_not() -> None:
    async def story() -> None:
        async with edge() as made, targets("blue", "green") as (one, other):
            rules = [
                rule(1, forward(blue=0, green=100), host("shop.example"), header("X-Test-Traffic", "shop")),
                rule(2, forward(blue=100, green=0), host("shop.example")),
                rule("default", fixed(404)),
            ]
            made.apply(rules, blue=Group([one.port]), green=Group([other.port]))
            assert await shares(made, 20, headers={"Host": "shop.example"}) == {"blue": 20}
            tested = {"Host": "shop.example", "X-Test-Traffic": "shop"}
            assert await shares(made, 20, headers=tested) == {"green": 20}

    run(story)


def test_a_draining_target_ends_what_it_has_and_gets_nothing_new() -> None:
    async def story() -> None:
        async with edge() as made, targets("leaving", "staying") as (leaving, staying):
            rules = [rule("default", forward(only=1))]
            made.apply(rules, only=Group([leaving.port]))
            under_way = asyncio.create_task(made.get("/sleep/0.5"))
            await asyncio.sleep(0.1)
            made.apply(rules, only=Group([leaving.port, staying.port], {leaving.port}))
            assert await shares(made, 20) == {"staying": 20}
            made.apply(rules, only=Group([staying.port]))
            assert await under_way == (200, "leaving")

    run(story)


def test_unhealthy_targets_get_nothing_unless_all_are() -> None:
    async def story() -> None:
        async with edge() as made, targets("well", "sick") as (well, sick):
            sick.healthy = False
            checked = {"enabled": True}
            made.apply([rule("default", forward(only=1))], only=Group([well.port, sick.port], health_check=checked))
            await asyncio.sleep(0.4)
            assert await shares(made, 20) == {"well": 20}
            well.healthy = False
            await asyncio.sleep(0.4)
            assert await shares(made, 20) == {"well": 10, "sick": 10}, "a load balancer fails open"

    run(story)


def frozen() -> Lateness:
    """A machine that has not come round since its last heartbeat."""
    lateness = Lateness()
    lateness.loop_ran("tests", 0.0, 1000.0)
    lateness.beat(1.0)
    return lateness


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def verdict(made: Edge) -> Verdict:
    (found,) = made.proxy.checker.verdicts.values()
    return found


async def becomes(made: Edge, state: str) -> Verdict:
    async with asyncio.timeout(60):
        while verdict(made).state != state:
            await asyncio.sleep(0.05)
    return verdict(made)


HASTY = {"enabled": True, "timeout_seconds": 0.1}


def test_a_check_that_times_out_counts_on_a_punctual_machine() -> None:
    async def story() -> None:
        async with edge() as made, raw(hang) as port:
            made.apply([rule("default", forward(only=1))], only=Group([port], health_check=HASTY))
            assert (await becomes(made, "unhealthy")).reason == "Target.Timeout"

    run(story)


def test_a_check_that_times_out_does_not_count_while_the_machine_is_late() -> None:
    async def story() -> None:
        async with edge(frozen()) as made, raw(hang) as port:
            made.apply([rule("default", forward(only=1))], only=Group([port], health_check=HASTY))
            await asyncio.sleep(1)
            assert (verdict(made).state, verdict(made).run) == ("initial", 0)

    run(story)


def test_a_check_that_is_answered_counts_on_a_late_machine_as_well() -> None:
    async def story() -> None:
        async with edge(frozen()) as made, targets("sick") as (sick,):
            made.apply([rule("default", forward(only=1))], only=Group([sick.port], health_check=HASTY))
            await becomes(made, "healthy")
            sick.healthy = False
            assert (await becomes(made, "unhealthy")).reason == "Target.ResponseCodeMismatch"

    run(story)


def test_a_target_that_never_answers_is_found_on_a_machine_that_is_late_all_the_time() -> None:
    async def story() -> None:
        lateness = Lateness()

        async def heart() -> None:
            while True:
                lateness.beat(4.0)
                await asyncio.sleep(BEAT_SECONDS)

        beating = asyncio.create_task(heart())
        async with edge(lateness) as made, raw(hang) as port:
            made.apply([rule("default", forward(only=1))], only=Group([port], health_check=HASTY))
            await becomes(made, "unhealthy")
        beating.cancel()

    run(story)


def test_the_target_learns_who_asked() -> None:
    async def story() -> None:
        async with edge() as made, targets("one") as (one,):
            made.apply([rule("default", forward(only=1))], only=Group([one.port]))
            await made.get(headers={"X-Forwarded-For": "10.9.8.7"})
            seen = one.requests[-1].headers
            assert seen["X-Forwarded-For"] == "10.9.8.7, 127.0.0.1"
            assert (seen["X-Forwarded-Proto"], seen["X-Forwarded-Port"]) == ("http", str(made.port))
            assert seen["X-Amzn-Trace-Id"].startswith("Root=1-")

    run(story)


def test_a_redirect_fills_in_what_was_asked_for() -> None:
    async def story() -> None:
        async with edge() as made:
            config = {"StatusCode": "HTTP_301", "Protocol": "HTTPS", "Port": "443", "Host": "www.#{host}"}
            made.apply([rule("default", {"Type": "redirect", "RedirectConfig": config})])
            url = f"http://127.0.0.1:{made.port}/a/b?c=d"
            headers = {"Host": "example.com"}
            async with made.session.get(url, headers=headers, allow_redirects=False) as answer:
                found = answer.status, answer.headers["Location"]
            assert found == (301, "https://www.example.com/a/b?c=d")

    run(story)


@pytest.mark.parametrize(("unauthenticated", "status"), [("authenticate", 302), ("deny", 401), ("allow", 200)])
def test_a_login_keeps_requests_without_a_session_back(unauthenticated: str, status: int) -> None:
    async def story() -> None:
        async with edge() as made, targets("blue") as (one,):
            config = {
                "AuthorizationEndpoint": "https://id.example.com/authorize",
                "ClientId": "web",
                "OnUnauthenticatedRequest": unauthenticated,
            }
            login = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": config}
            made.apply(
                [{**rule("default", login), "actions": [login, {**forward(blue=1), "Order": 2}]}],
                blue=Group([one.port]),
            )
            async with made.session.get(f"http://127.0.0.1:{made.port}/a", allow_redirects=False) as answer:
                assert answer.status == status
                location = answer.headers.get("Location", "")
            assert location.startswith("https://id.example.com/authorize?client_id=web&") is (status == 302)
            assert len(one.requests) == (status == 200)

    run(story)


def test_least_outstanding_requests_go_to_whoever_has_least_to_do() -> None:
    async def story() -> None:
        async with edge() as made, targets("a", "b") as both:
            attributes = {"load_balancing.algorithm.type": "least_outstanding_requests"}
            group = Group([one.port for one in both], attributes=attributes)
            made.apply([rule("default", forward(only=1))], only=group)
            # Held until the other requests are answered, however long that takes.
            held = asyncio.create_task(made.get("/sleep/120"))
            while not (busy := [one.name for one in both if one.requests]):
                await asyncio.sleep(0.01)
            assert set(await shares(made, 20)) == {"a", "b"} - set(busy)
            held.cancel()

    run(story)


def test_a_new_target_starts_slowly() -> None:
    async def story() -> None:
        async with edge() as made, targets("old", "new") as (old, new):
            attributes = {"slow_start.duration_seconds": "1000"}
            group = Group([old.port, new.port], attributes=attributes, registered_at={new.port: time.time() - 200})
            made.apply([rule("default", forward(only=1))], only=group)
            found = await shares(made, 400)
            assert 10 < found["new"] < 80, "half of a fifth, more or less"

    run(story)


def test_a_client_that_leaves_is_a_460() -> None:
    async def story() -> None:
        async with edge() as made, targets("one") as (one,):
            made.apply([rule("default", forward(only=1))], only=Group([one.port]))
            _, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"GET /sleep/0.3 HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.1)
            writer.transport.abort()
            await asyncio.sleep(1.5)
            counted = [one for one in made.proxy.counts.take({}) if one["target_group"] is None]
            assert sum((Counter(one["balancer_codes"]) for one in counted), Counter()) == {"460": 1}

    run(story)


def test_a_deregistered_target_drains_as_long_as_its_group_says(world: World) -> None:
    elbv2 = world.client("elbv2")
    group = world.target_group("drains", "/drains")
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(2 * TIME_FACTOR)}
    elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    place = [{"Id": "10.10.0.200", "Port": 8080}]
    elbv2.register_targets(TargetGroupArn=group, Targets=place)

    def state() -> str | None:
        found = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return found[0]["TargetHealth"]["State"] if found else None

    assert state() in {"initial", "unhealthy"}
    began = time.monotonic()
    elbv2.deregister_targets(TargetGroupArn=group, Targets=place)
    assert state() == "draining"
    eventually(lambda: state() is None, timeout=10)
    # Sixty seconds, as long as they last here.
    assert time.monotonic() - began >= 2
