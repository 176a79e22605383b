# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger of one service on DynamoDB: every write of a release is checked against the lease's fencing number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..aws import dynamodb
from ..aws.dynamodb import Condition
from ..aws.session import Aws
from ..rollout.lease import Lease
from ..rollout.model import OperatorRequest, Release
from .journal import Journal, Moment
from .ledger_items import (
    EVIDENCE,
    JOURNAL,
    LEASE,
    RELEASES,
    REQUEST,
    evidence_item,
    evidence_of,
    has_outcome,
    journal_item,
    key,
    lease_item,
    lease_of,
    moments_of,
    operator_request_item,
    operator_request_of,
    release_item,
    release_of,
)
from .port_calls import port_call
from .ports import History, LeaseLostError, PortError, UnreadableRecord


@dataclass(frozen=True)
class DynamoLedger:
    aws: Aws
    table: str
    service: str
    # What happened since the last write: each write of a release takes it along.
    journal: Journal = field(default_factory=Journal)

    @port_call
    def history(self) -> History:
        releases: list[Release] = []
        unreadable: list[UnreadableRecord] = []
        for item in dynamodb.query(self.aws, self.table, self.service, RELEASES):
            try:
                releases.append(release_of(item))
            except ValueError as cause:
                key = f"{self.service} {item['entry']['S']}"
                unreadable.append(UnreadableRecord(key, str(cause), has_outcome(item)))
        return History(releases, unreadable)

    @port_call
    def evidence(self, release_id: str) -> dict[str, Any] | None:
        item = dynamodb.get(self.aws, self.table, key(self.service, EVIDENCE + release_id))
        try:
            return evidence_of(item) if item else None
        except ValueError as cause:
            entry = EVIDENCE + release_id
            raise PortError(f"entry {entry} of the ledger cannot be read: {cause}", transient=False) from cause

    @port_call
    def moments(self, release_id: str) -> tuple[list[Moment], list[str]]:
        """The journal of a release in the order of time, and what of it cannot be read."""
        found: list[Moment] = []
        unread: list[str] = []
        for item in dynamodb.query(self.aws, self.table, self.service, f"{JOURNAL}{release_id}/"):
            try:
                found += moments_of(item)
            except ValueError as cause:
                unread.append(f"entry {item['entry']['S']} of the ledger cannot be read: {cause}")
        return sorted(found, key=lambda moment: moment.at), unread

    @port_call
    def lease(self) -> Lease | None:
        item = dynamodb.get(self.aws, self.table, key(self.service, LEASE))
        return lease_of(item) if item else None

    @port_call
    def take(self, lease: Lease, over: int) -> bool:
        """Write the lease on condition that the fencing number is still the one it was decided over."""
        held = Condition("fence = :over", {":over": {"N": str(over)}})
        if over or dynamodb.put(self.aws, self.table, lease_item(lease), _ABSENT):
            return not over or dynamodb.put(self.aws, self.table, lease_item(lease), held)
        return self._replace_damaged(lease)

    def _replace_damaged(self, lease: Lease) -> bool:
        """Take the place of an entry whose fencing number is none, on condition that it is still that one."""
        item = dynamodb.get(self.aws, self.table, key(self.service, LEASE))
        if item is None or lease_of(item) is not None:
            return False
        return dynamodb.put(
            self.aws, self.table, lease_item(lease), Condition("fence = :found", {":found": item["fence"]})
        )

    @port_call
    def renew(self, lease: Lease) -> None:
        if not dynamodb.put(self.aws, self.table, lease_item(lease), _mine(lease)):
            raise LeaseLostError

    @port_call
    def save(self, release: Release, lease: Lease) -> None:
        """Write the release, its evidence and its journal in one transaction; an outcome, once written, never changes."""
        outcome = str(release.outcome) if release.outcome else ""
        unchanged = Condition("attribute_not_exists(outcome) OR outcome = :outcome", {":outcome": {"S": outcome}})
        evidence, moments = evidence_item(release), self.journal.batch(release)
        journal = journal_item(release, moments, self.journal.batch_number) if moments else None
        written = dynamodb.put_guarded(
            self.aws,
            self.table,
            (key(self.service, LEASE), _mine(lease)),
            [(release_item(release), unchanged), *((item, None) for item in (evidence, journal) if item)],
        )
        if not written:
            raise LeaseLostError
        self.journal.written()

    @port_call
    def operator_request(self) -> OperatorRequest | None:
        item = dynamodb.get(self.aws, self.table, key(self.service, REQUEST))
        try:
            return operator_request_of(item) if item else None
        except ValueError:
            # A request that cannot be read cannot be followed; the next one overwrites it.
            return None

    @port_call
    def submit(self, request: OperatorRequest) -> None:
        dynamodb.put(self.aws, self.table, operator_request_item(self.service, request))


_ABSENT = Condition("attribute_not_exists(fence)")


def _mine(lease: Lease) -> Condition:
    return Condition("fence = :fence", {":fence": {"N": str(lease.fence)}})
