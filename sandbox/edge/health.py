"""The health of one target as ALB judges it: a state machine over check results, with AWS's reasons. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, replace

INITIAL = "initial"
HEALTHY = "healthy"
UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One health check: passed, or failed with the reason code and sentence that AWS gives."""

    passed: bool
    reason: str = ""
    description: str = ""


PASSED = CheckResult(True)
TIMED_OUT = CheckResult(False, "Target.Timeout", "Request timed out")
FAILED = CheckResult(False, "Target.FailedHealthChecks", "Health checks failed")


def code_mismatch(status: int) -> CheckResult:
    return CheckResult(False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@dataclass(frozen=True, slots=True)
class Thresholds:
    healthy: int
    unhealthy: int


@dataclass(frozen=True, slots=True)
class Verdict:
    state: str = INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    run: int = 0  # consecutive results that speak against the present state

    @property
    def is_healthy(self) -> bool:
        return self.state == HEALTHY


HEALTHY_VERDICT = Verdict(HEALTHY, "", "")
CHECKS_DISABLED = Verdict("unavailable", "Target.HealthCheckDisabled", "Health checks are disabled")


def judge(verdict: Verdict, result: CheckResult, thresholds: Thresholds) -> Verdict:
    """The next verdict. A new target is healthy after one success; later every change needs its threshold in a row."""
    if result.passed:
        if verdict.state != UNHEALTHY:
            return HEALTHY_VERDICT
        run = verdict.run + 1
        return HEALTHY_VERDICT if run >= thresholds.healthy else replace(verdict, run=run)
    if verdict.state == UNHEALTHY:
        return Verdict(UNHEALTHY, result.reason, result.description)
    run = verdict.run + 1
    if run >= thresholds.unhealthy:
        return Verdict(UNHEALTHY, result.reason, result.description)
    if verdict.state == INITIAL:
        return Verdict(INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress", run)
    return replace(verdict, run=run)


def matches_code(matcher: str, status: int) -> bool:
    """Whether a status is in a matcher such as `200`, `200,202` or `200-399`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False
