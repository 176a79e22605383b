# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The conditions of a listener rule as ELB takes and answers them. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .elbv2_states import Conditions

# Field of a condition: where ELB holds its values.
_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "source-ip": "SourceIpConfig",
    "query-string": "QueryStringConfig",
}


def written(conditions: Conditions) -> list[dict[str, Any]]:
    """The conditions as CreateRule and ModifyRule take them."""
    found: list[dict[str, Any]] = []
    for field, values in (
        ("host-header", conditions.hosts),
        ("path-pattern", conditions.paths),
        ("source-ip", conditions.source_ips),
    ):
        if values:
            found.append({"Field": field, _CONFIGS[field]: {"Values": list(values)}})
    for name, values in conditions.headers:
        config = {"HttpHeaderName": name, "Values": list(values)}
        found.append({"Field": "http-header", "HttpHeaderConfig": config})
    if conditions.query:
        pairs = [{**({"Key": key} if key else {}), "Value": value} for key, value in conditions.query]
        found.append({"Field": "query-string", "QueryStringConfig": {"Values": pairs}})
    return found


def read(fields: Sequence[Mapping[str, Any]]) -> Conditions:
    """The conditions of a rule that ELB answered."""
    others = [_unknown(condition) for condition in fields]
    if sum(condition["Field"] == "query-string" for condition in fields) > 1:
        others.append("several query-string conditions")
    headers = [condition["HttpHeaderConfig"] for condition in fields if condition["Field"] == "http-header"]
    query = [
        (pair.get("Key") or "", pair["Value"])
        for condition in fields
        if condition["Field"] == "query-string"
        for pair in condition["QueryStringConfig"].get("Values") or []
    ]
    return Conditions(
        hosts=_values(fields, "host-header"),
        paths=_values(fields, "path-pattern"),
        headers=tuple(
            sorted((header["HttpHeaderName"].lower(), tuple(sorted(header.get("Values") or []))) for header in headers)
        ),
        source_ips=_values(fields, "source-ip"),
        query=tuple(sorted(query)),
        others=tuple(sorted(filter(None, others))),
    )


def _unknown(condition: Mapping[str, Any]) -> str:
    """What the collection never writes, and cannot compare requests with; empty for all else."""
    field = condition["Field"]
    if field not in _CONFIGS:
        return str(field)
    return f"{field} by regular expression" if condition.get(_CONFIGS[field], {}).get("RegexValues") else ""


def _values(fields: Sequence[Mapping[str, Any]], field: str) -> tuple[str, ...]:
    found = [condition for condition in fields if condition["Field"] == field]
    return tuple(
        sorted(
            value
            for condition in found
            for value in condition.get(_CONFIGS[field], {}).get("Values") or condition.get("Values", [])
        )
    )
