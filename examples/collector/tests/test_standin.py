"""The stand-in understands what the collection tells the real collector, does as it does, and refuses the rest."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import collector
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from standin import aws, config, emf, exposition, spans

WATCHED = collector.Watched("staging", "scores", "eu-central-1", "/pear/staging/scores", 8080)
METRICS = """\
# HELP hits_total Requests.
# TYPE hits_total counter
hits_total{route="/a",said="\\"hi\\""} 3
# TYPE took histogram
took_bucket{route="/a",le="+Inf"} 3
took_sum{route="/a"} 1.5
took_count{route="/a"} 3
# TYPE depth gauge
depth 7
"""


def content(**settings: Any) -> str:
    (container,) = collector.containers({"enabled": True, "image": "i", **settings}, WATCHED)
    text: str = container["environment"]["AOT_CONFIG_CONTENT"]
    return text


def written(readings: list[exposition.Reading], **settings: Any) -> list[dict[str, Any]]:
    plan = config.read(content(**settings))
    return emf.events(readings, plan.labels, plan.emf.namespace, plan.emf.declarations, 60_000)


def test_it_reads_what_the_collection_writes() -> None:
    plan = config.read(content(metrics=["^hits_total$"], dimensions=[["route"]], scrape_interval_seconds=2))
    assert (plan.scrape.url, plan.scrape.every_seconds) == ("http://127.0.0.1:8080/metrics", 2.0)
    assert (plan.otlp, plan.health) == (("127.0.0.1", 4318), ("127.0.0.1", 13133))
    assert plan.emf.declarations[0].selectors[0].pattern == "^hits_total$"
    assert plan.xray.indexed == {"request_id"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda said: said["exporters"].update(kafka={}), "kafka", id="an exporter"),
        pytest.param(lambda said: said["processors"].update(tail_sampling={}), "tail_sampling", id="a processor"),
        pytest.param(
            lambda said: said["exporters"]["awsemf"].update(metric_declarations=[]), "label", id="no declaration"
        ),
        pytest.param(
            lambda said: said["service"]["pipelines"]["traces"].update(processors=[]), "pipelines", id="a pipeline"
        ),
    ],
)
def test_what_it_does_not_do_is_refused(change: Any, named: str) -> None:
    said = json.loads(content())
    change(said)
    with pytest.raises(config.NotUnderstood, match=named):
        config.read(json.dumps(said))


def test_remote_sampling_and_variables_are_refused() -> None:
    with pytest.raises(config.NotUnderstood, match="awsproxy"):
        config.read(content(remote_sampling=True))
    with pytest.raises(config.NotUnderstood, match="variables"):
        config.read('{"a": "${HOME}"}')


def test_a_counter_is_what_was_added_and_begins_with_all_of_it() -> None:
    deltas = emf.Deltas()
    readings = [exposition.read(METRICS.replace(" 3", f" {count}")) for count in (3, 5, 1)]
    told = [{sample.name: sample for sample in deltas.of(reading)} for reading in readings]
    assert [sample["hits_total"].value for sample in told] == [3, 2, 1], "the third is of an app that began anew"
    assert [(sample["took"].count, sample["took"].value) for sample in told] == [(3, 1.5), (2, 0), (1, 1.5)]
    assert [sample["depth"].value for sample in told] == [7, 7, 7]


def test_only_declared_labels_are_dimensions_and_what_is_not_declared_is_a_line() -> None:
    labelled = [sample for sample in exposition.read(METRICS) if sample.labels]
    hits, took = written(labelled, metrics=["^hits"], dimensions=[["route"], ["nowhere"]])
    assert hits["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "staging/scores",
            "Dimensions": [["service"], ["service", "route"]],
            "Metrics": [{"Name": "hits_total"}],
        }
    ]
    assert (hits["service"], hits["route"], hits["said"], hits["hits_total"]) == ("scores", "/a", '"hi"', 3.0)
    assert "_aws" not in took
    assert took["took"]["Sum"] == 1.5


def test_what_is_not_the_text_format_is_refused() -> None:
    for text in ("hits_total", "hits_total{a=b} 1", "hits_total many"):
        with pytest.raises(exposition.Malformed):
            exposition.read(text)


def field(number: int, value: bytes) -> bytes:
    low, high = len(value) & 0x7F, len(value) >> 7
    return bytes([number << 3 | 2, *([low | 0x80, high] if high else [low])]) + value


def pair(key: str, value: bytes) -> bytes:
    return field(1, key.encode()) + field(2, value)


PROTOBUF = field(
    1,
    field(1, field(1, pair("service.name", field(1, b"scores"))))
    + field(
        2,
        field(
            2,
            field(1, bytes(range(16)))
            + field(2, bytes(range(8)))
            + field(5, b"GET /a")
            + bytes([6 << 3, 2])
            + bytes([7 << 3 | 1])
            + struct.pack("<Q", 10**9)
            + bytes([8 << 3 | 1])
            + struct.pack("<Q", 2 * 10**9)
            + field(9, pair("request_id", field(1, b"r-1")))
            + field(9, pair("http.response.status_code", bytes([3 << 3, 0xF4, 0x03]))),
        ),
    ),
)
JSON = {
    "resourceSpans": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "scores"}}]},
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": bytes(range(16)).hex(),
                            "spanId": bytes(range(8)).hex(),
                            "name": "GET /a",
                            "kind": 2,
                            "startTimeUnixNano": str(10**9),
                            "endTimeUnixNano": str(2 * 10**9),
                            "attributes": [
                                {"key": "request_id", "value": {"stringValue": "r-1"}},
                                {"key": "http.response.status_code", "value": {"intValue": "500"}},
                            ],
                        }
                    ]
                }
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("body", "kind"), [(json.dumps(JSON).encode(), "application/json"), (PROTOBUF, "application/x-protobuf")]
)
def test_a_span_in_either_encoding_becomes_a_segment(body: bytes, kind: str) -> None:
    (span,) = spans.read(body, kind)
    document = spans.segment(span, config.read(content()).xray)
    assert document["trace_id"] == "1-00010203-0405060708090a0b0c0d0e0f"
    assert (document["name"], document["start_time"], document["end_time"]) == ("scores", 1.0, 2.0)
    assert document["annotations"] == {"request_id": "r-1"}
    assert (document["fault"], document["http"]) == (True, {"response": {"status": 500}})
    assert document["aws"] == {"cloudwatch_logs": [{"log_group": "/pear/staging/scores"}]}


def test_half_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="protobuf"):
        spans.read(PROTOBUF[:-1], "application/x-protobuf")


def test_it_signs_as_botocore_does() -> None:
    url, body = "https://logs.eu-central-1.amazonaws.com/", b'{"a": 1}'
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.PutLogEvents"}
    given = aws.sign(
        aws.Credentials("AKIA", "secret", "token"), "eu-central-1", "logs", url, headers, body, datetime.now(UTC)
    )
    expected = AWSRequest("POST", url, headers=headers, data=body)
    signer = SigV4Auth(BotoCredentials("AKIA", "secret", "token"), "logs", "eu-central-1")
    expected.context["timestamp"] = given["X-Amz-Date"]
    expected.headers["X-Amz-Date"] = given["X-Amz-Date"]
    expected.headers["X-Amz-Security-Token"] = "token"
    signature = signer.signature(signer.string_to_sign(expected, signer.canonical_request(expected)), expected)
    assert given["Authorization"].endswith(f"Signature={signature}")
