"""What the environment says, read once and refused at once where it makes no sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .logs import LEVELS

T = TypeVar("T")
# WAL lets readers go on while one writes, on one host; a rollback journal needs file locks alone, which NFS 4 has.
JOURNALS = ("wal", "delete")
# What monitoring asks, many times a minute: spared by chaos, and logged only in detail.
HEALTH_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})


class SettingsError(ValueError):
    """All findings, one per line."""


@dataclass(frozen=True)
class ChaosSettings:
    """Failures on purpose: share of requests that fail, latency through two percentiles, routes (none: all but health); and of
    the process: an end, a slow start, memory that is never freed, CPU, a limit of requests. Zero is none."""

    enabled: bool
    error_rate: float
    latency_p50_seconds: float
    latency_p99_seconds: float
    routes: frozenset[str]
    seed: int
    crash_after_seconds: float = 0.0
    start_seconds: float = 0.0
    leak_kib: float = 0.0
    busy_seconds: float = 0.0
    errors_above_per_second: float = 0.0

    def covers(self, route: str) -> bool:
        return self.enabled and (route in self.routes if self.routes else route not in HEALTH_ROUTES)


@dataclass(frozen=True)
class Settings:
    """One process of the scoreboard."""

    port: int
    version: str
    log_level: str
    database: str | None
    journal: str
    service_name: str
    traces_endpoint: str | None
    chaos: ChaosSettings

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        reader = _Reader(environment)
        endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None
        if endpoint and not endpoint.startswith(("http://", "https://")):
            reader.findings.append(f"OTEL_EXPORTER_OTLP_ENDPOINT is {endpoint!r}; expected http://… or https://…")
        level = environment.get("LOG_LEVEL", "").strip().lower() or "info"
        if level not in LEVELS:
            reader.findings.append(f"LOG_LEVEL is {level!r}; expected one of {', '.join(LEVELS)}")
        journal = environment.get("SCORE_DB_JOURNAL", "").strip().lower() or "wal"
        if journal not in JOURNALS:
            reader.findings.append(f"SCORE_DB_JOURNAL is {journal!r}; expected one of {', '.join(JOURNALS)}")
        settings = cls(
            port=reader.number("PORT", int, 8080, 1, 65535),
            version=environment.get("APP_VERSION") or "dev",
            log_level=level,
            database=environment.get("SCORE_DB_PATH") or None,
            journal=journal,
            service_name=environment.get("OTEL_SERVICE_NAME") or "scoreboard",
            traces_endpoint=endpoint,
            chaos=reader.chaos(),
        )
        if reader.findings:
            raise SettingsError("\n".join(reader.findings))
        return settings


class _Reader:
    """Reads variables, and keeps what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.findings: list[str] = []

    def number(self, name: str, kind: Callable[[str], T], default: T, least: float, most: float) -> T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            value = kind(text)
            if least <= float(text) <= most:
                return value
        except ValueError:
            pass  # said below, as for a number out of range
        self.findings.append(f"{name} is {text!r}; expected a number from {least} to {most}")
        return default

    def truth(self, name: str) -> bool:
        text = self._environment.get(name, "").strip().lower()
        if text not in {"", "0", "false", "no", "off", "1", "true", "yes", "on"}:
            self.findings.append(f"{name} is {text!r}; expected true or false")
        return text in {"1", "true", "yes", "on"}

    def chaos(self) -> ChaosSettings:
        p50 = self.number("CHAOS_LATENCY_MS_P50", float, 0.0, 0, 60_000)
        p99 = self.number("CHAOS_LATENCY_MS_P99", float, p50, 0, 60_000)
        if p99 < p50 or (p99 and not p50):
            self.findings.append(f"CHAOS_LATENCY_MS_P50 is {p50:g} and _P99 {p99:g}; expected 0 < P50 <= P99")
        routes = self._environment.get("CHAOS_ROUTES", "").split(",")
        return ChaosSettings(
            enabled=self.truth("CHAOS_ENABLED"),
            error_rate=self.number("CHAOS_ERROR_RATE", float, 0.0, 0, 1),
            latency_p50_seconds=p50 / 1000,
            latency_p99_seconds=p99 / 1000,
            routes=frozenset(route.strip() for route in routes if route.strip()),
            seed=self.number("CHAOS_SEED", int, 0, -(2**63), 2**63),
            crash_after_seconds=self.number("CHAOS_CRASH_AFTER_SECONDS", float, 0.0, 0, 86_400),
            start_seconds=self.number("CHAOS_START_SECONDS", float, 0.0, 0, 86_400),
            leak_kib=self.number("CHAOS_LEAK_KIB", float, 0.0, 0, 1_048_576),
            busy_seconds=self.number("CHAOS_BUSY_MS", float, 0.0, 0, 60_000) / 1000,
            errors_above_per_second=self.number("CHAOS_ERRORS_ABOVE_PER_SECOND", float, 0.0, 0, 1_000_000),
        )
