"""The configuration that the real collector would get, read strictly: what is not understood here ends the process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class NotUnderstood(Exception):
    """The configuration asks for something that only the real collector does, or nobody."""


@dataclass(frozen=True)
class Declaration:
    """Metrics whose name matches get these sets of dimensions."""

    dimensions: tuple[tuple[str, ...], ...]
    selectors: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Scrape:
    url: str
    every_seconds: float


@dataclass(frozen=True)
class Emf:
    region: str
    namespace: str
    log_group: str
    log_stream: str
    declarations: tuple[Declaration, ...]


@dataclass(frozen=True)
class Xray:
    region: str
    indexed: frozenset[str]
    log_groups: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What the configuration comes to."""

    health: tuple[str, int]
    otlp: tuple[str, int]
    scrape: Scrape
    labels: Mapping[str, str]
    emf: Emf
    xray: Xray


_METRICS = {
    "receivers": ["prometheus", "otlp"],
    "processors": ["memory_limiter", "resourcedetection", "attributes", "cumulativetodelta", "batch"],
    "exporters": ["awsemf"],
}
_TRACES = {
    "receivers": ["otlp"],
    "processors": ["memory_limiter", "resourcedetection", "batch"],
    "exporters": ["awsxray"],
}


def read(content: str) -> Plan:
    """Read AOT_CONFIG_CONTENT, in which `$$` is a dollar and `${NAME}` a variable. Raises NotUnderstood."""
    if re.search(r"(?<!\$)(\$\$)*\$(?!\$)", content):
        raise NotUnderstood("variables (${NAME}) are not replaced here: write $$ for a dollar")
    try:
        config = json.loads(content.replace("$$", "$"))
    except ValueError as wrong:
        raise NotUnderstood(f"it is no JSON, which is the only YAML that is read here: {wrong}") from wrong
    _only(config, "", ("extensions", "receivers", "processors", "exporters", "service"))
    _only(config["extensions"], "extensions", ("health_check",))
    receivers, exporters = config["receivers"], config["exporters"]
    _only(receivers, "receivers", ("prometheus", "otlp"))
    _only(exporters, "exporters", ("awsemf", "awsxray"))
    _same(config["service"]["pipelines"], "service.pipelines", {"metrics": _METRICS, "traces": _TRACES})
    return Plan(
        health=_address(config["extensions"]["health_check"]["endpoint"]),
        otlp=_address(_otlp(receivers["otlp"])),
        scrape=_scrape(receivers["prometheus"]),
        labels=_labels(config["processors"]),
        emf=_emf(exporters["awsemf"]),
        xray=_xray(exporters["awsxray"]),
    )


def _otlp(receiver: Mapping[str, Any]) -> str:
    _only(receiver, "receivers.otlp", ("protocols",))
    _only(receiver["protocols"], "receivers.otlp.protocols", ("http",))
    _only(receiver["protocols"]["http"], "receivers.otlp.protocols.http", ("endpoint",))
    return str(receiver["protocols"]["http"]["endpoint"])


def _scrape(receiver: Mapping[str, Any]) -> Scrape:
    where = "receivers.prometheus.config.scrape_configs"
    jobs = receiver["config"]["scrape_configs"]
    if len(jobs) != 1 or len(jobs[0]["static_configs"]) != 1 or len(jobs[0]["static_configs"][0]["targets"]) != 1:
        raise NotUnderstood(f"{where}: one job with one target is what is scraped here")
    _only(jobs[0], where, ("job_name", "scrape_interval", "metrics_path", "static_configs"))
    every = re.fullmatch(r"(\d+)s", jobs[0]["scrape_interval"])
    if every is None:
        raise NotUnderstood(f"{where}.scrape_interval: {jobs[0]['scrape_interval']!r} is not a number of seconds")
    (target,) = jobs[0]["static_configs"][0]["targets"]
    return Scrape(f"http://{target}{jobs[0]['metrics_path']}", float(every[1]))


def _labels(processors: Mapping[str, Any]) -> dict[str, str]:
    names = ("memory_limiter", "resourcedetection", "attributes", "cumulativetodelta", "batch")
    _only(processors, "processors", names)
    # The limits of memory and batches have no counterpart here; these two have one, and it is this:
    _same(processors["resourcedetection"], "processors.resourcedetection", {"detectors": ["env", "ecs"]})
    _same(processors["cumulativetodelta"], "processors.cumulativetodelta", {"initial_value": "keep"})
    for action in processors["attributes"]["actions"]:
        _only(action, "processors.attributes.actions", ("key", "value", "action"))
        _same(action["action"], "processors.attributes.actions.action", "upsert")
    return {action["key"]: str(action["value"]) for action in processors["attributes"]["actions"]}


def _emf(exporter: Mapping[str, Any]) -> Emf:
    where = "exporters.awsemf"
    names = ("region", "namespace", "log_group_name", "log_stream_name", "metric_declarations")
    _only(exporter, where, (*names, "dimension_rollup_option", "resource_to_telemetry_conversion"))
    _same(exporter["dimension_rollup_option"], f"{where}.dimension_rollup_option", "NoDimensionRollup")
    _same(exporter["resource_to_telemetry_conversion"], f"{where}.resource_to_telemetry_conversion", {"enabled": False})
    declarations = []
    for metric_declaration in exporter["metric_declarations"]:
        _only(metric_declaration, f"{where}.metric_declarations", ("dimensions", "metric_name_selectors"))
        selectors = tuple(re.compile(text) for text in metric_declaration["metric_name_selectors"])
        declarations.append(Declaration(tuple(map(tuple, metric_declaration["dimensions"])), selectors))
    if not declarations:
        raise NotUnderstood(f"{where}.metric_declarations: without one, each label would be a dimension")
    return Emf(
        region=exporter["region"],
        namespace=exporter["namespace"],
        log_group=exporter["log_group_name"],
        log_stream=exporter["log_stream_name"],
        declarations=tuple(declarations),
    )


def _xray(exporter: Mapping[str, Any]) -> Xray:
    _only(exporter, "exporters.awsxray", ("region", "indexed_attributes", "aws_log_groups", "telemetry"))
    return Xray(exporter["region"], frozenset(exporter["indexed_attributes"]), tuple(exporter["aws_log_groups"]))


def _only(section: Mapping[str, Any], where: str, known: Iterable[str]) -> None:
    """Each of these keys and no other."""
    strange = sorted(set(section) - set(known))
    missing = sorted(set(known) - set(section))
    if strange or missing:
        raise NotUnderstood(f"{where or 'the top'}: not known here: {strange}; missing: {missing}")


def _same(found: Any, where: str, expected: Any) -> None:
    if found != expected:
        raise NotUnderstood(f"{where} is {json.dumps(found)}; what is done here is {json.dumps(expected)}")


def _address(endpoint: str) -> tuple[str, int]:
    host, _, port = endpoint.rpartition(":")
    return host, int(port)
