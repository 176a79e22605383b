"""The collector beside an app: configured for its service, allowed no more than it does, absent unless wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils import collector
from ansible_collections.pear.fargate.plugins.module_utils.policies import Place

ON = {"enabled": True, "image": "collector@sha256:1"}
SERVICE: dict[str, Any] = {
    "region": "eu-central-1",
    "service": "scores",
    "environment": "staging",
    "log_group": "/staging/scores",
    "port": 8080,
}


def test_nothing_is_added_where_it_is_off() -> None:
    assert collector.containers({}, **SERVICE) == []
    assert collector.app_environment({"enabled": False}) == {}
    assert collector.statements({}, Place("eu-central-1", "123456789012"), "/staging/scores") == []


def test_it_scrapes_the_app_and_ends_without_ending_the_task() -> None:
    (container,) = collector.containers(ON, **SERVICE)
    assert container["essential"] is False
    said = json.loads(container["environment"]["AOT_CONFIG_CONTENT"])
    (scrape,) = said["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:8080"]}]
    assert said["exporters"]["awsemf"]["log_group_name"] == "/staging/scores"


def test_every_part_of_a_pipeline_is_configured() -> None:
    said = collector.configuration(ON, **SERVICE)
    for pipeline in said["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(said[kind])


def test_the_app_sends_to_the_port_that_the_collector_listens_on() -> None:
    listens = collector.configuration(ON, **SERVICE)["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert collector.app_environment(ON)["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{listens}"


def test_it_may_write_only_the_services_own_log_group() -> None:
    logs, _traces = collector.statements(ON, Place("eu-central-1", "123456789012"), "/staging/scores")
    assert logs["Resource"] == ["arn:aws:logs:eu-central-1:123456789012:log-group:/staging/scores:*"]


def test_it_is_refused_without_an_image() -> None:
    with pytest.raises(ValueError, match=r"service_collector\.image"):
        collector.containers({"enabled": True}, **SERVICE)
