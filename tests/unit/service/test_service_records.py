"""Names of a service in Route 53: decided by tables, carried out against moto, records of others preserved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import route53
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.service import route53_service_records
from ansible_collections.pear.fargate.plugins.module_utils.service.alias_records import (
    Balancer,
    DesiredNames,
    Routing,
    leftovers,
    plan,
    removal,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.route53_service_records import run
from ansible_collections.pear.fargate.plugins.modules.route53_service_records import ARGUMENT_SPEC
from moto import mock_aws

BALANCER = Balancer("production", "production-123.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5")
NAME = "scores.example.com"


def alias(target: str = BALANCER.dns_name, **more: Any) -> dict[str, Any]:
    return {
        "Name": f"{NAME}.",
        "Type": "A",
        "AliasTarget": {"HostedZoneId": BALANCER.zone_id, "DNSName": f"{target}.", "EvaluateTargetHealth": True},
        **more,
    }


ELSEWHERE = alias("other-9.eu-central-1.elb.amazonaws.com")
FAILOVER = Routing("failover", "here", failover="primary")


def test_a_former_load_balancer_of_the_name_in_another_region_is_another_environments() -> None:
    here = replace(BALANCER, region="eu-central-1")
    assert plan([alias("production-99.eu-central-1.elb.amazonaws.com")], DesiredNames([NAME], here)).refusals == ()
    abroad = plan([alias("production-99.us-east-1.elb.amazonaws.com")], DesiredNames([NAME], here))
    assert "leads to production-99.us-east-1" in abroad.refusals[0]
    assert leftovers([alias("production-99.us-east-1.elb.amazonaws.com")], here) == []


def test_records_that_lead_to_a_load_balancer_of_others_may_be_theirs() -> None:
    shared = replace(BALANCER, shared=True)
    assert plan([], DesiredNames([NAME], shared)).changes
    assert plan([alias()], DesiredNames([NAME], shared)) == plan([alias()], DesiredNames([NAME], BALANCER))
    refused = plan([alias()], DesiredNames([NAME], shared, routing=Routing("weighted", "here", weight=10)))
    assert "cannot stand beside a weighted one" in refused.refusals[0]
    taken = plan([alias()], DesiredNames([NAME], shared, evaluate_target_health=False))
    assert "set overwrite to take the name" in taken.refusals[0]
    assert leftovers([alias()], shared) == []


@pytest.mark.parametrize(
    ("found", "routing", "actions"),
    [
        pytest.param([], Routing(), ["UPSERT"], id="a missing record is made"),
        pytest.param([alias()], Routing(), [], id="a record that fits is left alone"),
        pytest.param(
            [alias(f"dualstack.{BALANCER.dns_name.upper()}")], Routing(), [], id="spelling does not count as drift"
        ),
        pytest.param(
            [alias("production-99.eu-central-1.elb.amazonaws.com")], Routing(), ["UPSERT"], id="a former one is ours"
        ),
        pytest.param([alias()], FAILOVER, ["DELETE", "CREATE"], id="simple becomes failover in one batch"),
        pytest.param(
            [alias(Weight=10, SetIdentifier="here")], FAILOVER, ["DELETE", "CREATE"], id="weighted becomes failover"
        ),
        pytest.param(
            [alias("other-9.elb", Weight=10, SetIdentifier="there"), alias(Weight=10, SetIdentifier="here")],
            Routing("weighted", "here", weight=10),
            [],
            id="the other side of a weighted name is left alone",
        ),
        pytest.param(
            [alias(Weight=10, SetIdentifier="here")], Routing("weighted", "here", weight=90), ["UPSERT"], id="weight"
        ),
    ],
)
def test_only_what_differs_changes(found: list[dict[str, Any]], routing: Routing, actions: list[str]) -> None:
    planned = plan(found, DesiredNames([NAME], BALANCER, routing=routing))
    assert planned.refusals == ()
    assert [change["Action"] for change in planned.changes] == actions


@pytest.mark.parametrize(
    ("found", "routing", "why"),
    [
        pytest.param([ELSEWHERE], Routing(), "leads to other-9", id="a name that leads elsewhere"),
        pytest.param(
            [{"Name": f"{NAME}.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}],
            Routing(),
            "leads to 192.0.2.1",
            id="an address",
        ),
        pytest.param(
            [{"Name": f"{NAME}.", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "x.example"}]}],
            Routing(),
            "CNAME",
            id="a CNAME",
        ),
        pytest.param(
            [{**ELSEWHERE, "Weight": 5, "SetIdentifier": "there"}], FAILOVER, "cannot stand beside", id="another kind"
        ),
    ],
)
def test_a_record_of_another_owner_is_refused(found: list[dict[str, Any]], routing: Routing, why: str) -> None:
    (refusal,) = plan(found, DesiredNames([NAME], BALANCER, routing=routing)).refusals
    assert why in refusal


def test_leftovers_are_what_leads_to_this_load_balancer() -> None:
    assert leftovers([alias(), ELSEWHERE], BALANCER) == [alias()]


def test_ipv6_and_wildcards_get_records_of_their_own() -> None:
    desired = DesiredNames(["*.example.com", NAME], BALANCER, families=("ipv4", "ipv6"))
    made = [(record["Name"], record["Type"]) for record in desired.record_sets()]
    assert made == [(name, kind) for name in ("*.example.com.", f"{NAME}.") for kind in ("A", "AAAA")]


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="zone")
        yield {
            "environment": "production",
            "service": "scoreboard",
            "zone": "example.com",
            "names": [NAME],
            "load_balancer": {key: vars(BALANCER)[key] for key in ("name", "dns_name", "zone_id")},
            "tags": {"pear:environment": "production"},
        }


def invoke(options: dict[str, Any], check_mode: bool = False, region: str = "eu-central-1") -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": region}), check_mode))


CHECK = {"host": "eu.scores.example.com", "path": "/readyz"}


def test_check_mode_tells_and_makes_nothing(options: dict[str, Any]) -> None:
    options["health_check"] = CHECK
    assert invoke(options, check_mode=True)["changed"]
    assert boto3.client("route53").list_health_checks()["HealthChecks"] == []


def test_records_and_check_are_made_once(options: dict[str, Any]) -> None:
    options |= {"health_check": CHECK, "routing": {"policy": "failover", "set_identifier": "eu", "failover": "primary"}}
    made = invoke(options)
    again = invoke(options)
    assert again["diff"] == {"before": {}, "after": {}}
    assert again["health_check_id"] == made["health_check_id"]
    zone = f"/hostedzone/{made['zone_id']}"
    records = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = [record for record in records if record["Type"] == "A"]
    assert record["Failover"] == "PRIMARY"
    assert record["HealthCheckId"] == made["health_check_id"]


FAILOVER_HERE = {"policy": "failover", "set_identifier": "eu", "failover": "primary"}


@pytest.mark.parametrize(
    ("routing", "given", "evaluates"),
    [
        pytest.param({}, {}, True, id="a simple name"),
        pytest.param(FAILOVER_HERE, {}, False, id="a failover name: an idle colour would make it unhealthy"),
        pytest.param({"policy": "weighted", "set_identifier": "eu", "weight": 5}, {}, False, id="a weighted name"),
        pytest.param(FAILOVER_HERE, {"evaluate_target_health": True}, True, id="on request"),
    ],
)
def test_the_health_of_the_load_balancer_decides_on_request_only(
    options: dict[str, Any], routing: dict[str, Any], given: dict[str, Any], evaluates: bool
) -> None:
    made = invoke({**options, "health_check": CHECK, **({"routing": routing} if routing else {}), **given})
    zone = f"/hostedzone/{made['zone_id']}"
    records = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = [record for record in records if record["Type"] == "A"]
    assert record["AliasTarget"]["EvaluateTargetHealth"] is evaluates


def test_a_name_with_two_sides_wants_a_health_check(options: dict[str, Any]) -> None:
    with pytest.raises(
        Failure, match="there is no health_check: Route 53 would answer with this side whatever its state"
    ):
        invoke({**options, "routing": FAILOVER_HERE})
    assert invoke({**options, "routing": FAILOVER_HERE, "evaluate_target_health": True})["changed"]


@pytest.mark.parametrize(
    ("change", "same_check"),
    [
        pytest.param({"path": "/livez"}, True, id="a path is changed in place"),
        pytest.param({"interval_seconds": 10}, False, id="an interval wants another check"),
    ],
)
def test_a_check_that_differs_is_put_right(options: dict[str, Any], change: dict[str, Any], same_check: bool) -> None:
    first = invoke({**options, "health_check": CHECK})
    second = invoke({**options, "health_check": {**CHECK, **change}})
    assert second["changed"]
    assert (first["health_check_id"] == second["health_check_id"]) is same_check
    assert len(boto3.client("route53").list_health_checks()["HealthChecks"]) == 1
    assert not invoke({**options, "health_check": {**CHECK, **change}})["changed"]


def test_a_check_that_is_not_wanted_any_more_goes(options: dict[str, Any]) -> None:
    invoke({**options, "health_check": CHECK})
    assert invoke(options)["health_check_id"] is None
    assert boto3.client("route53").list_health_checks()["HealthChecks"] == []


def test_one_environment_name_in_two_regions_has_a_check_and_an_alarm_in_each(options: dict[str, Any]) -> None:
    """As docs/two-regions.md has it: with one check for both, each run pointed it at its own region."""
    sides = {"eu-central-1": ("eu", "primary"), "eu-west-1": ("ie", "secondary")}
    ids = {}
    for region, (name, failover) in sides.items():
        host = f"production-1.{region}.elb.amazonaws.com"
        options[region] = {
            **{key: value for key, value in options.items() if key not in sides},
            "load_balancer": {**options["load_balancer"], "dns_name": host},
            "routing": {"policy": "failover", "set_identifier": name, "failover": failover},
            "health_check": {**CHECK, "host": f"{name}.scores.example.com"},
            "alarm": ALARM,
        }
        ids[region] = invoke(options[region], region=region)["health_check_id"]
    checks = boto3.client("route53").list_health_checks()["HealthChecks"]
    hosts = {check["Id"]: check["HealthCheckConfig"]["FullyQualifiedDomainName"] for check in checks}
    assert hosts == {ids["eu-central-1"]: "eu.scores.example.com", ids["eu-west-1"]: "ie.scores.example.com"}
    assert {alarm["Dimensions"][0]["Value"] for alarm in alarms()} == set(ids.values())
    assert not any(invoke(options[region], region=region)["changed"] for region in sides), "neither writes the other's"
    absent = {key: value for key, value in options["eu-west-1"].items() if key not in ("health_check", "alarm")}
    invoke({**absent, "state": "absent"}, region="eu-west-1")
    (left,) = boto3.client("route53").list_health_checks()["HealthChecks"]
    assert left["Id"] == ids["eu-central-1"]
    assert [alarm["Dimensions"][0]["Value"] for alarm in alarms()] == [left["Id"]]


ALARM = {"tell": ["arn:aws:sns:us-east-1:123456789012:production-alarms"]}


def alarms(region: str = "us-east-1") -> list[dict[str, Any]]:
    return boto3.client("cloudwatch", region_name=region).describe_alarms()["MetricAlarms"]


def test_an_alarm_watches_the_check_where_its_metric_is(options: dict[str, Any]) -> None:
    requested = {**options, "health_check": CHECK, "alarm": ALARM}
    assert (
        "alarm production/*health-check-eu-central-1/scoreboard" in invoke(requested, check_mode=True)["diff"]["after"]
    )
    assert alarms() == []
    first = invoke(requested)
    (alarm,) = alarms()
    assert alarm["Dimensions"] == [{"Name": "HealthCheckId", "Value": first["health_check_id"]}]
    assert alarm["AlarmActions"] == alarm["OKActions"] == ALARM["tell"]
    assert alarms("eu-central-1") == []
    assert not invoke(requested)["changed"]
    # Another check takes the place of the first one, and the alarm goes with it.
    replaced = invoke({**requested, "health_check": {**CHECK, "interval_seconds": 10}})
    assert alarms()[0]["Dimensions"][0]["Value"] == replaced["health_check_id"] != first["health_check_id"]
    boto3.client("cloudwatch", region_name="us-east-1").set_alarm_state(
        AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="a state is no difference"
    )
    assert not invoke({**requested, "health_check": {**CHECK, "interval_seconds": 10}})["changed"]


@pytest.mark.parametrize("starts_in_alarm", [True, False])
def test_the_check_of_a_service_that_was_never_released_tells_nobody(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, starts_in_alarm: bool
) -> None:
    """It fails until the first release: an alarm that begins in ALARM does not come to it, which is what is told."""
    states: list[tuple[bool, str]] = []

    def set_state(aws: Any, name: str, state: str, reason: str) -> None:
        # Its actions are off until it has its state. moto forgets the state of an alarm that is put again.
        (alarm,) = alarms()
        states.append((alarm["ActionsEnabled"], state))

    monkeypatch.setattr(route53_service_records.cloudwatch, "set_alarm_state", set_state)
    requested = {**options, "health_check": CHECK, "alarm": {**ALARM, "starts_in_alarm": starts_in_alarm}}
    invoke(requested)
    assert states == ([(False, "ALARM")] if starts_in_alarm else [])
    (alarm,) = alarms()
    assert alarm["ActionsEnabled"] and alarm["TreatMissingData"] == "ignore"
    # One that is there keeps its state, whatever is asked for.
    invoke({**requested, "alarm": {**requested["alarm"], "runbook_url": "https://example.com"}})
    assert len(states) == int(starts_in_alarm)


def test_the_alarm_is_removed_with_its_check_and_left_unchanged_if_not_given(options: dict[str, Any]) -> None:
    invoke({**options, "health_check": CHECK, "alarm": ALARM})
    invoke({**options, "health_check": CHECK})
    assert len(alarms()) == 1
    invoke({**options, "alarm": ALARM})
    assert alarms() == []


@pytest.mark.parametrize(
    ("region", "where"),
    [("eu-central-1", "us-east-1"), ("cn-north-1", "cn-northwest-1"), ("us-gov-east-1", "us-gov-west-1")],
)
def test_the_metrics_of_health_checks_have_one_region_in_a_partition(region: str, where: str) -> None:
    assert route53.metrics_region(region) == where


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"names": ["scores.example.org"]}, "does not lie in zone"),
        ({"routing": {"policy": "failover", "set_identifier": "eu"}}, "must be primary or secondary"),
        ({"routing": {"policy": "weighted", "weight": 1}}, "set_identifier is missing"),
        (
            {"routing": {"policy": "weighted", "set_identifier": "eu"}, "health_check": {"host": NAME}},
            "whichever side is well",
        ),
        ({"zone": "example.net", "names": ["a.example.net"]}, "no public hosted zone example.net"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_write(
    options: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    with pytest.raises(Failure, match=why):
        invoke({**options, **change})
    assert boto3.client("route53").list_health_checks()["HealthChecks"] == []


def names_in_zone(options: dict[str, Any]) -> set[tuple[str, str]]:
    zone = boto3.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {(record["Name"], record.get("SetIdentifier", "")) for record in records if record["Type"] in ("A", "AAAA")}


def test_names_check_and_alarm_go_together_and_other_sides_stay(options: dict[str, Any]) -> None:
    here = {**options, "families": ["ipv4", "ipv6"], "routing": FAILOVER_HERE, "health_check": CHECK, "alarm": ALARM}
    there = {"policy": "failover", "set_identifier": "us", "failover": "secondary"}
    balancer = {**options["load_balancer"], "dns_name": "production-9.us-east-1.elb.amazonaws.com"}
    invoke(here)
    elsewhere = {**options, "service": "abroad", "routing": there, "load_balancer": balancer}
    invoke({**elsewhere, "evaluate_target_health": True})
    absent = {**options, "routing": FAILOVER_HERE, "state": "absent"}
    planned = invoke(absent, check_mode=True)
    assert len(planned["diff"]["after"]) == 4
    assert len(names_in_zone(options)) == 2 and len(alarms()) == 1
    assert invoke(absent)["changed"]
    assert names_in_zone(options) == {(f"{NAME}.", "us")}
    assert boto3.client("route53").list_health_checks()["HealthChecks"] == alarms() == []
    assert invoke(absent)["diff"] == {"before": {}, "after": {}}


def test_a_name_that_leads_elsewhere_is_not_removed() -> None:
    assert removal([ELSEWHERE], DesiredNames([NAME], BALANCER)).changes == ()
    assert removal([alias()], DesiredNames(["other.example.com"], BALANCER)).changes == ()
    shared = replace(BALANCER, shared=True)
    assert removal([alias()], DesiredNames([NAME], shared)).changes == ()
    assert len(removal([alias()], DesiredNames([NAME], shared, overwrite=True)).changes) == 1


def test_nothing_is_left_to_remove_where_the_zone_is_gone(options: dict[str, Any]) -> None:
    gone = {**options, "zone": "example.net", "names": ["a.example.net"], "state": "absent"}
    assert not invoke(gone)["changed"]


def test_tags_that_are_not_listed_go_only_where_that_is_said(options: dict[str, Any]) -> None:
    requested = {**options, "health_check": CHECK}
    invoke({**requested, "tags": {**options["tags"], "by-hand": "yes"}})
    assert not invoke(requested)["changed"]
    assert invoke({**requested, "purge_tags": True})["diff"]["after"] == {"tags of the health check": {"by-hand": None}}
    assert not invoke({**requested, "purge_tags": True})["changed"]


@pytest.fixture
def balancers(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A network load balancer of the environment, and an application load balancer of others."""
    ec2, elb = boto3.client("ec2", "eu-central-1"), boto3.client("elbv2", "eu-central-1")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
    made = {}
    for name, kind, tag in (
        ("production-games", "network", ("pear:environment", "production")),
        ("corp", "application", ("Owner", "platform")),
    ):
        tags = [{"Key": tag[0], "Value": tag[1]}]
        made[name] = elb.create_load_balancer(Name=name, Type=kind, Subnets=subnets, Tags=tags)["LoadBalancers"][0]
    return made


def aliases(options: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    zone = boto3.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    targets = {record["Name"]: record["AliasTarget"] for record in records if record["Type"] == "A"}
    return {name: (one["DNSName"].rstrip("."), one["EvaluateTargetHealth"]) for name, one in targets.items()}


def test_names_lead_to_further_load_balancers_by_name_and_by_arn(
    options: dict[str, Any], balancers: dict[str, dict[str, Any]]
) -> None:
    games, corp = balancers["production-games"], balancers["corp"]
    listener = corp["LoadBalancerArn"].replace(":loadbalancer/", ":listener/") + "/f2f7dc"
    options |= {
        "further": [
            {"names": ["play.example.com"], "load_balancer": "games"},
            {"names": ["inside.example.com"], "listener_arn": listener},
        ],
        "routing": FAILOVER_HERE,
        "health_check": CHECK,
    }
    assert invoke(options, check_mode=True)["changed"] and aliases(options) == {}
    assert invoke(options)["names"] == [NAME, "play.example.com", "inside.example.com"]
    # Behind a network load balancer there are no idle colours, so that its health may decide.
    assert aliases(options) == {
        f"{NAME}.": (BALANCER.dns_name, False),
        "play.example.com.": (games["DNSName"], True),
        "inside.example.com.": (corp["DNSName"], False),
    }
    assert invoke(options)["diff"] == {"before": {}, "after": {}}
    # moto takes every record of a set identifier away with one of them, so the removal is looked at before it is made.
    removed = invoke({**options, "state": "absent"}, check_mode=True)["diff"]["after"]
    gone = [label for label in removed if label.endswith(" A eu")]
    assert gone == [f"{NAME}. A eu", "play.example.com. A eu"], "what leads to a load balancer of others may be theirs"


def test_two_target_groups_of_one_load_balancer_share_a_name_and_two_load_balancers_do_not(
    options: dict[str, Any], balancers: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[dict[str, Any]]] = []
    change = route53.change

    def recorded(aws: Aws, zone_id: str, changes: Any, comment: str) -> str:
        batches.append(list(changes))
        return change(aws, zone_id, changes, comment)

    monkeypatch.setattr(route53, "change", recorded)
    games = balancers["production-games"]
    further = [
        {"names": ["play.example.com"], "load_balancer": "games"},
        {"names": ["play.example.com", "beat.example.com"], "load_balancer": games["LoadBalancerArn"]},
    ]
    invoke({**options, "further": further})
    (batch,) = batches
    assert [one["ResourceRecordSet"]["Name"] for one in batch] == [f"{NAME}.", "play.example.com.", "beat.example.com."]
    assert not invoke({**options, "further": further})["changed"]
    twice = [{"names": [NAME], "load_balancer": "games"}]
    with pytest.raises(Failure, match=f"{NAME} should lead to .* and to .*: a name leads to one load balancer"):
        invoke({**options, "further": twice})


def test_a_worker_has_names_of_further_load_balancers_alone(
    options: dict[str, Any], balancers: dict[str, dict[str, Any]]
) -> None:
    further = [{"names": ["play.example.com"], "load_balancer": "games"}]
    assert invoke({**options, "names": [], "load_balancer": None, "further": further})["changed"]
    assert list(aliases(options)) == ["play.example.com."]
    with pytest.raises(Failure, match="load_balancer is missing: names lead to it"):
        invoke({**options, "load_balancer": None})


def test_a_further_load_balancer_that_is_not_there_is_refused_and_in_check_mode_expected(
    options: dict[str, Any],
) -> None:
    further = [{"names": ["play.example.com"], "load_balancer": "games"}]
    with pytest.raises(Failure, match=r"no load balancer 'games', to which play\.example\.com should lead"):
        invoke({**options, "further": further})
    assert aliases(options) == {}
    assert list(invoke({**options, "further": further}, check_mode=True)["diff"]["after"]) == [f"{NAME}. A"]
    with pytest.raises(Failure, match=r"name play\.example\.org does not lie in zone"):
        invoke({**options, "further": [{"names": ["play.example.org"], "load_balancer": "games"}]})


def test_a_former_network_load_balancer_of_the_name_is_known_by_its_name() -> None:
    games = Balancer("production-games", "production-games-0.elb.eu-central-1.amazonaws.com", "Z", "eu-central-1")
    former = alias("production-games-0a1b2c3d4e5f6789.elb.eu-central-1.amazonaws.com")
    assert plan([former], DesiredNames([NAME], games)).refusals == ()
    abroad = alias("production-games-0a1b2c3d4e5f6789.elb.us-east-1.amazonaws.com")
    assert plan([abroad], DesiredNames([NAME], games)).refusals
    assert leftovers([former, abroad, alias("production-gamesx-0a1b.elb.eu-central-1.amazonaws.com")], games) == [
        former
    ]
