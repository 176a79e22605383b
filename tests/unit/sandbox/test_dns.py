"""What Route 53's name servers answer, by zones, routing policies, health and aliases."""

from __future__ import annotations

import http.server
import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from sandbox.api.route53 import HostedZones
from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.dns.checks import Check, Health, Result, passes, probe
from sandbox.dns.zones import Balancer, Record, World, answer
from sandbox.lateness import Lateness

ZONE = "example.com."
SOA = Record(ZONE, "SOA", 900, ("ns-1.example. hostmaster.example. 1 7200 900 1209600 86400",))
NS = Record(ZONE, "NS", 172800, ("ns-1.example.",))


def world(*records: Record, failing: tuple[str, ...] = (), **balancers: Balancer) -> World:
    named = {name.replace("_", "-") + ".elb.example": one for name, one in balancers.items()}
    zones = {ZONE: [SOA, NS, *records]}
    return World(zones, named, lambda one: one not in failing, "eu-central-1", random.Random(1))


def values(made: World, name: str, kind: str = "A") -> list[str]:
    return [line.value for line in answer(made, name, kind).lines]


def record(name: str, *given: str, kind: str = "A", **rest: object) -> Record:
    return Record(f"{name}.{ZONE}", kind, 60, given, **rest)  # type: ignore[arg-type]


def test_plain_records_are_answered_with_their_values() -> None:
    made = world(record("www", "10.0.0.1", "10.0.0.2"), record("www", '"v=spf1"', kind="TXT"))
    assert values(made, "WWW.Example.com") == ["10.0.0.1", "10.0.0.2"]
    assert values(made, "www.example.com.", "TXT") == ['"v=spf1"']
    assert values(made, ZONE, "NS") == ["ns-1.example."]
    assert values(made, ZONE, "SOA") == list(SOA.values)


@pytest.mark.parametrize(
    ("name", "kind", "code", "start"),
    [
        pytest.param("nobody.example.com", "A", "NXDOMAIN", True, id="no such name"),
        pytest.param("www.example.com", "AAAA", "NOERROR", True, id="no such type"),
        pytest.param("deep.example.com", "A", "NOERROR", True, id="a name between others"),
        pytest.param("www.example.org", "A", "REFUSED", False, id="no such zone"),
    ],
)
def test_what_is_not_there_is_said_so(name: str, kind: str, code: str, start: bool) -> None:
    found = answer(world(record("www", "10.0.0.1"), record("very.deep", "10.0.0.2")), name, kind)
    assert (found.code, found.lines, bool(found.authority)) == (code, (), start)


def test_the_most_specific_zone_answers_and_a_delegation_is_told() -> None:
    made = world(record("sub", "ns.elsewhere.", kind="NS"))
    found = answer(made, "www.sub.example.com", "A")
    assert not found.authoritative and [line.value for line in found.authority] == ["ns.elsewhere."]
    inner = World(
        {**made.zones, "sub.example.com.": [Record("www.sub.example.com.", "A", 60, ("10.1.1.1",))]}, {}, bool
    )
    assert values(inner, "www.sub.example.com") == ["10.1.1.1"]


def test_wildcards_answer_for_names_that_are_not_there() -> None:
    made = world(record("*", "10.0.0.9"), record("www", "10.0.0.1"))
    assert values(made, "anything.example.com") == ["10.0.0.9"]
    assert values(made, "www.example.com") == ["10.0.0.1"]


def test_cnames_are_followed_within_the_zones() -> None:
    made = world(record("old", "www.example.com", kind="CNAME"), record("www", "10.0.0.1"))
    assert values(made, "old.example.com") == ["www.example.com", "10.0.0.1"]


def test_an_alias_leads_to_the_load_balancer_under_its_own_name() -> None:
    made = world(record("www", alias="dualstack.shop.elb.example."), shop=Balancer("127.77.1.1", True))
    (line,) = answer(made, "www.example.com", "A").lines
    assert (line.name, line.ttl, line.value) == ("www.example.com.", 60, "127.77.1.1")
    assert answer(made, "www.example.com", "AAAA").code == "NOERROR"


def weighted(name: str, weight: int, **rest: object) -> Record:
    return record("www", name, weight=weight, set_identifier=name, **rest)


def test_weights_share_out_the_answers() -> None:
    made = world(weighted("10.0.0.1", 3), weighted("10.0.0.2", 1), weighted("10.0.0.3", 0))
    found = Counter(values(made, "www.example.com")[0] for _ in range(4000))
    assert 0.72 < found["10.0.0.1"] / 4000 < 0.78 and found["10.0.0.3"] == 0


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        pytest.param((), {"10.0.0.1"}, id="the weighted one"),
        pytest.param(("one",), {"10.0.0.2"}, id="weight 0 where no other is healthy"),
        pytest.param(("one", "two"), {"10.0.0.1"}, id="as if healthy where none is"),
    ],
)
def test_unhealthy_weighted_records_are_left_out(failing: tuple[str, ...], expected: set[str]) -> None:
    made = world(
        weighted("10.0.0.1", 5, health_check="one"), weighted("10.0.0.2", 0, health_check="two"), failing=failing
    )
    assert {values(made, "www.example.com")[0] for _ in range(50)} == expected


@pytest.mark.parametrize(
    ("failing", "healthy", "expected"),
    [
        ((), True, "127.77.1.1"),
        (("check",), True, "10.0.0.2"),
        ((), False, "10.0.0.2"),
        (("check", "other"), True, "127.77.1.1"),
    ],
)
def test_failover_goes_by_health_checks_and_target_health(
    failing: tuple[str, ...], healthy: bool, expected: str
) -> None:
    first = record(
        "www",
        alias="shop.elb.example.",
        evaluate_target_health=True,
        failover="PRIMARY",
        set_identifier="a",
        health_check="check",
    )
    second = record("www", "10.0.0.2", failover="SECONDARY", set_identifier="b", health_check="other")
    made = world(second, first, failing=failing, shop=Balancer("127.77.1.1", healthy))
    assert values(made, "www.example.com") == [expected]


def check(**given: object) -> Check:
    plain = {"address": "127.0.0.1", "host": "shop.example.com", "port": 80, "path": "/ok", "search": ""}
    return Check(**{"id": "c", "type": "HTTP", "interval_seconds": 10, "threshold": 3, **plain, **given})  # type: ignore[arg-type]


def test_health_turns_after_so_many_results_in_a_row() -> None:
    health, seen = Health(), []
    for passed in (False, False, True, False, False, False, True, True, True):
        health = health.after(Result(passed, ""), 3)
        seen.append(health.healthy)
    assert seen == [True, True, True, True, True, False, False, False, True]


def test_inverted_disabled_and_calculated_checks() -> None:
    known = {
        "bad": check(id="bad"),
        "inverted": check(id="inverted", inverted=True),
        "disabled": check(id="disabled", disabled=True),
        "both": check(id="both", type="CALCULATED", children=("bad", "disabled"), children_needed=2),
        "any": check(id="any", type="CALCULATED", children=("bad", "disabled"), children_needed=1),
    }
    health = dict.fromkeys(known, Health(False))
    found = {name: passes(known, health, name) for name in known}
    assert found == {"bad": False, "inverted": True, "disabled": True, "both": False, "any": True}


@pytest.fixture
def port() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ok" and self.headers["Host"].startswith("shop.") else 500)
            self.end_headers()
            self.wfile.write(b"all is well")

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests are silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("given", "passed", "said"),
    [
        ({}, True, "Success: HTTP Status Code 200"),
        ({"path": "/sick"}, False, "Failure: HTTP Status Code 500"),
        ({"type": "HTTP_STR_MATCH", "search": "well"}, True, "Success"),
        ({"type": "HTTP_STR_MATCH", "search": "ill "}, False, "search string was not found"),
        ({"type": "TCP"}, True, "TCP connection established"),
        ({"type": "TCP", "address": "127.0.0.2"}, False, "refused"),
        ({"address": None}, True, "Success"),
        ({"address": None, "host": "nobody.example.com"}, False, "DNS resolution of nobody.example.com failed"),
    ],
)
def test_probes_really_ask(port: int, given: dict[str, object], passed: bool, said: str) -> None:
    resolved = {"shop.example.com": "127.0.0.1"}
    found = probe(check(port=port, **given), resolved.get)
    assert (found.passed, said in found.said) == (passed, True), found


@pytest.mark.parametrize(("stretched", "counted"), [(False, 1), (True, 0)], ids=["punctual", "late"])
def test_a_probe_that_times_out_counts_on_a_punctual_machine_only(
    monkeypatch: pytest.MonkeyPatch, stretched: bool, counted: int
) -> None:
    sandbox = Sandbox(Settings(Path("/nowhere"), "127.77", "podman", "none"), Mock())
    moment = [1000.0]
    sandbox.lateness = Lateness(lambda: moment[0])
    if stretched:
        # The heart has begun to beat, and misses while the probe waits.
        sandbox.lateness.beat(1.0)

    def wait_in_vain(one: Check, resolve: object, patience: float) -> Result:
        moment[0] += 10
        return Result(False, "Failure: Connection timed out.", timed_out=True)

    monkeypatch.setattr("sandbox.api.route53.probe", wait_in_vain)
    monkeypatch.setattr("sandbox.api.route53.time.time", lambda: moment[0])
    zones = HostedZones(sandbox)
    monkeypatch.setattr(zones, "_measure", Mock())
    zones._probe(check(threshold=3))
    assert zones.status(check().id).run == counted
