# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Route 53 health check: its desired configuration, what can be changed, and which check belongs to the service. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.naming import HealthCheckNames, fit

# Route 53 cannot change these: a check that differs in them is replaced.
_FIXED = ("Type", "RequestInterval", "MeasureLatency")
_REFERENCE_LIMIT = 64


@dataclass(frozen=True)
class HealthCheckPlan:
    """Plan for the health check of a service: keep, change, replace, or remove."""

    keep: str | None = None
    update: Mapping[str, Any] | None = None
    create: Mapping[str, Any] | None = None
    # Removed last: a record must not name a health check that is gone.
    remove: Sequence[str] = ()
    before: Mapping[str, Any] | None = None


def config(options: Mapping[str, Any]) -> dict[str, Any]:
    """HealthCheckConfig of the module's option."""
    searched = options.get("search_string")
    kind = options["protocol"] + ("_STR_MATCH" if searched else "")
    desired: dict[str, Any] = {
        "Type": kind,
        "FullyQualifiedDomainName": options["host"],
        "Port": options["port"],
        "ResourcePath": options["path"],
        "RequestInterval": options["interval_seconds"],
        "FailureThreshold": options["failure_threshold"],
        "MeasureLatency": options["measure_latency"],
        "Inverted": False,
        "Disabled": False,
    }
    if searched:
        desired["SearchString"] = searched
    if options["protocol"] == "HTTPS":
        # The load balancer chooses the certificate by this name.
        desired["EnableSNI"] = True
    if options.get("regions"):
        desired["Regions"] = sorted(options["regions"])
    return desired


def plan(found: Sequence[Mapping[str, Any]], desired: Mapping[str, Any] | None) -> HealthCheckPlan:
    """Compare the service's health checks, found by reference, with the desired one or none."""
    if desired is None:
        return HealthCheckPlan(remove=[check["Id"] for check in found])
    fitting = [check for check in found if not _differing(check, desired, _FIXED)]
    if not fitting:
        before = _known(found[0], desired) if found else None
        return HealthCheckPlan(create=desired, remove=[check["Id"] for check in found], before=before)
    kept = fitting[0]
    differing = _differing(kept, desired, tuple(key for key in desired if key not in _FIXED))
    return HealthCheckPlan(
        keep=kept["Id"],
        update={key: desired[key] for key in differing} or None,
        remove=[check["Id"] for check in found if check is not kept],
        before={key: kept["HealthCheckConfig"].get(key) for key in differing} or None,
    )


def _differing(found: Mapping[str, Any], desired: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    current = _known(found, desired)
    return [key for key in keys if key in desired and current[key] != desired[key]]


def _known(found: Mapping[str, Any], desired: Mapping[str, Any]) -> dict[str, Any]:
    current = {key: found["HealthCheckConfig"].get(key) for key in desired}
    for key in ("MeasureLatency", "Inverted", "Disabled"):
        current[key] = bool(current[key])
    if "Regions" in current:
        current["Regions"] = sorted(current["Regions"] or [])
    return current


def reference_prefix(names: HealthCheckNames, service: str) -> str:
    """Prefix of the caller references of a service's checks; the trailing colon separates services whose names begin alike."""
    return fit(names.reference_prefix + service, _REFERENCE_LIMIT - 12) + ":"


def reference(names: HealthCheckNames, service: str, now: float) -> str:
    """A unique caller reference: Route 53 never accepts one twice, even after a deletion."""
    return f"{reference_prefix(names, service)}{int(now):x}"
