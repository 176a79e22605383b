# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Route 53 records must change so that names lead to a load balancer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_TYPES = {"ipv4": "A", "ipv6": "AAAA"}


@dataclass(frozen=True)
class Balancer:
    """Where an alias leads: a load balancer, by its DNS name and the hosted zone that AWS keeps it in."""

    name: str
    dns_name: str
    zone_id: str
    # Where it is: one of the same name in another region is another environment's.
    region: str = ""
    # Made by others: records that lead to it may be theirs.
    shared: bool = False

    def owns(self, record: Mapping[str, Any]) -> bool:
        """Whether a record leads to this load balancer, or to one of the same name that was there before it."""
        target = bare(record.get("AliasTarget", {}).get("DNSName", ""))
        if not target or self.shared:
            return False
        region = re.escape(self.region) if self.region else "[a-z0-9-]+"
        # An application load balancer's, and a network load balancer's.
        ends = rf"(\d+\.{region}\.elb|[0-9a-f]+\.elb\.{region})\."
        former = re.compile(rf"(internal-)?{re.escape(self.name.lower())}-{ends}")
        return target == bare(self.dns_name) or bool(former.match(target))


@dataclass(frozen=True)
class Routing:
    """How Route 53 chooses among several record sets of one name: not at all, by weight, or by who is healthy."""

    policy: str = "simple"
    set_identifier: str | None = None
    weight: int = 0
    failover: str | None = None

    def problems(self) -> list[str]:
        if self.policy == "simple":
            return []
        found = (
            [] if self.set_identifier else [f"routing.set_identifier is missing; {self.policy} records need one each"]
        )
        if self.policy == "weighted" and not 0 <= self.weight <= 255:
            found.append(f"routing.weight is {self.weight}; Route 53 takes 0 to 255")
        if self.policy == "failover" and self.failover is None:
            found.append("routing.failover is missing; it must be primary or secondary")
        return found

    def fields(self) -> dict[str, Any]:
        if self.policy == "simple":
            return {}
        own = {"Weight": self.weight} if self.policy == "weighted" else {"Failover": str(self.failover).upper()}
        return {"SetIdentifier": self.set_identifier, **own}


@dataclass(frozen=True)
class DesiredNames:
    """What the names of a service must be."""

    names: Sequence[str]
    balancer: Balancer
    families: Sequence[str] = ("ipv4",)
    routing: Routing = field(default_factory=Routing)
    evaluate_target_health: bool = True
    health_check_id: str | None = None
    overwrite: bool = False

    def record_sets(self) -> list[dict[str, Any]]:
        return [self._record_set(name, _TYPES[family]) for name in self.names for family in self.families]

    def _record_set(self, name: str, record_type: str) -> dict[str, Any]:
        checked = {"HealthCheckId": self.health_check_id} if self.health_check_id else {}
        return {
            "Name": f"{bare(name)}.",
            "Type": record_type,
            **self.routing.fields(),
            "AliasTarget": {
                "HostedZoneId": self.balancer.zone_id,
                "DNSName": f"{bare(self.balancer.dns_name)}.",
                "EvaluateTargetHealth": self.evaluate_target_health,
            },
            **checked,
        }


@dataclass(frozen=True)
class Plan:
    """One change batch, which Route 53 carries out as a whole, or the reasons why there must be none."""

    changes: tuple[dict[str, Any], ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()


def plan(found: Iterable[Mapping[str, Any]], desired: DesiredNames) -> Plan:
    """Compare the record sets of the names with the desired ones."""
    there = [dict(record) for record in found]
    changes: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    refusals: list[str] = []
    for record in desired.record_sets():
        rivals = [existing for existing in there if normal(existing)["Name"] == record["Name"]]
        same_type = [existing for existing in rivals if existing["Type"] == record["Type"]]
        mine = next(
            (existing for existing in same_type if existing.get("SetIdentifier") == record.get("SetIdentifier")), None
        )
        # Route 53 keeps simple records apart from all others of a name: a change of the kind is a delete and a create.
        others = [existing for existing in same_type if _kind(existing) != _kind(record) and existing is not mine]
        if mine and _kind(mine) != _kind(record):
            others, mine = [*others, mine], None
        if mine and not others and normal(mine) == normal(record):
            continue
        refusals += _refusals(rivals, record, desired)
        label = _label(record)
        before[label] = normal(mine or others[0]) if mine or others else None
        after[label] = normal(record)
        changes += [{"Action": "DELETE", "ResourceRecordSet": existing} for existing in others]
        changes.append({"Action": "UPSERT" if not others else "CREATE", "ResourceRecordSet": record})
    return Plan(tuple(changes), before, after, tuple(dict.fromkeys(refusals)))


def _refusals(rivals: Sequence[Mapping[str, Any]], record: Mapping[str, Any], desired: DesiredNames) -> list[str]:
    found = []
    for existing in rivals:
        if existing["Type"] == "CNAME":
            found.append(f"{record['Name']} has a CNAME record, beside which Route 53 allows no other: remove it first")
        elif existing["Type"] == record["Type"] and not desired.balancer.owns(existing) and not desired.overwrite:
            elsewhere = existing.get("AliasTarget", {}).get("DNSName") or _values(existing)
            if existing.get("SetIdentifier") == record.get("SetIdentifier"):
                found.append(
                    f"{record['Name']} {existing['Type']} leads to {elsewhere}: set overwrite to take the name"
                )
            elif _kind(existing) != _kind(record):
                found.append(
                    f"{record['Name']} {existing['Type']} is a {_kind(existing)} record that leads to {elsewhere}, and cannot stand "
                    f"beside a {_kind(record)} one: make it {_kind(record)} first, or set overwrite to take the name"
                )
    return found


def removal(found: Iterable[Mapping[str, Any]], desired: DesiredNames) -> Plan:
    """Delete the alias records of the names that lead to the load balancer: of its set identifier, of every address family.

    Records that lead to a load balancer of others may be theirs: they go only where overwrite says that the names are ours.
    """
    balancer = replace(desired.balancer, shared=desired.balancer.shared and not desired.overwrite)
    names, identifier = {f"{bare(name)}." for name in desired.names}, desired.routing.fields().get("SetIdentifier")
    ours = [
        record
        for record in leftovers(found, balancer)
        if normal(record)["Name"] in names and record.get("SetIdentifier") == identifier
    ]
    labelled = {_label(normal(record)): record for record in ours}
    return Plan(
        tuple({"Action": "DELETE", "ResourceRecordSet": record} for record in ours),
        {label: normal(record) for label, record in labelled.items()},
        dict.fromkeys(labelled),
    )


def _label(record: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (record["Name"], record["Type"], record.get("SetIdentifier"))))


def leftovers(found: Iterable[Mapping[str, Any]], balancer: Balancer) -> list[dict[str, Any]]:
    """Record sets that lead to the load balancer: with it gone they would lead to whoever gets its name next."""
    return [dict(record) for record in found if balancer.owns(record)]


def normal(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record set in one spelling: Route 53 answers in lower case, with a final dot, * as \\052, and dualstack. kept."""
    same = {**record, "Name": bare(record["Name"].replace("\\052", "*")) + "."}
    if "AliasTarget" in record:
        same["AliasTarget"] = {**record["AliasTarget"], "DNSName": bare(record["AliasTarget"]["DNSName"]) + "."}
    # An alias has none; some answers carry an empty list.
    return {key: value for key, value in same.items() if key not in {"ResourceRecords", "TTL"} or value}


def bare(name: str) -> str:
    return name.lower().rstrip(".").removeprefix("dualstack.")


def _kind(record: Mapping[str, Any]) -> str:
    kinds = {"Weight": "weighted", "Failover": "failover", "Region": "latency", "GeoLocation": "geolocation"}
    if "SetIdentifier" not in record:
        return "simple"
    return next((kind for key, kind in kinds.items() if key in record), "multivalue")


def _values(record: Mapping[str, Any]) -> str:
    return ", ".join(entry["Value"] for entry in record.get("ResourceRecords", []))
