"""Which records a question is answered with, as Route 53 decides: zones, routing policies, health, aliases. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_ALIAS_TTL = 60
_LONGEST_CHAIN = 8
_MULTIVALUE_ANSWERS = 8


@dataclass(frozen=True)
class Record:
    """One resource record set. Names are lower case and end with a dot."""

    name: str
    type: str
    ttl: int = 300
    values: tuple[str, ...] = ()
    alias: str | None = None
    evaluate_target_health: bool = False
    set_identifier: str = ""
    weight: int | None = None
    failover: str | None = None  # PRIMARY, SECONDARY
    region: str | None = None
    geography: str | None = None  # a country, a continent, or * for everybody else
    multivalue: bool = False
    health_check: str | None = None


@dataclass(frozen=True)
class Balancer:
    """A load balancer that aliases lead to."""

    address: str
    healthy: bool


@dataclass(frozen=True)
class World:
    """All that answers depend on, at one moment."""

    zones: Mapping[str, Sequence[Record]]  # by the zone's name
    balancers: Mapping[str, Balancer]  # by DNS name, without a dot at its end
    check_passes: Callable[[str], bool]
    region: str = ""
    randomness: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True)
class Line:
    """One line of an answer."""

    name: str
    type: str
    ttl: int
    value: str


@dataclass(frozen=True)
class Answer:
    """What a name server says: the code, whether it speaks for the zone, and the lines of each section."""

    code: str  # NOERROR, NXDOMAIN, REFUSED
    lines: tuple[Line, ...] = ()
    authority: tuple[Line, ...] = ()
    authoritative: bool = True


def answer(world: World, name: str, kind: str) -> Answer:
    """Answer a question for a type of records of a name."""
    name = normal(name)
    zone = zone_of(world, name)
    if zone is None:
        return Answer("REFUSED", authoritative=False)
    records = world.zones[zone]
    delegated = _delegation(records, zone, name, kind)
    if delegated:
        return Answer("NOERROR", authority=delegated, authoritative=False)
    lines = list(_resolve(world, zone, name, kind, _LONGEST_CHAIN))
    start = tuple(_lines(record, zone) for record in records if record.type == "SOA" and record.name == zone)
    soa = tuple(line for group in start for line in group)
    if lines:
        return Answer("NOERROR", tuple(lines))
    return Answer("NOERROR" if exists(records, name) else "NXDOMAIN", authority=soa)


def normal(name: str) -> str:
    """Lower case, a dot at the end, and * as Route 53 itself writes it."""
    return name.lower().replace("\\052", "*").rstrip(".") + "."


def zone_of(world: World, name: str) -> str | None:
    """The most specific zone that holds a name."""
    return max((zone for zone in world.zones if name == zone or name.endswith("." + zone)), key=len, default=None)


def exists(records: Sequence[Record], name: str) -> bool:
    """Whether there is anything at a name, below it, or by a wildcard."""
    return any(record.name == name or record.name.endswith("." + name) for record in records) or bool(
        _at(records, name)
    )


def _at(records: Sequence[Record], name: str) -> list[Record]:
    """The records of a name; those of the nearest wildcard where nothing at all is at the name."""
    exact = [record for record in records if record.name == name]
    if exact or any(record.name.endswith("." + name) for record in records):
        return exact
    parent = name
    while "." in parent.rstrip("."):
        parent = parent.partition(".")[2]
        wild = [record for record in records if record.name == "*." + parent]
        if wild or any(record.name == parent or record.name.endswith("." + parent) for record in records):
            return wild
    return []


def _delegation(records: Sequence[Record], zone: str, name: str, kind: str) -> tuple[Line, ...]:
    """The name servers of a part of the zone that is somebody else's."""
    for record in records:
        below = name == record.name or name.endswith("." + record.name)
        if record.type == "NS" and record.name != zone and below and not (kind == "NS" and name == record.name):
            return _lines(record, record.name)
    return ()


def _resolve(world: World, zone: str, name: str, kind: str, links: int) -> Iterator[Line]:
    """The lines for a name; CNAMEs and aliases are followed within the hosted zones."""
    found = _at(world.zones[zone], name)
    wanted = [record for record in found if record.type == kind or kind == "ANY"]
    links_to = [record for record in found if record.type == "CNAME" and not wanted]
    for record in choose(world, wanted or links_to, links):
        if record.alias is not None:
            yield from _follow_alias(world, record, name, kind, links)
            continue
        yield from _lines(record, name)
        following = zone_of(world, normal(record.values[0])) if record in links_to and record.values else None
        if following is not None and links:
            yield from _resolve(world, following, normal(record.values[0]), kind, links - 1)


def _follow_alias(world: World, record: Record, name: str, kind: str, links: int) -> Iterator[Line]:
    balancer = _balancer(world, record.alias or "")
    if balancer is not None:
        if record.type == "A":
            yield Line(name, "A", _ALIAS_TTL, balancer.address)
        return
    target = normal(record.alias or "")
    zone = zone_of(world, target)
    if zone is not None and links:
        for line in _resolve(world, zone, target, record.type if kind == "ANY" else kind, links - 1):
            # An alias is not seen: the answer is under the name that was asked for.
            yield Line(name, line.type, line.ttl, line.value)


def _balancer(world: World, alias: str) -> Balancer | None:
    return world.balancers.get(normal(alias).rstrip(".").removeprefix("dualstack."))


def choose(world: World, records: Sequence[Record], links: int = _LONGEST_CHAIN) -> list[Record]:
    """The record sets that the routing policy picks. Where none is healthy all are treated as if they were."""
    if not records:
        return []
    kinds = sorted({record.type for record in records})
    if len(kinds) > 1:
        return [chosen for kind in kinds for chosen in choose(world, [r for r in records if r.type == kind], links)]
    healthy = [record for record in records if is_healthy(world, record, links)]
    first = records[0]
    if first.failover is not None:
        ordered = sorted(records, key=lambda record: record.failover != "PRIMARY")
        return [next((record for record in ordered if record in healthy), ordered[0])]
    if first.weight is not None:
        return [_by_weight(world, records, healthy)]
    if first.multivalue:
        among = list(healthy or records)
        world.randomness.shuffle(among)
        return among[:_MULTIVALUE_ANSWERS]
    if first.region is not None:
        return [min(healthy or records, key=lambda record: (record.region != world.region, record.region or ""))]
    if first.geography is not None:
        everybody = [record for record in healthy or records if record.geography == "*"]
        return everybody[:1]
    return list(records)


def _by_weight(world: World, records: Sequence[Record], healthy: Sequence[Record]) -> Record:
    """Records of weight 0 are considered where all others are unhealthy, or all weights are 0."""
    for among in (healthy, records):
        weighted = [record for record in among if record.weight]
        if weighted:
            return world.randomness.choices(weighted, [record.weight or 0 for record in weighted])[0]
        if among and among is healthy:
            return world.randomness.choice(list(among))
    return world.randomness.choice(list(records))


def is_healthy(world: World, record: Record, links: int = _LONGEST_CHAIN) -> bool:
    """By its health check, and for an alias that asks for it by the health of what it leads to."""
    if record.health_check is not None and not world.check_passes(record.health_check):
        return False
    if record.alias is None or not record.evaluate_target_health:
        return True
    balancer = _balancer(world, record.alias)
    if balancer is not None:
        return balancer.healthy
    target = normal(record.alias)
    zone = zone_of(world, target)
    if zone is None or not links:
        return True
    behind = [candidate for candidate in _at(world.zones[zone], target) if candidate.type == record.type]
    return any(is_healthy(world, candidate, links - 1) for candidate in behind)


def _lines(record: Record, name: str) -> tuple[Line, ...]:
    return tuple(Line(name, record.type, record.ttl, value) for value in record.values)
