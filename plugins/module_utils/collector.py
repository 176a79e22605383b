# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OpenTelemetry collector beside an app: its container, its configuration, what it may do on AWS. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .policies import Place

NAME = "collector"
OTLP_PORT = 4318
# Containers of a task share one network namespace in awsvpc mode, so nothing here is open to other hosts.
_LOOPBACK = "127.0.0.1"


def configuration(
    settings: Mapping[str, Any], region: str, service: str, environment: str, log_group: str, port: int
) -> dict[str, Any]:
    """Metrics scraped and received go to CloudWatch as EMF, traces to X-Ray."""
    scrape = {
        "job_name": service,
        "scrape_interval": f"{settings.get('scrape_interval_seconds') or 60}s",
        "metrics_path": settings.get("metrics_path") or "/metrics",
        "static_configs": [{"targets": [f"{_LOOPBACK}:{port}"]}],
    }
    emf = {
        "region": region,
        "namespace": settings.get("namespace") or f"{environment}/{service}",
        # The service's own group, which exists with its retention: the collector need not create one.
        "log_group_name": log_group,
        "log_stream_name": f"{NAME}/emf/{{TaskId}}",
        "dimension_rollup_option": "NoDimensionRollup",
        "resource_to_telemetry_conversion": {"enabled": False},
    }
    return {
        "receivers": {
            "prometheus": {"config": {"scrape_configs": [scrape]}},
            "otlp": {"protocols": {"http": {"endpoint": f"{_LOOPBACK}:{OTLP_PORT}"}}},
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
            # Knows the task's id, which names the log stream.
            "resourcedetection": {"detectors": ["env", "ecs"]},
            "batch": {},
        },
        "exporters": {"awsemf": emf, "awsxray": {"region": region}},
        "service": {
            "pipelines": {
                "metrics": _pipeline(["prometheus", "otlp"], "awsemf"),
                "traces": _pipeline(["otlp"], "awsxray"),
            }
        },
    }


def _pipeline(receivers: list[str], exporter: str) -> dict[str, Any]:
    return {
        "receivers": receivers,
        "processors": ["memory_limiter", "resourcedetection", "batch"],
        "exporters": [exporter],
    }


def containers(settings: Mapping[str, Any], **of_service: Any) -> list[dict[str, Any]]:
    """Return the collector's container, or none where it is not enabled."""
    if not settings.get("enabled"):
        return []
    if not settings.get("image"):
        raise ValueError(
            "service_collector is enabled without an image: set service_collector.image to one of AWS's public"
            " images of the OpenTelemetry collector, by digest or by the tag of a version."
        )
    content = json.dumps(configuration(settings, **of_service), sort_keys=True, separators=(",", ":"))
    return [
        {
            "name": NAME,
            "image": settings["image"],
            # A service goes on serving while nobody watches it.
            "essential": False,
            "memory_reservation": settings.get("memory_mib") or 64,
            "environment": {"AOT_CONFIG_CONTENT": content},
        }
    ]


def app_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return where the app sends its telemetry."""
    if not settings.get("enabled"):
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{_LOOPBACK}:{OTLP_PORT}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }


def statements(settings: Mapping[str, Any], place: Place, log_group: str) -> list[dict[str, Any]]:
    """Return what the task role must allow for the collector."""
    if not settings.get("enabled"):
        return []
    group = place.arn("logs", f"log-group:{log_group}")
    return [
        {
            "Sid": "CollectorMetrics",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"{group}:*"],
        },
        # Neither action knows a resource.
        {
            "Sid": "CollectorTraces",
            "Effect": "Allow",
            "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            "Resource": ["*"],
        },
    ]
