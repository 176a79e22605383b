"""The collector beside an app: configured for its service, allowed no more than it does, absent unless wanted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pear.fargate.plugins.filter import collector as filters
from ansible_collections.pear.fargate.plugins.module_utils.aws import task_definition
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import collector
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.collector import Watched

from . import collector_schema

ON: dict[str, Any] = {"enabled": True, "image": "collector@sha256:1"}
SCORES = Watched("staging", "scores", "eu-central-1", "/pear/staging/scores", 8080)
PLACE = ArnScope("eu-central-1", "123456789012")


def said(**settings: Any) -> dict[str, Any]:
    """The configuration that the container is given."""
    (container,) = collector.containers({**ON, **settings}, SCORES)
    found: dict[str, Any] = json.loads(container["environment"]["AOT_CONFIG_CONTENT"].replace("$$", "$"))
    return found


def test_nothing_is_added_where_it_is_off() -> None:
    assert collector.containers({}, SCORES) == []
    assert collector.app_environment({"enabled": False}, "scores") == {}
    assert collector.dependencies({}) == []
    assert collector.statements({}, PLACE, SCORES.log_group) == []
    assert filters.collector_environment({}, "scores", {"A": "b"}, {}) == {"A": "b"}


def test_a_service_without_it_keeps_its_task_definition() -> None:
    app = {"name": "app", "image": "app@sha256:2", "environment": {"A": "b"}}
    place = {"family": "staging-scores", "cpu": 256, "memory": 512, "log_group": "/pear", "region": "eu-central-1"}
    before = task_definition.register_request({**place, "containers": [app]})
    role = {**app, "depends_on": collector.dependencies({})}
    assert (
        task_definition.register_request({**place, "containers": [role, *collector.containers({}, SCORES)]}) == before
    )


def test_it_scrapes_the_app_and_writes_to_the_services_own_log_group() -> None:
    (scrape,) = said()["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:8080"]}]
    assert said()["exporters"]["awsemf"]["log_group_name"] == "/pear/staging/scores"
    (scrape,) = said(metrics_port=9100, metrics_path="/m", scrape_interval_seconds=15)["receivers"]["prometheus"][
        "config"
    ]["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:9100"]}]
    assert (scrape["metrics_path"], scrape["scrape_interval"]) == ("/m", "15s")


@pytest.mark.parametrize("sampling", [False, True])
def test_every_part_of_a_pipeline_is_configured(sampling: bool) -> None:
    found = said(remote_sampling=sampling)
    for pipeline in found["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(found[kind])
    assert set(found["service"]["extensions"]) == set(found["extensions"])


WORKSPACE = "arn:aws:aps:eu-west-1:210987654321:workspace/ws-0a1b2c3d-1234-5678-9abc-0a1b2c3d4e5f"


def test_a_workspace_of_prometheus_gets_what_is_scraped_with_its_totals() -> None:
    found = said(prometheus_workspace_arn=WORKSPACE)
    assert collector_schema.findings(found) == []
    pipelines = found["service"]["pipelines"]
    assert pipelines["metrics"] == said()["service"]["pipelines"]["metrics"], "CloudWatch gets what it got"
    pipeline = pipelines["metrics/prometheus"]
    assert (pipeline["receivers"], pipeline["exporters"]) == (["prometheus"], ["prometheusremotewrite"])
    assert "cumulativetodelta" not in pipeline["processors"]
    exporter = found["exporters"]["prometheusremotewrite"]
    assert exporter["endpoint"] == (
        "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0a1b2c3d-1234-5678-9abc-0a1b2c3d4e5f/api/v1/remote_write"
    )
    assert found["extensions"][exporter["auth"]["authenticator"]] == {"region": "eu-west-1", "service": "aps"}
    assert exporter["resource_to_telemetry_conversion"]["enabled"], "tasks would write to one another's series"
    allowed = collector.statements({**ON, "prometheus_workspace_arn": WORKSPACE}, PLACE, SCORES.log_group)[0]
    assert (allowed["Action"], allowed["Resource"]) == (["aps:RemoteWrite"], [WORKSPACE])


def test_an_arn_of_something_else_is_no_workspace() -> None:
    other = "arn:aws:aps:eu-west-1:210987654321:rulegroupsnamespace/ws-1/rules"
    (finding,) = collector.findings({**ON, "prometheus_workspace_arn": other}, 8080)
    assert "service_collector.prometheus_workspace_arn is" in finding and "no ARN of a workspace" in finding


@pytest.mark.parametrize("settings", [{}, {"prometheus_workspace_arn": WORKSPACE, "remote_sampling": True}])
def test_only_components_of_a_pipeline_are_configured(settings: dict[str, Any]) -> None:
    found = said(**settings)
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in found["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == set(found[kind])


def test_only_the_labels_that_are_named_become_dimensions_beside_the_service() -> None:
    """Each value of each label would be a metric of its own."""
    (declared,) = said()["exporters"]["awsemf"]["metric_declarations"]
    assert declared == {"dimensions": [["service"]], "metric_name_selectors": [".*"]}
    (declared,) = said(dimensions=[["route"]], metrics=["^orders_"])["exporters"]["awsemf"]["metric_declarations"]
    assert declared == {"dimensions": [["service"], ["service", "route"]], "metric_name_selectors": ["^orders_"]}


def test_a_dollar_of_the_users_is_no_variable_of_the_collector() -> None:
    (container,) = collector.containers({**ON, "metrics": ["^orders_total$"]}, SCORES)
    assert "^orders_total$$" in container["environment"]["AOT_CONFIG_CONTENT"]


def test_the_app_sends_to_the_port_that_the_collector_listens_on() -> None:
    listens = said()["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert collector.app_environment(ON, "scores")["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{listens}"


def test_what_the_app_sets_itself_stays() -> None:
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://gateway:4318"}
    environment = filters.collector_environment(ON, "scores", own, {"OTEL_SERVICE_NAME": "arn:secret"})
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://gateway:4318"
    assert "OTEL_SERVICE_NAME" not in environment


def test_it_may_write_only_the_services_own_log_group() -> None:
    logs, traces = collector.statements(ON, PLACE, SCORES.log_group)
    assert logs["Resource"] == ["arn:aws:logs:eu-central-1:123456789012:log-group:/pear/staging/scores:*"]
    assert traces["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def test_it_may_read_sampling_rules_where_the_app_asks_for_them() -> None:
    sampling = {**ON, "remote_sampling": True}
    _logs, traces = collector.statements(sampling, PLACE, SCORES.log_group)
    assert {"xray:GetSamplingRules", "xray:GetSamplingTargets"} < set(traces["Action"])
    proxy = said(remote_sampling=True)["extensions"]["awsproxy"]["endpoint"]
    assert collector.app_environment(sampling, "scores")["OTEL_TRACES_SAMPLER_ARG"] == f"endpoint=http://{proxy}"


def test_it_is_refused_without_an_image_and_beside_a_container_of_its_name() -> None:
    place = {"environment": "staging", "region": "eu-central-1", "log_group": "/pear/staging/scores"}
    with pytest.raises(AnsibleFilterError, match=r"service_collector\.image"):
        filters.collector_containers({"enabled": True}, "scores", 8080, **place)
    with pytest.raises(AnsibleFilterError, match="rename the sidecar"):
        filters.collector_containers(ON, "scores", 8080, [{"name": "collector"}], **place)


def test_ecs_starts_it_first_and_goes_on_without_it() -> None:
    app = {"name": "app", "image": "app@sha256:2", "depends_on": collector.dependencies(ON)}
    request = task_definition.register_request(
        {
            "family": "staging-scores",
            "cpu": 256,
            "memory": 512,
            "log_group": SCORES.log_group,
            "region": SCORES.region,
            "containers": [app, *collector.containers(ON, SCORES)],
        }
    )
    first, second = request["containerDefinitions"]
    assert first["dependsOn"] == [{"containerName": "collector", "condition": "START"}]
    assert (second["essential"], second["memory"]) == (False, 192)
    assert second["healthCheck"]["command"] == ["CMD", "/healthcheck"]


def test_histograms_of_an_sdk_keep_their_percentiles() -> None:
    """awsemf makes values and counts of exponential histograms only, and CloudWatch adds up what it is sent."""
    environment = collector.app_environment(ON, "scores")
    assert (
        environment["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"] == "base2_exponential_bucket_histogram"
    )
    assert environment["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] == "delta"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="as it comes"),
        pytest.param(
            {
                "remote_sampling": True,
                "dimensions": [["route"], ["route", "status"]],
                "metrics": ["^http_.*"],
                "scrape_interval_seconds": 15,
                "metrics_path": "/internal/metrics",
                "metrics_port": 9100,
                "indexed_attributes": ["user_id"],
                "namespace": "own",
            },
            id="with every setting",
        ),
    ],
)
def test_the_collector_takes_every_field_that_is_written(settings: dict[str, Any]) -> None:
    configuration = said(**settings)
    assert collector_schema.findings(configuration) == []
    assert set(configuration) == {"extensions", "receivers", "processors", "exporters", "service"}


@pytest.mark.parametrize(
    ("section", "component", "field", "value"),
    [
        ("exporters", "awsemf", "log_group", "/pear/live/web"),
        ("exporters", "awsemf", "dimension_rollup_option", "None"),
        ("exporters", "awsxray", "indexed_attributes", "request_id"),
        ("processors", "memory_limiter", "check_interval", 1),
        ("processors", "memory_limiter", "limit_percentage", 180),
        ("extensions", "health_check", "endpoint", "127.0.0.1"),
    ],
)
def test_a_field_that_the_collector_does_not_know_is_noticed(
    section: str, component: str, field: str, value: Any
) -> None:
    configuration = said()
    configuration[section][component][field] = value
    assert len(collector_schema.findings(configuration)) >= 1
