# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The entries of the ledger as DynamoDB items, and back. Pure.

One partition per service. Its entries: `lease`, `request`, and for each release `release/ID`, its journal
`journal/ID/TIME`, one for each write, and, where it failed, `evidence/ID`. These are kept apart so that reading the
history stays cheap. Ids begin with the time, so that the order of the sort keys is the order of the releases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..common.text import harmless, one_line
from ..rollout.lease import LAST_SECOND, Lease
from ..rollout.model import Kind, OperatorRequest, Phase, Release
from ..rollout.record import from_plain, to_plain
from .journal import Moment, record

RELEASES, EVIDENCE, JOURNAL, LEASE, REQUEST = "release/", "evidence/", "journal/", "lease", "request"
# The shape of a record. A record of a later shape is reported and left alone.
SCHEMA = 1
_TIMES = ("started_at", "entered_at", "since", "paused_since", "stable_down_since", "ended_at", "warm_until")
# An item holds 400 KB; what is longer than this is cut, the newest kept.
EVIDENCE_CHARACTERS = 200_000
# Infinity is JSON for Python, and no whole number; what is nested too deeply is not read.
_OTHER_SHAPE = (AttributeError, KeyError, TypeError, OverflowError, RecursionError)

Item = dict[str, dict[str, str]]
T = TypeVar("T")


def new_id(kind: Kind, now: float, token: str) -> str:
    """A release's id: when, what, and a few random characters for two that begin in the same second."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{kind}-{token}"


def key(service: str, entry: str) -> Item:
    return {"service": {"S": service}, "entry": {"S": entry}}


def lease_item(lease: Lease) -> Item:
    return {
        **key(lease.service, LEASE),
        "owner": {"S": lease.owner},
        "release_id": {"S": lease.release_id},
        "fence": {"N": str(lease.fence)},
        "taken_at": {"N": _number(lease.taken_at)},
        "expires_at": {"N": _number(lease.expires_at)},
    }


def lease_of(item: Mapping[str, Mapping[str, Any]]) -> Lease | None:
    """The lease of an item. One without a whole number as fencing number guards nothing, and is as good as none."""
    fence = _attribute(item, "fence", "N", "")
    if not fence.isdigit():
        return None
    return Lease(
        service=item["service"]["S"],
        owner=_attribute(item, "owner", "S", ""),
        release_id=_attribute(item, "release_id", "S", ""),
        fence=int(fence),
        taken_at=float(_attribute(item, "taken_at", "N", "0")),
        expires_at=float(_attribute(item, "expires_at", "N", "0")),
    )


def release_item(release: Release) -> Item:
    """The whole release as JSON, and beside it what a person looks for in the console."""
    kept: dict[str, Any] | None = None if release.evidence is None else {}
    item = {
        **key(release.service, RELEASES + release.id),
        "record": {"S": json.dumps(to_plain(replace(_bounded(release), evidence=kept)), sort_keys=True)},
        "schema": {"N": str(SCHEMA)},
        "kind": {"S": str(release.kind)},
        "phase": {"S": str(release.phase)},
        "by": {"S": release.by},
        "started_at": {"N": _number(release.started_at)},
    }
    if release.digest:
        item["digest"] = {"S": release.digest}
    if release.outcome is not None:
        item["outcome"] = {"S": str(release.outcome)}
        item["reason"] = {"S": one_line(release.reason)}
    return item


def _bounded(release: Release) -> Release:
    """The release with reasons that fit: they may hold what a check was answered, or a task's log."""
    proofs = {name: replace(verdict, reason=one_line(verdict.reason)) for name, verdict in release.proofs.items()}
    return replace(release, reason=one_line(release.reason), proofs=proofs)


def release_of(item: Mapping[str, Mapping[str, Any]]) -> Release:
    """The release of an item; ValueError where this version cannot read it."""
    schema = int(_attribute(item, "schema", "N", "1"))
    if schema > SCHEMA:
        raise ValueError(f"a newer version of the collection wrote it (schema {schema}, this version reads {SCHEMA})")
    release = _from_record(Release, item)
    impossible = _impossible(release)
    if impossible:
        raise ValueError(impossible)
    return release


def _impossible(release: Release) -> str:
    """What no controller can have recorded, though each value is of the right type; empty where there is nothing."""
    steps = release.plan.steps
    if not 0 <= release.step <= len(steps) or (release.phase is Phase.SHIFTING and release.step == len(steps)):
        return f"it is at step {release.step + 1} of {len(steps)}"
    for step in steps:
        if not 0 <= step.weight <= 100:
            return f"a step of its plan has a weight of {step.weight} %"
    for name in _TIMES:
        at = getattr(release, name)
        if at is not None and not 0 <= at <= LAST_SECOND:
            return f"its {name} is {at}, which is not a time that a controller writes"
    return ""


def has_outcome(item: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a release has ended, as the item says it beside the record."""
    return bool(_attribute(item, "outcome", "S", ""))


def _from_record(kind: type[T], item: Mapping[str, Mapping[str, Any]]) -> T:
    text = _attribute(item, "record", "S", "")
    if not text:
        raise ValueError("it has no record")
    try:
        return from_plain(kind, json.loads(text))
    except _OTHER_SHAPE as cause:
        raise ValueError(f"its record has another shape ({type(cause).__name__}: {cause})") from cause


def _attribute(item: Mapping[str, Mapping[str, Any]], name: str, kind: str, default: str) -> str:
    found = item.get(name)
    return str(found.get(kind, default)) if isinstance(found, Mapping) else default


def evidence_item(release: Release) -> Item | None:
    """The evidence of a release as an entry of its own; None where it has none."""
    if not release.evidence:
        return None
    text = json.dumps(harmless(to_plain(release.evidence)), sort_keys=True)
    if len(text) > EVIDENCE_CHARACTERS:
        text = json.dumps({"cut": True, "end": text[-EVIDENCE_CHARACTERS // 2 :]})
    return {**key(release.service, EVIDENCE + release.id), "evidence": {"S": text}}


def evidence_of(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The evidence of an item; ValueError where this version cannot read it."""
    try:
        return dict(json.loads(_attribute(item, "evidence", "S", "{}")))
    except _OTHER_SHAPE as cause:
        raise ValueError(f"the evidence has another shape ({type(cause).__name__}: {cause})") from cause


def journal_item(release: Release, moments: Sequence[Moment], number: int) -> Item:
    """Moments of a release. `number` tells batches apart that begin in the same millisecond."""
    entry = f"{JOURNAL}{release.id}/{moments[0].at:015.3f}-{number:04d}"
    return {**key(release.service, entry), "record": {"S": record(moments)}, "schema": {"N": str(SCHEMA)}}


def moments_of(item: Mapping[str, Mapping[str, Any]]) -> list[Moment]:
    """The moments of an item; ValueError where this version cannot read them."""
    try:
        return [from_plain(Moment, plain) for plain in json.loads(_attribute(item, "record", "S", "[]"))]
    except _OTHER_SHAPE as cause:
        raise ValueError(f"the journal has another shape ({type(cause).__name__}: {cause})") from cause


def operator_request_item(service: str, operator_request: OperatorRequest) -> Item:
    return {**key(service, REQUEST), "record": {"S": json.dumps(to_plain(operator_request), sort_keys=True)}}


def operator_request_of(item: Mapping[str, Mapping[str, Any]]) -> OperatorRequest:
    """The request of an item; ValueError where this version cannot read it."""
    return _from_record(OperatorRequest, item)


def _number(seconds: float) -> str:
    return f"{seconds:.3f}"
