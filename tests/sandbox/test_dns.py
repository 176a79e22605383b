"""Route 53 on the sandbox: names are really answered over the wire, health checks really probe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.service import health_alarm
from botocore.exceptions import ClientError
from dnslib import QTYPE, RCODE, DNSRecord

from tests.sandbox.conftest import Running, cli
from tests.sandbox.world import World
from tests.support.waiting import eventually

ALARM = "health-check"


@pytest.fixture(scope="module")
def zone(sandbox: Running) -> str:
    made = sandbox.client("route53").create_hosted_zone(Name="example.net", CallerReference="dns")
    return str(made["HostedZone"]["Id"])


def dig(running: Running, name: str, kind: str = "A", tcp: bool = False) -> tuple[str, list[str]]:
    """The code of the answer, and its values."""
    question = DNSRecord.question(name, kind)
    answer = DNSRecord.parse(question.send(running.settings.name_server, 53, tcp=tcp, timeout=5))
    if answer.header.tc:
        return dig(running, name, kind, tcp=True)
    return str(RCODE.get(answer.header.rcode)), [str(one.rdata) for one in answer.rr if QTYPE.get(one.rtype) == kind]


def change(running: Running, zone: str, *records: dict[str, Any], action: str = "UPSERT") -> None:
    changes = [{"Action": action, "ResourceRecordSet": one} for one in records]
    route53 = running.client("route53")
    made = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})["ChangeInfo"]
    assert made["Status"] == "PENDING"
    in_sync = {"Delay": 1, "MaxAttempts": 60}
    route53.get_waiter("resource_record_sets_changed").wait(Id=made["Id"], WaiterConfig=in_sync)


def record(name: str, kind: str, *values: str, **rest: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": kind,
        "TTL": 5,
        "ResourceRecords": [{"Value": value} for value in values],
        **rest,
    }


def test_names_are_answered_over_udp_and_tcp(sandbox: Running, zone: str) -> None:
    change(
        sandbox,
        zone,
        record("www.example.net", "A", "10.0.0.1", "10.0.0.2"),
        record("www.example.net", "AAAA", "2001:db8::1"),
        record("www.example.net", "TXT", '"hello world"'),
        record("long.example.net", "TXT", *(f'"{"x" * 200}{number}"' for number in range(9))),
        record("_acme.example.net", "CNAME", "validation.example.org"),
    )
    assert dig(sandbox, "www.example.net") == ("NOERROR", ["10.0.0.1", "10.0.0.2"])
    assert dig(sandbox, "www.example.net", tcp=True) == ("NOERROR", ["10.0.0.1", "10.0.0.2"])
    assert dig(sandbox, "www.example.net", "AAAA") == ("NOERROR", ["2001:db8::1"])
    assert dig(sandbox, "www.example.net", "TXT") == ("NOERROR", ['"hello world"'])
    assert len(dig(sandbox, "long.example.net", "TXT")[1]) == 9
    assert dig(sandbox, "_acme.example.net", "CNAME") == ("NOERROR", ["validation.example.org."])
    assert dig(sandbox, "www.example.net", "MX") == ("NOERROR", [])
    assert dig(sandbox, "nobody.example.net") == ("NXDOMAIN", [])
    assert dig(sandbox, "www.example.com") == ("REFUSED", [])
    assert len(dig(sandbox, "example.net", "NS")[1]) == 4
    assert len(dig(sandbox, "example.net", "SOA")[1]) == 1
    assert sandbox.settings.name_server in cli(sandbox.settings.home, "status").stdout


def test_a_change_is_pending_until_the_name_servers_answer_with_it(sandbox: Running, zone: str) -> None:
    change(sandbox, zone, record("moves.example.net", "A", "10.0.0.1"))
    route53 = sandbox.client("route53")
    moved = {"Action": "UPSERT", "ResourceRecordSet": record("moves.example.net", "A", "10.0.0.2")}
    batch = route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [moved]})["ChangeInfo"]
    found = dig(sandbox, "moves.example.net")[1]
    if route53.get_change(Id=batch["Id"])["ChangeInfo"]["Status"] == "PENDING":
        assert found == ["10.0.0.1"], "the name servers answer as before"
    eventually(lambda: route53.get_change(Id=batch["Id"])["ChangeInfo"]["Status"] == "INSYNC")
    assert dig(sandbox, "moves.example.net")[1] == ["10.0.0.2"]


def test_an_alias_leads_to_the_load_balancer(world: World, zone: str) -> None:
    alias = {
        "HostedZoneId": world.balancer["CanonicalHostedZoneId"],
        "DNSName": f"dualstack.{world.address}",
        "EvaluateTargetHealth": False,
    }
    change(world.running, zone, {"Name": "shop.example.net", "Type": "A", "AliasTarget": alias})
    assert dig(world.running, "shop.example.net") == ("NOERROR", [world.address])


def test_one_of_several_records_is_deleted_alone_and_a_batch_is_all_or_nothing(sandbox: Running, zone: str) -> None:
    def weighted(name: str, kind: str, value: str, weight: int, one: str) -> dict[str, Any]:
        return record(name, kind, value, Weight=weight, SetIdentifier=one)

    blue, green = (weighted("w.example.net", "A", f"10.0.0.{n}", n, one) for n, one in ((1, "blue"), (3, "green")))
    six = weighted("w.example.net", "AAAA", "2001:db8::7", 1, "blue")
    change(sandbox, zone, blue, green, six)
    found = Counter(dig(sandbox, "w.example.net")[1][0] for _ in range(200))
    assert 100 < found["10.0.0.3"] < 190 and found["10.0.0.1"]
    change(sandbox, zone, blue, action="DELETE")
    assert {dig(sandbox, "w.example.net")[1][0] for _ in range(20)} == {"10.0.0.3"}
    assert dig(sandbox, "w.example.net", "AAAA")[1] == ["2001:db8::7"]
    with pytest.raises(ClientError):
        change(sandbox, zone, record("new.example.net", "A", "10.0.0.5"), green, action="CREATE")
    assert dig(sandbox, "new.example.net") == ("NXDOMAIN", [])


def watch(sandbox: Running, check: str, *regions: str) -> None:
    """The alarm health-check, in each region."""
    alarm = health_alarm.desired(ALARM, health_alarm.HealthAlarm(check, "f.example.net"))
    for region in regions:
        sandbox.client("cloudwatch", region).put_metric_alarm(**alarm)


def states(sandbox: Running, region: str) -> list[str]:
    alarms = sandbox.client("cloudwatch", region).describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return [one["StateValue"] for one in alarms]


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[str]:
    world.create_service("failing", world.define("failing"), world.target_group("failing", "/failing"))
    eventually(lambda: world.steady("failing"), message="the service is up")
    yield "failing"
    cli(world.running.settings.home, "fault", "clear")
    route53 = world.client("route53")
    # Those that go on asking get a 503, which other tests would count.
    for check in route53.list_health_checks()["HealthChecks"]:
        route53.delete_health_check(HealthCheckId=check["Id"])
    for region in ("us-east-1", "eu-central-1"):
        world.running.client("cloudwatch", region).delete_alarms(AlarmNames=[ALARM])
    world.delete_service("failing")


@pytest.mark.long
def test_failover_follows_a_health_check_that_really_asks(world: World, zone: str, service: str) -> None:
    route53 = world.client("route53")
    check = route53.create_health_check(
        CallerReference="failing",
        HealthCheckConfig={
            "Type": "HTTP",
            "IPAddress": world.address,
            "Port": 80,
            "ResourcePath": "/failing/healthz",
            "RequestInterval": 10,
            "FailureThreshold": 2,
        },
    )["HealthCheck"]["Id"]
    change(
        world.running,
        zone,
        record("f.example.net", "A", "10.0.0.1", SetIdentifier="1", Failover="PRIMARY", HealthCheckId=check),
        record("f.example.net", "A", "10.0.0.2", SetIdentifier="2", Failover="SECONDARY"),
    )

    def told() -> str:
        return str(route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"][0]["StatusReport"])

    eventually(lambda: "Success: HTTP Status Code 200" in told(), timeout=10)
    assert dig(world.running, "f.example.net")[1] == ["10.0.0.1"]
    watch(world.running, check, "us-east-1", "eu-central-1")
    eventually(lambda: states(world.running, "us-east-1") == ["OK"], message="the alarm sees the check pass")
    cli(world.running.settings.home, "fault", "add", "erroring", "failing")
    eventually(lambda: dig(world.running, "f.example.net")[1] == ["10.0.0.2"], timeout=15, message="it fails over")
    assert "Failure: HTTP Status Code 500" in told()
    eventually(lambda: states(world.running, "us-east-1") == ["ALARM"], message="the alarm sees it fail")
    assert states(world.running, "eu-central-1") == ["INSUFFICIENT_DATA"], "the metric is in us-east-1 only"
    cli(world.running.settings.home, "fault", "clear")
    eventually(lambda: states(world.running, "us-east-1") == ["OK"], message="the alarm sees it pass again")
    eventually(lambda: dig(world.running, "f.example.net")[1] == ["10.0.0.1"], timeout=15, message="it comes back")
