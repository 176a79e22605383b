"""Which targets are registered in which target group, and how healthy the edge found each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..core import Core
from ..errors import ApiError

# The edge reports each second; verdicts older than this, in machine seconds, say nothing about now.
_STALE_SECONDS = 5.0
_NOT_IN_USE = ("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
_DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
_INITIAL = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
_STALE = ("unavailable", "Elb.InternalError", "Health checks failed due to an internal error")

Health = tuple[str, str, str]
Place = tuple[str, int]


@dataclass
class Registration:
    """One target of a target group; draining until the deregistration delay is over."""

    registered_at: float
    draining_until: float | None = None


class Targets:
    """The registered targets of every target group, with the edge's verdicts about them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._groups: dict[str, dict[Place, Registration]] = {}
        self._verdicts: dict[tuple[str, str, int], Health] = {}
        self._changed = threading.Condition()
        self.version = 0
        self.reported_at = 0.0
        self.edge_stretch = 1.0
        core.keep("targets", self, "_groups", "_verdicts", "version")

    def touch(self) -> None:
        """Something that the edge has to know has changed."""
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def wait_beyond(self, version: int, timeout: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout)

    def register(self, target_group_arn: str, address: str, port: int) -> None:
        with self._core.lock:
            if target_group_arn not in self._backend().target_groups:
                raise ApiError("TargetGroupNotFound", "One or more target groups not found")
            group = self._groups.setdefault(target_group_arn, {})
            known = group.get((address, port))
            if known is None or known.draining_until is not None:
                group[address, port] = Registration(time.time())
                self._verdicts.pop((target_group_arn, address, port), None)
        self.touch()

    def deregister(self, target_group_arn: str, address: str, port: int) -> None:
        """No new requests from now on; the target leaves when the deregistration delay is over."""
        with self._core.lock:
            known = self._groups.get(target_group_arn, {}).get((address, port))
            if known is None:
                raise ApiError("InvalidTarget", "The specified target does not exist or is not registered.")
            if known.draining_until is None:
                group = self._backend().target_groups.get(target_group_arn)
                delay = float(group.attributes["deregistration_delay.timeout_seconds"]) if group else 0.0
                known.draining_until = time.time() + delay / self._core.settings.time_factor
        self.touch()

    def health(self, target_group_arn: str, address: str, port: int) -> Health | None:
        """State, reason code and description as DescribeTargetHealth gives them; None for what is not registered."""
        with self._core.lock:
            known = self._present(target_group_arn).get((address, port))
            if known is None:
                return None
            if known.draining_until is not None:
                return _DRAINING
            if not self.load_balancers_of(target_group_arn):
                return _NOT_IN_USE
            verdict = self._verdicts.get((target_group_arn, address, port))
            if verdict is None:
                return _INITIAL
            return verdict if self._core.lateness.elapsed(self.reported_at) <= _STALE_SECONDS else _STALE

    def registrations(self, target_group_arn: str) -> dict[Place, Registration]:
        """Registered and draining targets of a group; the caller holds the lock."""
        return self._present(target_group_arn)

    def places(self, target_group_arn: str) -> list[Place]:
        with self._core.lock:
            return list(self._present(target_group_arn))

    def load_balancers_of(self, target_group_arn: str) -> list[str]:
        """ARNs of the load balancers that have a listener or a rule with this target group."""
        with self._core.lock:
            return [
                balancer.arn
                for balancer in self._backend().load_balancers.values()
                if target_group_arn in set(_forwarded(balancer))
            ]

    def groups_of(self, balancer: Any) -> set[str]:
        """ARNs of the target groups that a load balancer's rules name."""
        with self._core.lock:
            return set(_forwarded(balancer))

    def report(self, verdicts: list[dict[str, Any]], edge_stretch: float) -> None:
        with self._core.lock:
            self.reported_at, self.edge_stretch = time.time(), edge_stretch
            for verdict in verdicts:
                key = (verdict["target_group"], verdict["address"], int(verdict["port"]))
                self._verdicts[key] = (verdict["state"], verdict["reason"], verdict["description"])

    def _present(self, target_group_arn: str) -> dict[Place, Registration]:
        group = self._groups.get(target_group_arn, {})
        now = time.time()
        for place, known in list(group.items()):
            if known.draining_until is not None and known.draining_until <= now:
                del group[place]
                self._verdicts.pop((target_group_arn, *place), None)
        return group

    def _backend(self) -> Any:
        return self._core.backend("elbv2")


def _forwarded(balancer: Any) -> Iterator[str]:
    for listener in balancer.listeners.values():
        for rule in listener.rules.values():
            for action in rule.actions:
                data = action.data
                if data.get("TargetGroupArn"):
                    yield data["TargetGroupArn"]
                for group in (data.get("ForwardConfig") or {}).get("TargetGroups", []):
                    yield group["TargetGroupArn"]
