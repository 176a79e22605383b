"""Active health checks: one task per target, at the target group's interval."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import h11

from ..lateness import Lateness, Timeout
from .health import (
    CHECKS_DISABLED,
    FAILED,
    PASSED,
    TIMED_OUT,
    CheckResult,
    Thresholds,
    Verdict,
    code_mismatch,
    matches_code,
)
from .health import judge as judge_result
from .http1 import HEAD_LIMIT, MalformedMessage, Peer
from .spoils import Spoils
from .state import HealthCheck, State, Target

Key = tuple[str, str, int]


class Checker:
    """Keeps a verdict for every target that a load balancer may send requests to."""

    def __init__(self, place_of: Callable[[str, int], tuple[str, int]], lateness: Lateness) -> None:
        self._place_of = place_of
        self._lateness = lateness
        self._tasks: dict[Key, tuple[HealthCheck, float, asyncio.Task[None]]] = {}
        self._spoils = Spoils()
        self.verdicts: dict[Key, Verdict] = {}

    def follow(self, state: State) -> None:
        """Begin and end checks as targets come and go; a changed setting starts anew with the verdict kept."""
        self._spoils = state.spoils
        used = state.used_by
        wanted = {
            (group.arn, target.address, target.port): (group.health_check, target.registered_at)
            for group in state.target_groups.values()
            if group.arn in used
            for target in group.targets
            if not target.draining
        }
        for key, (check, registered, task) in list(self._tasks.items()):
            if wanted.get(key) != (check, registered):
                task.cancel()
                del self._tasks[key]
                if key not in wanted or wanted[key][1] != registered:
                    self.verdicts.pop(key, None)
        for key, (check, registered) in wanted.items():
            if key not in self._tasks:
                self.verdicts.setdefault(key, Verdict() if check.enabled else CHECKS_DISABLED)
                self._tasks[key] = (check, registered, asyncio.create_task(self._watch(key, check)))

    def is_healthy(self, group: str, target: Target) -> bool:
        verdict = self.verdicts.get((group, target.address, target.port))
        return verdict is not None and (verdict.is_healthy or verdict is CHECKS_DISABLED)

    async def _watch(self, key: Key, check: HealthCheck) -> None:
        if not check.enabled:
            return
        thresholds = Thresholds(check.healthy_threshold, check.unhealthy_threshold)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            place = self._place_of(key[1], check.port or key[2])
            spoiled = self._spoils.check(key[0], key[1], check.timeout_seconds, check.matcher)
            result = spoiled or await probe(place, check, self._lateness)
            self.verdicts[key] = judge_result(self.verdicts[key], result, thresholds)
            await asyncio.sleep(max(0.0, began + check.interval_seconds - loop.time()))


async def probe(place: tuple[str, int], check: HealthCheck, lateness: Lateness) -> CheckResult:
    """Ask once, as ELB-HealthChecker does, and say what came of it. The timeout is in machine seconds. Of TCP a connection is enough."""
    try:
        async with Timeout(lateness, check.timeout_seconds):
            if check.protocol == "TCP":
                _, writer = await asyncio.open_connection(*place)
                writer.close()
                return PASSED
            status = await _status(place, check)
    except TimeoutError:
        return TIMED_OUT
    except (OSError, MalformedMessage):
        return FAILED
    return PASSED if matches_code(check.matcher, status) else code_mismatch(status)


async def _status(place: tuple[str, int], check: HealthCheck) -> int:
    context = None
    if check.protocol == "HTTPS":
        # Like ALB, which does not verify the certificate of a target.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(*place, ssl=context, limit=HEAD_LIMIT)
    target = Peer(reader, writer, h11.CLIENT)
    try:
        host = f"{place[0]}:{place[1]}".encode()
        headers = [(b"Host", host), (b"User-Agent", b"ELB-HealthChecker/2.0"), (b"Connection", b"close")]
        writer.write(target.encode_request("GET", check.path, headers))
        await writer.drain()
        return (await target.response()).status
    finally:
        target.close()
