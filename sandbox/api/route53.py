"""Route 53: name servers that answer the hosted zones, health checks that are carried out, batches that are atomic."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ..dns import zones
from ..dns.checks import ANSWER_SECONDS, Check, Health, passes, probe
from ..dns.server import NameServer
from ..laws.propagation import DNS_SECONDS, lasts
from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

_TICK_SECONDS = 0.5
_CHECKER_REGION = "eu-west-1"
_METRICS_REGION = "us-east-1"


@dataclass
class Change:
    """A change batch: its zone, the zone's records before it, and when every name server answers with it."""

    zone_id: str
    before: list[Any]
    in_sync_at: float


class Changes:
    """The change batches: PENDING until the name servers answer with them, INSYNC from then on."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._seconds = lasts(DNS_SECONDS, sandbox.settings.time_factor)
        self._by_id: dict[str, Change] = {}
        sandbox.keep("route53 changes", self, "_by_id")

    def add(self, zone_id: str, before: list[Any], now: float) -> str:
        self._by_id = {change_id: change for change_id, change in self._by_id.items() if now < change.in_sync_at}
        change_id = f"C{uuid.uuid4().hex[:20].upper()}"
        self._by_id[change_id] = Change(zone_id, before, now + self._seconds)
        return change_id

    def is_pending(self, change_id: str, now: float) -> bool:
        change = self._by_id.get(change_id.rpartition("/")[2])
        return change is not None and now < change.in_sync_at

    def served(self, zone_id: str, current: list[Any], now: float) -> list[Any]:
        """The records that the name servers answer with: as they were before the first change that is pending."""
        pending = (
            change.before for change in self._by_id.values() if change.zone_id == zone_id and now < change.in_sync_at
        )
        return next(pending, current)


class HostedZones:
    """The zones and health checks of moto, as name servers and checkers see them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.changes = Changes(sandbox)
        self._health: dict[str, Health] = {}
        self._due: dict[str, float] = {}
        self._probing: set[str] = set()
        self._loop = Periodic("health-checks", _TICK_SECONDS, lambda: self._begin_probes(time.monotonic()))
        sandbox.keep("route53", self, "_health")

    def start(self) -> None:
        NameServer(self._sandbox.settings.name_server, self.answer).start()
        self._loop.start(self._sandbox.stopping)

    def answer(self, name: str, kind: str) -> zones.Answer:
        return zones.answer(self.world(), name, kind)

    def world(self) -> zones.World:
        with self._sandbox.lock:
            checks = self.checks()
            found: dict[str, list[zones.Record]] = {}
            for zone in self._sandbox.backend("route53").zones.values():
                # A private zone answers within its VPC only, and nobody asks from there.
                if not zone.private_zone:
                    served = self.changes.served(zone.id, zone.rrsets, time.time())
                    found.setdefault(zones.normal(zone.name), []).extend(record_of(record) for record in served)
            balancers = {
                balancer.dns_name.lower(): zones.Balancer(balancer.dns_name, self._balancer_healthy(balancer))
                for balancer in self._sandbox.backend("elbv2").load_balancers.values()
            }
            health = dict(self._health)
        return zones.World(
            found, balancers, lambda check_id: passes(checks, health, check_id), self._sandbox.settings.region
        )

    def _balancer_healthy(self, balancer: Any) -> bool:
        """Every target group has a healthy target; one without targets is unhealthy.

        https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html#Route53-Type-AliasTarget-EvaluateTargetHealth
        """
        targets = self._sandbox.targets
        states = [
            [health[0] for place in targets.places(arn) if (health := targets.health(arn, *place)) is not None]
            for arn in targets.groups_of(balancer)
        ]
        return bool(states) and all("healthy" in group for group in states)

    def checks(self) -> dict[str, Check]:
        return {check.id: check_of(check) for check in self._sandbox.backend("route53").health_checks.values()}

    def status(self, one_id: str) -> Health:
        return self._health.get(one_id, Health())

    def _begin_probes(self, now: float) -> None:
        with self._sandbox.lock:
            checks = self.checks()
            for gone in set(self._health) - set(checks):
                del self._health[gone]
        for check in checks.values():
            if check.probed and check.id not in self._probing and now >= self._due.get(check.id, 0.0):
                self._due[check.id] = now + max(1.0, check.interval_seconds / self._sandbox.settings.time_factor)
                self._probing.add(check.id)
                threading.Thread(target=self._probe, args=(check,), daemon=True).start()

    def _probe(self, check: Check) -> None:
        try:
            lateness = self._sandbox.lateness
            began = time.time()
            result = probe(check, self._address_of, lateness.stretch())
            if result.timed_out and lateness.elapsed(began) < ANSWER_SECONDS:
                return  # this machine was late, not what it asked
            self._health[check.id] = self.status(check.id).after(result, check.threshold)
            self._measure(check)
        finally:
            self._probing.discard(check.id)

    def _measure(self, check: Check) -> None:
        """The verdict and the share of checkers that share it; Route 53 keeps its metrics in us-east-1."""
        healthy = float(passes({check.id: check}, self._health, check.id))
        store = self._sandbox.metrics.of(_METRICS_REGION)
        for name, value in (("HealthCheckStatus", healthy), ("HealthCheckPercentageHealthy", 100 * healthy)):
            store.add(Metric.of("AWS/Route53", name, {"HealthCheckId": check.id}), time.time(), sampled(value))

    def _address_of(self, host: str) -> str | None:
        return next((line.value for line in self.answer(host, "A").lines if line.type == "A"), None)


def record_of(record: Any) -> zones.Record:
    """moto's record set as the name server reads it."""
    alias = record.alias_target or {}
    geography = record.geo_location or {}
    values = [entry["Value"] if isinstance(entry, dict) else str(entry) for entry in record.records or []]
    return zones.Record(
        name=zones.normal(record.name),
        type=record.type,
        ttl=int(record.ttl or 0),
        values=tuple(values),
        alias=alias.get("DNSName"),
        evaluate_target_health=str(alias.get("EvaluateTargetHealth")).lower() == "true",
        set_identifier=record.set_identifier or "",
        weight=int(record.weight) if record.weight is not None else None,
        failover=record.failover,
        region=record.region,
        geography=geography.get("CountryCode") or geography.get("ContinentCode"),
        multivalue=bool(record.multi_value_answer),
        health_check=record.health_check_id,
    )


def check_of(check: Any) -> Check:
    """moto's health check as the checker reads it."""
    return Check(
        id=check.id,
        type=check.type_,
        address=check.ip_address,
        host=check.fqdn,
        port=int(check.port),
        path=check.resource_path or "/",
        search=check.search_string or "",
        interval_seconds=float(check.request_interval),
        threshold=int(check.failure_threshold),
        inverted=_true(check.inverted),
        disabled=_true(check.disabled),
        sni=_true(check.enable_sni),
        children=tuple(check.children or ()),
        children_needed=int(check.health_threshold or 0),
    )


def _true(value: object) -> bool:
    return str(value).lower() == "true"


def install(sandbox: Sandbox) -> None:
    from moto.core.responses import ActionResult
    from moto.core.utils import utcnow
    from moto.route53.exceptions import ResourceRecordAlreadyExists
    from moto.route53.models import Route53Backend
    from moto.route53.responses import Route53

    served = HostedZones(sandbox)
    sandbox.starts.append(served.start)

    @patch(Route53Backend, "change_resource_record_sets", ("self", "zoneid", "change_list"))
    def change_record_sets(original: Any, self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        """All of a batch or nothing; and deleting one of several by its identifier leaves those of other names."""
        zone = self.get_hosted_zone(zoneid)
        before = list(zone.rrsets)
        named = {_key(change["ResourceRecordSet"]) for change in change_list}
        for change in change_list:
            key = _key(change["ResourceRecordSet"])
            if change["Action"] == "CREATE" and key in {_key_of(record) for record in before}:
                raise ResourceRecordAlreadyExists(name=key[0], _type=key[1])
        done = False
        try:
            original(self, zoneid, change_list)
            done = True
        finally:
            if done:
                zone.rrsets += [
                    record for record in before if record not in zone.rrsets and _key_of(record) not in named
                ]
            else:
                zone.rrsets = before

    @patch(Route53, "change_resource_record_sets", ("self",))
    def answer_with_change(original: Any, self: Any) -> Any:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        before = list(zone.rrsets)
        answer = original(self)
        change_id = served.changes.add(zone.id, before, time.time())
        answer.result["ChangeInfo"] |= {"Id": f"/change/{change_id}", "Status": "PENDING"}
        return answer

    @patch(Route53, "get_change", ("self",))
    def get_change(original: Any, self: Any) -> Any:
        answer = original(self)
        if served.changes.is_pending(answer.result["ChangeInfo"]["Id"], time.time()):
            answer.result["ChangeInfo"]["Status"] = "PENDING"
        return answer

    @patch(Route53, "get_health_check_status", ("self",))
    def get_health_check_status(original: Any, self: Any) -> Any:
        one_id = self._get_param("HealthCheckId")
        self.backend.get_health_check(one_id)
        report = {"Status": served.status(one_id).said, "CheckedTime": utcnow()}
        seen = {"Region": _CHECKER_REGION, "IPAddress": sandbox.settings.api_address, "StatusReport": report}
        return ActionResult({"HealthCheckObservations": [seen]})


def _key(record: dict[str, Any]) -> tuple[str, str, str]:
    return zones.normal(record["Name"]), record["Type"], record.get("SetIdentifier") or ""


def _key_of(record: Any) -> tuple[str, str, str]:
    return zones.normal(record.name), record.type, record.set_identifier or ""
