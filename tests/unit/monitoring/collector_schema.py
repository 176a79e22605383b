"""What the collector's documentation allows in each component that we configure: fields, types, values.

Of the README of each component in the repositories open-telemetry/opentelemetry-collector and -contrib; of scrape configurations,
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config. The collector refuses to start on any other field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_DURATION = re.compile(r"\d+(ms|s|m|h)")
_ADDRESS = re.compile(r"[\w.-]+:\d{2,5}")
_HTTP = {"endpoint": _ADDRESS, "traces_url_path": str, "metrics_url_path": str, "logs_url_path": str}
_AWS = {
    "num_workers": int, "endpoint": str, "request_timeout_seconds": int, "max_retries": int, "no_verify_ssl": bool,
    "proxy_address": str, "region": str, "local_mode": bool, "resource_arn": str, "role_arn": str,
}  # fmt: skip
_SCRAPE = {
    "job_name": str, "scrape_interval": _DURATION, "scrape_timeout": _DURATION, "metrics_path": re.compile("/.*"),
    "scheme": {"http", "https"}, "static_configs": [{"targets": [_ADDRESS], "labels": {...: str}}],
}  # fmt: skip
COMPONENTS: Mapping[str, Mapping[str, Any]] = {
    "extensions": {
        "sigv4auth": {
            "region": str, "service": str,
            "assume_role": {"arn": str, "session_name": str, "sts_region": str, "external_id": str},
        },
        "health_check": {"endpoint": _ADDRESS, "path": str, "response_body": {"healthy": str, "unhealthy": str}},
        "awsproxy": {
            "endpoint": _ADDRESS, "proxy_address": str, "region": str, "role_arn": str, "aws_endpoint": str,
            "local_mode": bool, "service_name": str, "tls": {"insecure": bool, "server_name_override": str},
        },
    },
    "receivers": {
        "prometheus": {"config": {"scrape_configs": [_SCRAPE]}},
        "otlp": {"protocols": {"http": _HTTP, "grpc": {"endpoint": _ADDRESS}}},
    },
    "processors": {
        "memory_limiter": {
            "check_interval": _DURATION, "limit_mib": int, "spike_limit_mib": int, "limit_percentage": range(1, 101),
            "spike_limit_percentage": range(1, 101),
        },
        "resourcedetection": {
            "detectors": [{"env", "ec2", "ecs", "eks", "system", "docker"}], "override": bool, "timeout": _DURATION,
        },
        "attributes": {
            "actions": [
                {
                    "key": str, "value": (str, int, float, bool), "from_attribute": str, "pattern": str,
                    "action": {"insert", "update", "upsert", "delete", "hash", "extract", "convert"},
                }
            ],
        },
        "cumulativetodelta": {
            "include": {"metrics": [str], "match_type": {"strict", "regexp"}},
            "exclude": {"metrics": [str], "match_type": {"strict", "regexp"}},
            "max_staleness": _DURATION, "initial_value": {"auto", "keep", "drop"},
        },
        "batch": {"send_batch_size": int, "send_batch_max_size": int, "timeout": _DURATION},
    },
    "exporters": {
        "prometheusremotewrite": {
            "endpoint": re.compile(r"https://\S+"), "namespace": str, "external_labels": {...: str}, "headers": {...: str},
            "auth": {"authenticator": str}, "add_metric_suffixes": bool, "send_metadata": bool, "timeout": _DURATION,
            "resource_to_telemetry_conversion": {"enabled": bool}, "target_info": {"enabled": bool},
            "max_batch_size_bytes": int,
        },
        "awsemf": {
            **_AWS, "log_group_name": str, "log_stream_name": str, "log_retention": int, "namespace": str,
            "dimension_rollup_option": {"ZeroAndSingleDimensionRollup", "SingleDimensionRollupOnly", "NoDimensionRollup"},
            "resource_to_telemetry_conversion": {"enabled": bool},
            "metric_declarations": [
                {
                    "dimensions": [[str]], "metric_name_selectors": [str],
                    "label_matchers": [{"label_names": [str], "separator": str, "regex": str}],
                }
            ],
        },
        "awsxray": {
            **_AWS, "indexed_attributes": [str], "index_all_attributes": bool, "aws_log_groups": [str],
            "telemetry": {
                "enabled": bool, "include_metadata": bool, "contributors": [str], "hostname": str, "instance_id": str,
                "resource_arn": str,
            },
        },
    },
}  # fmt: skip
SERVICE = {
    "extensions": [str],
    "pipelines": {
        name: {"receivers": [str], "processors": [str], "exporters": [str]}
        for name in ("metrics", "metrics/prometheus", "traces", "logs")
    },
}


def wrong(value: Any, allowed: Any, place: str = "") -> Iterator[str]:
    """What of a value the documentation does not know, by its place."""
    if isinstance(allowed, Mapping):
        if not isinstance(value, Mapping):
            yield f"{place} is no mapping: {value!r}"
            return
        for key, inner in value.items():
            known = allowed.get(key, allowed.get(...))
            if known is None:
                yield f"{place}.{key} is no field"
            else:
                yield from wrong(inner, known, f"{place}.{key}")
    elif isinstance(allowed, list):
        if not isinstance(value, list):
            yield f"{place} is no list: {value!r}"
            return
        for number, inner in enumerate(value):
            yield from wrong(inner, allowed[0], f"{place}[{number}]")
    elif isinstance(allowed, re.Pattern):
        if not isinstance(value, str) or not allowed.fullmatch(value):
            yield f"{place} is {value!r}, not of the form {allowed.pattern}"
    elif isinstance(allowed, (set, range)):
        if isinstance(value, bool) or value not in allowed:
            yield f"{place} is {value!r}, none of {allowed}"
    elif not isinstance(value, allowed) or (isinstance(value, bool) and allowed in (int, float)):
        yield f"{place} is {value!r}, of another type"


def findings(configuration: Mapping[str, Any]) -> list[str]:
    """Everything in a configuration that the collector would refuse."""
    sections = {**COMPONENTS, "service": SERVICE}
    return list(wrong(configuration, sections, "configuration"))
