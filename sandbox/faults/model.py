"""A fault: what goes wrong, for what, and how often. Which one a call meets is decided here, without I/O."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

API_KINDS = ("latency", "throttle", "error", "deny")
TARGET_KINDS = ("slow", "erroring", "vanish")
# A zone that stops its tasks and starts none; a subnet that nothing reaches, as behind a network ACL that denies all.
ZONE, SUBNET = "zone", "subnet"
KINDS = (*API_KINDS, *TARGET_KINDS, ZONE, SUBNET)
# Names that people know from boto3, and what requests are signed for.
_SIGNED_AS = {"elbv2": "elasticloadbalancing", "efs": "elasticfilesystem", "monitoring": "cloudwatch"}


class InvalidFault(ValueError):
    """A fault that cannot be: the text says why, and what would be valid."""


@dataclass(frozen=True)
class Fault:
    """One fault. `subject` is service:Operation with wildcards, a target group or task, an availability zone or a subnet."""

    id: str
    kind: str
    subject: str
    probability: float = 1.0
    count: int | None = None  # so many times, then no more
    milliseconds: float = 0.0
    status: int = 500
    code: str = "InternalFailure"
    after: bool = False  # the call is carried out, and its answer is lost
    health_checks: bool = False  # the target's health checks meet the fault too

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidFault(f"There is no fault {self.kind!r}; there are {', '.join(KINDS)}.")
        if self.kind in API_KINDS and ":" not in self.subject:
            raise InvalidFault(f"{self.subject!r} names no API operation. An example: 'ecs:Describe*'")
        if not 0 < self.probability <= 1:
            raise InvalidFault(f"A probability is above 0 and at most 1, not {self.probability}.")
        if self.count is not None and self.count < 1:
            raise InvalidFault(f"A count is at least 1, not {self.count}.")
        if self.kind in {"latency", "slow"} and self.milliseconds <= 0:
            raise InvalidFault(f"The fault {self.kind} needs its --milliseconds, more than 0.")
        if not 400 <= self.status <= 599:
            raise InvalidFault(f"The status of an error is from 400 to 599, not {self.status}.")

    def concerns(self, service: str, operation: str) -> bool:
        """Whether a call of the API is meant."""
        if self.kind not in API_KINDS:
            return False
        wanted_service, _, wanted_operation = self.subject.partition(":")
        wanted_service = _SIGNED_AS.get(wanted_service, wanted_service)
        return fnmatch.fnmatchcase(service, wanted_service) and fnmatch.fnmatchcase(operation, wanted_operation)

    @classmethod
    def of(cls, one_id: str, given: Mapping[str, Any]) -> Fault:
        """From a request of the command line. Raises InvalidFault."""
        known = {"kind", "subject", "probability", "count", "milliseconds", "status", "code", "after", "health_checks"}
        if unknown := set(given) - known:
            raise InvalidFault(f"A fault has no {', '.join(sorted(unknown))}.")
        return cls(one_id, **given)


@dataclass
class Faults:
    """The faults that are on, with how often each was met."""

    randomness: random.Random = field(default_factory=random.Random)
    _on: dict[str, Fault] = field(default_factory=dict)
    _met: dict[str, int] = field(default_factory=dict)
    _made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, given: Mapping[str, Any]) -> Fault:
        with self._lock:
            fault = Fault.of(f"f{self._made + 1}", given)
            self._made += 1
            self._on[fault.id] = fault
            return fault

    def clear(self, one_id: str | None = None) -> list[Fault]:
        """End one fault, or all of them; returns those that were on."""
        with self._lock:
            if one_id is not None and one_id not in self._on:
                raise InvalidFault(f"There is no fault {one_id!r}; there are: {', '.join(self._on) or 'none'}.")
            wanted = [one_id] if one_id is not None else list(self._on)
            return [self._on.pop(fault_id) for fault_id in wanted]

    def all(self) -> list[Fault]:
        with self._lock:
            return list(self._on.values())

    def listing(self) -> list[dict[str, Any]]:
        return [{**asdict(fault), "met": self._met.get(fault.id, 0)} for fault in self.all()]

    def of_kind(self, kinds: Iterable[str]) -> list[Fault]:
        return [fault for fault in self.all() if fault.kind in set(kinds)]

    def met_by(self, service: str, operation: str) -> list[Fault]:
        """The faults that a call meets now: all its latencies, and the first of the others. Each counts."""
        with self._lock:
            met: list[Fault] = []
            for fault in list(self._on.values()):
                if not fault.concerns(service, operation) or self.randomness.random() >= fault.probability:
                    continue
                if fault.kind != "latency" and any(other.kind != "latency" for other in met):
                    continue
                met.append(fault)
                self._met[fault.id] = self._met.get(fault.id, 0) + 1
                if fault.count is not None and self._met[fault.id] >= fault.count:
                    del self._on[fault.id]
            return met
