# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OpenTelemetry collector beside an app: its container, its configuration, what it may do on AWS. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.arns import ArnScope

NAME = "collector"
OTLP_PORT = 4318
SAMPLING_PORT = 2000
# AWS's image holds a program that asks this port on this address.
_HEALTH_PORT = 13133
# Said as CMD: a list of one word would be a line for a shell, which that image does not have.
_HEALTH_COMMAND = ["CMD", "/healthcheck"]
# Containers of a task share one network namespace in awsvpc mode, so nothing here is open to other hosts.
_LOOPBACK = "127.0.0.1"
DIMENSION = "service"
_WORKSPACE = re.compile(
    r"arn:(?P<partition>[\w-]+):aps:(?P<region>[a-z\d-]+):\d{12}:workspace/(?P<id>ws-[a-z\d-]+)", re.ASCII
)
_MEMORY_MIB = 192


@dataclass(frozen=True)
class Watched:
    """The service that a collector stands beside."""

    environment: str
    service: str
    region: str
    log_group: str
    port: int


def configuration(settings: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    """Metrics scraped and received go to CloudWatch as EMF, traces to X-Ray; with a workspace, what is scraped goes to Prometheus too."""
    extensions: dict[str, Any] = {"health_check": {"endpoint": f"{_LOOPBACK}:{_HEALTH_PORT}"}}
    if settings.get("remote_sampling"):
        extensions["awsproxy"] = {"endpoint": f"{_LOOPBACK}:{SAMPLING_PORT}", "region": watched.region}
    exporters = {"awsemf": _emf(settings, watched), "awsxray": _xray(settings, watched)}
    pipelines = {
        "metrics": {
            "receivers": ["prometheus", "otlp"],
            "processors": ["memory_limiter", "resourcedetection", "attributes", "cumulativetodelta", "batch"],
            "exporters": ["awsemf"],
        },
        "traces": {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "resourcedetection", "batch"],
            "exporters": ["awsxray"],
        },
    }
    if arn := settings.get("prometheus_workspace_arn"):
        workspace = _workspace(arn)
        extensions["sigv4auth"] = {"region": workspace["region"], "service": "aps"}
        exporters["prometheusremotewrite"] = _remote_write(workspace)
        # Remote write takes totals since the start, as the app shows them to whoever scrapes it; what it sends over OTLP are increases.
        pipelines["metrics/prometheus"] = {
            "receivers": ["prometheus"],
            "processors": ["memory_limiter", "resourcedetection", "attributes", "batch"],
            "exporters": ["prometheusremotewrite"],
        }
    return {
        "extensions": extensions,
        "receivers": {
            "prometheus": {"config": {"scrape_configs": [_scrape(settings, watched)]}},
            "otlp": {"protocols": {"http": {"endpoint": f"{_LOOPBACK}:{OTLP_PORT}"}}},
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
            # Knows the task's id, which names the log stream.
            "resourcedetection": {"detectors": ["env", "ecs"]},
            # EMF takes no metric without a dimension, and what every task says must add up to one metric.
            "attributes": {"actions": [{"key": DIMENSION, "value": watched.service, "action": "upsert"}]},
            # The exporter would send a histogram's whole past with each reading. The collector starts with the app: what it
            # reads first has happened since, and the first failure of a route must not get lost.
            "cumulativetodelta": {"initial_value": "keep"},
            "batch": {},
        },
        "exporters": exporters,
        "service": {"extensions": sorted(extensions), "pipelines": pipelines},
    }


def _workspace(arn: str) -> dict[str, str]:
    """The parts of a workspace's ARN. ValueError where it is none."""
    found = _WORKSPACE.fullmatch(arn)
    if found is None:
        raise ValueError(
            f"service_collector.prometheus_workspace_arn is {arn!r}, which is no ARN of a workspace; valid: as in "
            "arn:aws:aps:eu-central-1:123456789012:workspace/ws-12345678-1234-1234-1234-123456789012"
        )
    return found.groupdict()


def _remote_write(workspace: Mapping[str, str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-onboard-ingest-metrics-OpenTelemetry-ECS.html"""
    suffix = "amazonaws.com.cn" if workspace["partition"] == "aws-cn" else "amazonaws.com"
    return {
        "endpoint": f"https://aps-workspaces.{workspace['region']}.{suffix}/workspaces/{workspace['id']}/api/v1/remote_write",
        "auth": {"authenticator": "sigv4auth"},
        # All tasks are scraped at the same address: the task's ARN, which is a resource attribute, tells their series apart.
        "resource_to_telemetry_conversion": {"enabled": True},
    }


def _scrape(settings: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    return {
        "job_name": watched.service,
        "scrape_interval": f"{settings.get('scrape_interval_seconds') or 60}s",
        "metrics_path": settings.get("metrics_path") or "/metrics",
        "static_configs": [{"targets": [f"{_LOOPBACK}:{settings.get('metrics_port') or watched.port}"]}],
    }


def _emf(settings: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    """Without a declaration each label would be a dimension, and each of its values a metric that is paid for."""
    sets = [[DIMENSION], *([DIMENSION, *labels] for labels in settings.get("dimensions") or [])]
    return {
        "region": watched.region,
        "namespace": namespace(settings, watched),
        # The service's own group, which exists with its retention: the collector need not create one.
        "log_group_name": watched.log_group,
        "log_stream_name": f"{NAME}/emf/{{TaskId}}",
        "dimension_rollup_option": "NoDimensionRollup",
        "resource_to_telemetry_conversion": {"enabled": False},
        "metric_declarations": [{"dimensions": sets, "metric_name_selectors": settings.get("metrics") or [".*"]}],
    }


def _xray(settings: Mapping[str, Any], watched: Watched) -> dict[str, Any]:
    indexed = settings.get("indexed_attributes")
    return {
        "region": watched.region,
        # An annotation can be searched for: this is the way from a line in the log to its trace.
        "indexed_attributes": ["request_id"] if indexed is None else list(indexed),
        # And this is the way back: the console shows a trace with its lines.
        "aws_log_groups": [watched.log_group],
        "telemetry": {"enabled": True},
    }


def namespace(settings: Mapping[str, Any], watched: Watched) -> str:
    """Return the CloudWatch namespace of the app's metrics."""
    return str(settings.get("namespace") or f"{watched.environment}/{watched.service}")


def findings(
    settings: Mapping[str, Any], port: int, beside: Sequence[str] = (), task_memory: int | None = None
) -> Iterator[str]:
    """Return a sentence for each thing that is wrong with service_collector, for a service with these other containers."""
    if not settings.get("enabled"):
        return
    if not settings.get("image"):
        yield (
            "service_collector is enabled without an image; set service_collector.image to one of AWS's public images of"
            " the OpenTelemetry collector, by digest or by the tag of a version"
        )
    if NAME in beside:
        yield (
            f"service_sidecars has a container named {NAME!r}, which is the name that service_collector's has; rename"
            " the sidecar, or do without service_collector"
        )
    taken = {OTLP_PORT, _HEALTH_PORT} | ({SAMPLING_PORT} if settings.get("remote_sampling") else set())
    if port in taken:
        yield f"service_port is {port}, which the collector listens on in the same task; valid: any other than {sorted(taken)}"
    memory = settings.get("memory_mib") or _MEMORY_MIB
    if task_memory is not None and memory >= task_memory:
        yield f"service_collector.memory_mib is {memory} of service_memory {task_memory}; the app needs some of it"
    for labels in settings.get("dimensions") or []:
        if (
            not isinstance(labels, Sequence)
            or isinstance(labels, str)
            or not all(isinstance(label, str) for label in labels)
        ):
            yield f"service_collector.dimensions has {labels!r}; valid: lists of labels, as in [[route], [route, status]]"
    if arn := settings.get("prometheus_workspace_arn"):
        try:
            _workspace(arn)
        except ValueError as wrong:
            yield str(wrong)
    for pattern in settings.get("metrics") or []:
        try:
            re.compile(pattern)
        except re.error as wrong:
            yield f"service_collector.metrics has {pattern!r}, which is no regular expression: {wrong}"


def containers(settings: Mapping[str, Any], watched: Watched, beside: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the collector's container, or none where it is not enabled. ValueError says what is wrong with it."""
    if not settings.get("enabled"):
        return []
    if found := list(findings(settings, watched.port, beside)):
        raise ValueError("; ".join(found))
    return [
        {
            "name": NAME,
            "image": settings["image"],
            # Not essential: the service keeps running if the collector stops.
            "essential": bool(settings.get("essential")),
            "memory": settings.get("memory_mib") or _MEMORY_MIB,
            "environment": {"AOT_CONFIG_CONTENT": _content(settings, watched)},
            "health_check": {
                "command": settings.get("health_command") or _HEALTH_COMMAND,
                "interval_seconds": 10,
                "start_period_seconds": 10,
            },
        }
    ]


def _content(settings: Mapping[str, Any], watched: Watched) -> str:
    """The configuration as text; the collector reads ${NAME} as a variable, and nothing here is one."""
    text = json.dumps(configuration(settings, watched), sort_keys=True, separators=(",", ":"))
    return text.replace("$", "$$")


def dependencies(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what the app waits for. Only for the start: a collector that is ill must not keep an app from serving.

    ECS stops containers in reverse order, so the collector is there for the app's last spans.
    """
    return [{"container": NAME, "condition": "START"}] if settings.get("enabled") else []


def app_environment(settings: Mapping[str, Any], service: str) -> dict[str, str]:
    """Return what tells the app where its telemetry goes and who it is."""
    if not settings.get("enabled"):
        return {}
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{_LOOPBACK}:{OTLP_PORT}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        # CloudWatch has percentiles only of histograms that arrive with values and counts, which the collector makes of exponential
        # ones; what happened since the last message is what EMF wants.
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        "OTEL_SERVICE_NAME": service,
    }
    if settings.get("remote_sampling"):
        variables["OTEL_TRACES_SAMPLER"] = "xray"
        variables["OTEL_TRACES_SAMPLER_ARG"] = f"endpoint=http://{_LOOPBACK}:{SAMPLING_PORT}"
    return variables


def statements(settings: Mapping[str, Any], place: ArnScope, log_group: str) -> list[dict[str, Any]]:
    """Return what the task role must allow for the collector."""
    if not settings.get("enabled"):
        return []
    group = place.arn("logs", f"log-group:{log_group}")
    traces = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    if settings.get("remote_sampling"):
        traces += ["xray:GetSamplingRules", "xray:GetSamplingTargets"]
    workspace = settings.get("prometheus_workspace_arn")
    prometheus = [_allow("CollectorPrometheus", ["aps:RemoteWrite"], workspace)] if workspace else []
    return [
        *prometheus,
        _allow("CollectorMetrics", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{group}:*"),
        # None of these actions knows a resource.
        _allow("CollectorTraces", sorted(traces), "*"),
    ]


def _allow(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [resource]}
