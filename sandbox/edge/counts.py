"""What passed through, second by second, in the terms of AWS/ApplicationELB and AWS/NetworkELB."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

_SAMPLES = 2000


@dataclass
class Second:
    """One second of one target group behind one load balancer, or of the load balancer as a whole.

    `requests` are those for which a target was chosen, as RequestCount has it.
    """

    requests: int = 0
    target_codes: dict[str, int] = field(default_factory=dict)
    balancer_codes: dict[str, int] = field(default_factory=dict)
    response_seconds: list[float] = field(default_factory=list)
    connection_errors: int = 0
    fixed_responses: int = 0
    redirects: int = 0
    # Of network load balancers.
    flows: int = 0
    bytes: int = 0


class Counts:
    """Collects until taken. Keys: load balancer dimension, target group dimension or None, second."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str | None, int], Second] = {}

    def _second(self, balancer: str, group: str | None) -> Second:
        return self._seconds.setdefault((balancer, group, int(time.time())), Second())

    def answered(self, balancer: str, group: str, status: int, seconds: float) -> None:
        """A target answered."""
        for second in (self._second(balancer, group), self._second(balancer, None)):
            second.requests += 1
            kind = f"{status // 100}XX"
            second.target_codes[kind] = second.target_codes.get(kind, 0) + 1
            if len(second.response_seconds) < _SAMPLES:
                second.response_seconds.append(round(seconds, 6))

    def refused(self, balancer: str, group: str | None, status: int) -> None:
        """The load balancer answered by itself; the group is that of the target it had chosen, if it had."""
        whole = self._second(balancer, None)
        whole.balancer_codes[str(status)] = whole.balancer_codes.get(str(status), 0) + 1
        if group is not None:
            whole.requests += 1
            self._second(balancer, group).requests += 1

    def acted(self, balancer: str, status: int, *, redirect: bool) -> None:
        """A rule's action was a redirect or a fixed response."""
        self.refused(balancer, None, status)
        whole = self._second(balancer, None)
        if redirect:
            whole.redirects += 1
        else:
            whole.fixed_responses += 1

    def not_connected(self, balancer: str, group: str) -> None:
        """A target took no connection."""
        for second in (self._second(balancer, group), self._second(balancer, None)):
            second.connection_errors += 1

    def flow(self, balancer: str) -> None:
        """A network load balancer took a connection, or the first datagram of a client."""
        self._second(balancer, None).flows += 1

    def carried(self, balancer: str, number: int) -> None:
        """Bytes of a flow, in either direction."""
        self._second(balancer, None).bytes += number

    def take(self, health: dict[tuple[str, str | None], tuple[int, int]]) -> list[dict[str, Any]]:
        """All seconds that are over, and the healthy and unhealthy counts as they are now."""
        now = int(time.time())
        over = {key: self._seconds.pop(key) for key in list(self._seconds) if key[2] < now}
        for balancer, group in health:
            over.setdefault((balancer, group, now - 1), Second())
        return [
            {
                "at": at,
                "load_balancer": balancer,
                "target_group": group,
                **vars(second),
                "healthy": health.get((balancer, group), (0, 0))[0],
                "unhealthy": health.get((balancer, group), (0, 0))[1],
            }
            for (balancer, group, at), second in over.items()
        ]
