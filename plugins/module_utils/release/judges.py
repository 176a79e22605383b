# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release is judged by, on AWS: alarms, metrics, smoke checks, one-off tasks; and the evidence that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..aws import cloudwatch, elbv2
from ..aws.session import Aws
from ..common.clock import Clock
from ..rollout.actions import POLL_SECONDS
from ..rollout.gates import failed, judge, passed, unclear
from ..rollout.model import Colour, ColourState, Fleet, Readings, Release, Traffic, Verdict
from ..service.location import ServiceLocation
from ..service.routing import production_rules
from .every_target import Route, smoke
from .evidence import Evidence
from .evidence_reader import EvidenceReader
from .metrics import Metrics
from .one_off import Watch, one_off
from .port_calls import port_call
from .ports import Progress
from .smoke import Endpoint
from .who_answers import answered_by_another, request_to_own_address

# A target of which the load balancer does not know how it is may still be sent requests.
_MAY_ANSWER = {"healthy", "unavailable"}


@dataclass(frozen=True)
class Look:
    """What the gates were given at one look."""

    release: Release
    candidate: ColourState
    readings: Readings


@dataclass
class CloudJudges:
    """Reads for the gates of one run. `checks` are the module's options, by name."""

    aws: Aws
    location: ServiceLocation
    metrics: Metrics
    clock: Clock
    progress: Progress
    endpoint: Endpoint | None = None
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version_probe: Mapping[str, Any] | None = None
    network: Mapping[str, Any] = field(default_factory=dict)
    # What was seen while the release went on, by colour.
    evidence: Mapping[Colour, Evidence] = field(default_factory=dict)
    test_endpoint: Endpoint | None = None

    # What was judged last: the evidence holds the readings of the look that decided, not of a later one.
    _last_look: Look | None = None

    @port_call
    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings:
        gates = release.gates
        states = cloudwatch.alarm_states(self.aws, gates.alarms) if gates.alarms else {}
        found = self.metrics.readings(release, fleet, now) if gates.need_metrics else Readings()
        self._last_look = Look(release, fleet.state(release.candidate), replace(found, alarms=states))
        return self._last_look.readings

    @port_call
    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        options = self.checks.get(check)
        if options is None:
            return _unknown(check)
        if options["command"]:
            watch = Watch(self.clock, self.progress, stopped)
            return one_off(self.aws, self.location, release, options, self.network, watch)
        # In place there is no candidate to ask for: the new version is what the production rule forwards to.
        return smoke(self._route(release, not release.in_place, stopped), self._sent(options))

    @port_call
    def probe(self, release: Release, stopped: Callable[[], bool]) -> Verdict | None:
        """After the last step: does this version answer the service's address? Without a version probe the listener's rules say it."""
        if self.version_probe:
            return smoke(self._route(release, False, stopped), self._sent(self.version_probe))
        return self._own_address()

    @port_call
    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]:
        """Keep what would be gone once the candidate is stopped, and the verdict over what was last read."""
        evidence_reader = EvidenceReader(self.aws, self.location, self.evidence.get(release.candidate) or Evidence())
        kept = evidence_reader.collect(release, fleet, self._judgement(release))
        compared = self.response_times(release)
        return {**kept, "response_times": compared} if compared else kept

    def response_times(self, release: Release) -> dict[str, list[dict[str, Any]]]:
        look = self._look_of(release)
        sides = {"candidate": look.readings.candidate, "live": look.readings.live} if look else {}
        found = {side: _periods(traffic) for side, traffic in sides.items() if traffic is not None}
        return found if any(found.values()) else {}

    def _own_address(self) -> Verdict | None:
        """By the rules of this moment: another service may have been given the address since the release began."""
        request = request_to_own_address(self.location)
        if request is None:
            return None
        rules = tuple(elbv2.rules(self.aws, self.location.listener_arn))
        groups = self.location.target_groups
        own = production_rules(rules, groups[Colour.BLUE].arn, groups[Colour.GREEN].arn)
        answered = answered_by_another(replace(self.location, rules=rules, further=tuple(own)), request)
        if answered:
            return failed(f"{request.title}: {answered}")
        return passed(f"no other rule answers {request.path} of {self.location.host}")

    def _judgement(self, release: Release) -> list[str]:
        look = self._look_of(release)
        if look is None:
            return []
        return [judge(release.gates, look.readings, look.candidate, release.policy.minimum_healthy).reason]

    def _look_of(self, release: Release) -> Look | None:
        return self._last_look if self._last_look and self._last_look.release.id == release.id else None

    def _route(self, release: Release, candidate: bool, stopped: Callable[[], bool]) -> Route:
        known = (self.test_endpoint if candidate else None) or self.endpoint
        endpoint = known or Endpoint(self.location.load_balancer_host, self.location.host)
        headers = self.location.test_headers if candidate else self.location.headers
        return Route(endpoint, self._targets(release), headers, stopped)

    def _targets(self, release: Release) -> int:
        """As many targets as the load balancer finds healthy at this moment: capacity may have changed since staging.

        Where they are fewer than the release has, it is looked again: a target that one look misses would not be asked.
        """
        found = self._targets_now(release)
        if found >= release.capacity:
            return found
        self.clock.sleep(POLL_SECONDS)
        return max(found, self._targets_now(release))

    def _targets_now(self, release: Release) -> int:
        targets = elbv2.target_health(self.aws, self.location.target_groups[release.candidate].arn)
        return sum(target.state in _MAY_ANSWER for target in targets)

    def _sent(self, check: Mapping[str, Any]) -> Mapping[str, Any]:
        """A check with the query that the rules ask for."""
        return {**check, "path": self.location.path(check["path"])}


def _periods(traffic: Traffic) -> list[dict[str, Any]]:
    """The periods that the latency gate compares, oldest first."""
    pairs = zip(traffic.answered, traffic.samples, strict=True)
    return [{"answered": answered, "p99_ms": round(seconds * 1000, 1)} for answered, seconds in pairs]


def _unknown(check: str) -> Verdict:
    return unclear(f"check {check} is not among the checks that this run was given")
