# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lease of a service as a value: who may write, until when, and with which fencing number.

Clocks of two controllers may disagree. A holder sends a write within WRITE_BEGINS_SECONDS after it renewed the lease, or not at
all, and another waits until SKEW seconds past the end. So they can differ by more than a minute before both write. Beyond that
the fencing number decides: every write begins with a conditional renewal, which fails for all but the last taker.

Load balancers and ECS know no fencing numbers. So a write of a controller whose lease was taken may still arrive, but only
for LATE_WRITE_SECONDS: until then the next controller undoes such writes, and scales nothing in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

SECONDS = 90
SKEW = 15
# A write is sent within this time after its lease was renewed, or not at all.
WRITE_BEGINS_SECONDS = 10
# It is sent once, and its answer is waited for this long: connecting, then reading.
WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS = 3, 7
# What one attempt of a read takes at most: none is sent so shortly before the lease ends.
READ_SECONDS = 12
# What a network or AWS still takes to carry out a request that no controller waits for any more.
_ARRIVES_SECONDS = 10
LATE_WRITE_SECONDS = WRITE_BEGINS_SECONDS + WRITE_CONNECT_SECONDS + WRITE_READ_SECONDS + _ARRIVES_SECONDS

# No controller's clock is so far ahead: a lease that ends later was not written by one.
_FURTHEST_SECONDS = 86_400
# Of the year 9999, the last that a date can have.
LAST_SECOND = 253_402_300_799


@dataclass(frozen=True)
class Lease:
    service: str
    owner: str
    release_id: str
    fence: int
    taken_at: float
    expires_at: float

    def expired_for_others(self, now: float) -> bool:
        return now > self.expires_at + SKEW or self.is_damaged(now)

    def is_damaged(self, now: float) -> bool:
        """No controller has set such an end: nobody would ever renew it, or see it pass."""
        return self.expires_at > now + _FURTHEST_SECONDS


@dataclass(frozen=True)
class Taken:
    """The lease to write, on condition that the ledger still holds the fencing number `over` (0: no lease at all)."""

    lease: Lease
    over: int
    reason: str
    from_living: bool = False


@dataclass(frozen=True)
class Held:
    """Somebody else has the lease."""

    lease: Lease
    reason: str


@dataclass(frozen=True)
class Claim:
    """Who asks for the lease of which service, for which release; `force` takes it from a living holder."""

    service: str
    owner: str
    release_id: str
    force: bool = False


def is_lost(lease: Lease | None, now: float) -> bool:
    """No controller works on the release under way: nobody reads what is asked of it."""
    return lease is None or not lease.owner or lease.expired_for_others(now)


def take(current: Lease | None, claim: Claim, now: float) -> Taken | Held:
    """Decide whether the claim may have the lease. The ledger's conditional write has the last word."""
    fence = current.fence if current else 0
    # An entry that was deleted or damaged may still have a holder: the time is more than any number counted up to now.
    fresh = Lease(claim.service, claim.owner, claim.release_id, (fence or int(now)) + 1, now, now + SECONDS)
    if current is None or not current.owner:
        return Taken(fresh, fence, "the lease was free")
    if current.is_damaged(now):
        damaged = f"the lease of {current.owner} ends at {clock_time(current.expires_at)}, which no controller has set"
        return Taken(fresh, fence, f"{damaged}: adopted", from_living=True)
    if current.expired_for_others(now):
        return Taken(fresh, fence, f"the lease of {current.owner} ended at {clock_time(current.expires_at)}: adopted")
    if claim.force:
        return Taken(fresh, fence, f"the lease was taken over from {current.owner} on purpose", from_living=True)
    return Held(
        current,
        f"{current.owner} holds {claim.service} for release {current.release_id} since {clock_time(current.taken_at)}, "
        f"until {clock_time(current.expires_at)} unless renewed. Wait for its end, or take the traffic back with the "
        "rollback playbook, which takes the lease over",
    )


def renew(lease: Lease, now: float) -> Lease:
    return replace(lease, expires_at=now + SECONDS)


def give_back(lease: Lease, now: float) -> Lease:
    """The freed lease keeps its fencing number: numbers never go back."""
    return replace(lease, owner="", release_id="", expires_at=now)


def let_end(lease: Lease, at: float) -> Lease:
    """The lease, ending so that others may adopt it at this time and not before."""
    return replace(lease, expires_at=at - SKEW)


def clock_time(seconds: float) -> str:
    """The time for people. What the ledger holds may be damaged, and no time at all: then the first or last that there is."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), LAST_SECOND), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
