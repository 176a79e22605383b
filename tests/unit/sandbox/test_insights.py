"""Logs Insights in the sandbox: its language over rows of events, what it refuses, and the queries that the collection saves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_dashboard
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.saved_queries import QUERIES
from moto import mock_aws
from moto.backends import get_backend
from moto.logs.models import LogEvent

from sandbox.api import logs_insights
from sandbox.api.overlay import Context
from sandbox.api.refusals import JSON, encode
from sandbox.errors import ApiError
from sandbox.insights.events import FIELDS_OF_AN_EVENT, fields_of
from sandbox.insights.functions import period
from sandbox.insights.queries import parse
from sandbox.insights.values import InvalidQuery, Row

from ..monitoring.given import ENVIRONMENT

HERE = Context("123456789012", "eu-central-1", "testing")
# 2026-11-30 10:00:00 UTC
BEGIN = 1_796_032_800_000


def event(second: float, message: str | dict[str, Any], stream: str = "ecs/app/1") -> Row:
    line = message if isinstance(message, str) else json.dumps(message)
    at = BEGIN + int(second * 1000)
    return fields_of(
        SimpleNamespace(timestamp=at, ingestion_time=at, message=line, event_id=int(second)), "/pear/x", stream, "1234"
    )


def request(second: float, route: str, status: int, milliseconds: float, version: str = "1.0.0") -> Row:
    """A line as the sample app writes it."""
    return event(
        second,
        {
            "level": "error" if status >= 500 else "info",
            "message": "request",
            "version": version,
            "route": route,
            "status": status,
            "duration_ms": milliseconds,
            "request_id": f"r{second}",
            "trace_id": f"t{second}",
        },
    )


LINES = [
    request(0, "/scores", 200, 12.5),
    request(1, "/scores", 500, 3),
    event(2, "Traceback: no JSON at all", "ecs/app/2"),
    request(3, "/scores", 200, 90, "2.0.0"),
    request(4, "/leaderboard", 503, 7, "2.0.0"),
    request(5, "/leaderboard", 503, 8, "2.0.0"),
    event(6, {"level": "error", "message": "spans were lost", "version": "2.0.0"}),
]


def ask(query: str, lines: list[Row] | None = None) -> list[dict[str, str]]:
    """The rows without the pointers of their events."""
    return [
        {column: value for column, value in row.items() if column != "@ptr"}
        for row in parse(query).run(LINES if lines is None else lines).rows
    ]


def at(second: int) -> str:
    return f"2026-11-30 10:00:{second:02}.000"


def test_errors_by_route() -> None:
    assert ask(QUERIES["errors by route"]) == [
        {"route": "/leaderboard", "status": "503", "errors": "2", "last": at(5)},
        # A line of an error that is no request has neither.
        {"errors": "1", "last": at(6)},
        {"route": "/scores", "status": "500", "errors": "1", "last": at(1)},
    ]


def test_slowest_requests() -> None:
    rows = ask(QUERIES["slowest requests"])
    assert [row["duration_ms"] for row in rows] == ["90", "12.5", "8", "7", "3"]
    assert rows[0] == {
        "@timestamp": at(3), "level": "info", "route": "/scores", "status": "200", "duration_ms": "90", "request_id": "r3",
        "trace_id": "t3", "version": "2.0.0", "@logStream": "ecs/app/1",
    }  # fmt: skip


def test_one_request_or_trace() -> None:
    query = QUERIES["one request or trace"]
    assert ask(query) == []
    (row,) = ask(query.replace("REQUEST_OR_TRACE_ID", "t4"))
    assert (row["@timestamp"], row["@logStream"], json.loads(row["@message"])["status"]) == (at(4), "ecs/app/1", 503)


def test_errors_of_one_version() -> None:
    query = QUERIES["errors of one version"]
    assert ask(query) == []
    rows = ask(query.replace("VERSION", "2.0.0"))
    assert [(row["@timestamp"], row.get("route"), row.get("status")) for row in rows] == [
        (at(6), None, None),
        (at(5), "/leaderboard", "503"),
        (at(4), "/leaderboard", "503"),
    ]
    assert "spans were lost" in rows[0]["@message"]
    assert [row["status"] for row in ask(query.replace("VERSION", "1.0.0"))] == ["500"]


def test_requests_by_version_the_latest_first() -> None:
    rows = ask(QUERIES["by version, the latest first"])
    assert [tuple(row.values()) for row in rows] == [
        ("2.0.0", "503", "2", at(4), at(5)),
        ("2.0.0", "200", "1", at(3), at(3)),
        ("1.0.0", "500", "1", at(1), at(1)),
        ("1.0.0", "200", "1", at(0), at(0)),
    ]


def test_every_saved_query_and_that_of_the_dashboard_can_be_read() -> None:
    for query in QUERIES.values():
        parse(f"# pear:environment=staging\n{query}")
    (log,) = [widget for widget in service_dashboard(ENVIRONMENT, "scores")["widgets"] if widget["type"] == "log"]
    # The log group of a widget is AWS's own beginning of a widget's query, which no call takes.
    source, _, query = log["properties"]["query"].partition(" | ")
    assert source.startswith("SOURCE '")
    assert [row["@timestamp"] for row in ask(query)] == [at(6), at(5), at(4), at(1)]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param("filter status = 500 | display route", [{"route": "/scores"}], id="a number"),
        pytest.param(
            "filter status != 503 and ispresent(status) | display status",
            [{"status": s} for s in ("200", "500", "200")],
            id="not equal",
        ),
        pytest.param("filter status > 200 and status < 503 | display status", [{"status": "500"}], id="between"),
        pytest.param(
            "filter status >= 503 or duration_ms <= 3 | display duration_ms",
            [{"duration_ms": d} for d in ("8", "7", "3")],
            id="or",
        ),
        pytest.param(
            "filter not ispresent(level) | display @message", [{"@message": "Traceback: no JSON at all"}], id="not"
        ),
        pytest.param(
            "filter @message like /(?i)traceback/ | display @logStream",
            [{"@logStream": "ecs/app/2"}],
            id="like a regular expression",
        ),
        pytest.param('filter @message like "spans were" | display level', [{"level": "error"}], id="like a text"),
        pytest.param(
            'filter route not like "scores" and ispresent(route) | display duration_ms',
            [{"duration_ms": "8"}, {"duration_ms": "7"}],
            id="not like",
        ),
        pytest.param("filter status in [500, 504] | display status", [{"status": "500"}], id="in a list"),
        pytest.param("filter missing = 1 or missing != 1", [], id="what is missing compares as false"),
        pytest.param(
            "filter (status = 500 or status = 503) and duration_ms < 4 | display route",
            [{"route": "/scores"}],
            id="brackets",
        ),
        pytest.param(
            "stats count(*), sum(status) as total, avg(duration_ms), min(duration_ms), max(duration_ms), pct(duration_ms, 50)",
            [
                {
                    "count(*)": "7",
                    "total": "1906",
                    "avg(duration_ms)": "24.1",
                    "min(duration_ms)": "3",
                    "max(duration_ms)": "90",
                    "pct(duration_ms, 50)": "8",
                }
            ],
            id="aggregates",
        ),
        pytest.param(
            "stats count(duration_ms) as n by bin(3s) | sort bin(3s) asc",
            [{"bin(3s)": at(0), "n": "2"}, {"bin(3s)": at(3), "n": "3"}, {"bin(3s)": at(6), "n": "0"}],
            id="by time",
        ),
        pytest.param("stats count_distinct(version) as versions", [{"versions": "2"}], id="distinct values"),
        pytest.param(
            "stats 100 * sum(status >= 500) / count(status) as share by version | filter ispresent(version) | sort version asc",
            [{"version": "1.0.0", "share": "50"}, {"version": "2.0.0", "share": "66.66666666666667"}],
            id="arithmetic over aggregates",
        ),
        pytest.param("stats count(*) as n by route | stats max(n)", [{"max(n)": "3"}], id="statistics of statistics"),
        pytest.param(
            "filter ispresent(status) | sort route asc, status desc | limit 3 | display route, status",
            [
                {"route": "/leaderboard", "status": "503"},
                {"route": "/leaderboard", "status": "503"},
                {"route": "/scores", "status": "500"},
            ],
            id="two keys",
        ),
        pytest.param(
            "fields duration_ms / 1000 as seconds, toupper(level) as said | filter seconds > 0.05 | display seconds, said",
            [{"seconds": "0.09", "said": "INFO"}],
            id="computed fields",
        ),
    ],
)
def test_what_a_query_answers(query: str, rows: list[dict[str, str]]) -> None:
    assert ask(query) == rows


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        ("5m", 300_000),
        ("250ms", 250),
        ("2hrs", 7_200_000),
        ("30s", 30_000),
        ("1day", 86_400_000),
        ("1mo", None),
        ("5", None),
    ],
)
def test_the_period_of_a_bin(duration: str, milliseconds: int | None) -> None:
    assert period(duration) == milliseconds


def test_without_a_command_for_it_the_newest_events_come_first_as_they_were_written() -> None:
    rows = parse("limit 2").run(LINES).rows
    assert [list(row) for row in rows] == [["@timestamp", "@message", "@ptr"]] * 2
    assert [row["@timestamp"] for row in rows] == [at(6), at(5)]
    assert [row["@timestamp"] for row in parse("fields @timestamp").run(LINES, limit=1).rows] == [at(6)]


def test_nested_fields_of_json_are_named_by_their_path() -> None:
    lines = [event(0, {"http": {"codes": [200, {"of": "upstream"}]}, "a-b": "x", "none": None})]
    assert ask("display http.codes.0, http.codes.1.of, `a-b`, none", lines) == [
        {"http.codes.0": "200", "http.codes.1.of": "upstream", "a-b": "x"}
    ]
    wide = [event(0, {f"f{number}": number for number in range(FIELDS_OF_AN_EVENT + 1)})]
    assert ask("display f199, f200", wide) == [{"f199": "199"}]


def test_texts_sort_by_their_parts_and_before_numbers() -> None:
    """The example of AWS's page."""
    ascending = [
        "!:",
        "#",
        "*%04",
        "0#",
        "5A",
        "111A",
        "2345_",
        "@",
        "@_",
        "A",
        "A9876fghj",
        "a12345hfh",
        "0",
        "01",
        "1",
        "2",
        "3",
    ]
    lines = [event(second, {"v": value}) for second, value in enumerate(sorted(ascending))]
    # 0 and 01 differ; 01 and 1 are the same number.
    found = [row["v"] for row in ask("sort v asc | display v", lines)]
    assert found[:13] == ascending[:13]
    assert sorted(found[13:15]) == ["01", "1"]
    assert found[15:] == ["2", "3"]


@pytest.mark.parametrize(
    ("query", "said", "offset"),
    [
        pytest.param("fitler status = 500", "unexpected symbol found fitler", 0, id="an unknown command"),
        pytest.param(
            "fields @message | parse @message '*' as x",
            "The command parse is not served here",
            18,
            id="a command that is not here",
        ),
        pytest.param("stats median(status)", "Unknown function: median", 6, id="an unknown function"),
        pytest.param("filter status >", "unexpected end of the query", 15, id="half a comparison"),
        pytest.param("filter status = 500 500", "unexpected symbol found 500", 20, id="a word too many"),
        pytest.param("filter route like scores", "unexpected symbol found scores", 18, id="like a field"),
        pytest.param("filter route like /(/", "invalid regular expression", 18, id="a broken regular expression"),
        pytest.param("filter level = 'error", "unexpected symbol found '", 15, id="a text without an end"),
        pytest.param(
            "filter ispresent(level, route)",
            "Wrong number of arguments for the function ispresent",
            7,
            id="an argument too many",
        ),
        pytest.param(
            "filter count(*) > 1", "The function count is of the command stats alone", 7, id="an aggregate of one event"
        ),
        pytest.param(
            "stats count(*) by route | sort sum(status)",
            "There is no column sum(status) to sort by",
            31,
            id="a column that is not there",
        ),
        pytest.param("stats count(*) by bin(five)", "Invalid period of bin: five", 22, id="no period"),
        pytest.param("limit 0", "The limit is a number from 1 to 100000", 6, id="no row"),
        pytest.param("fields @message |", "unexpected end of the query", 17, id="nothing after the bar"),
        pytest.param("# only a comment", "unexpected end of the query", 16, id="no command"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(query: str, said: str, offset: int) -> None:
    with pytest.raises(InvalidQuery) as refused:
        parse(query)
    assert refused.value.message.startswith(said)
    assert refused.value.at == offset


# --- the calls ---


class Calls:
    """The overlay over moto's events of one log group, by its own calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_796_032_900.0
        monkeypatch.setattr(logs_insights.time, "time", lambda: self.now)
        sandbox: Any = SimpleNamespace(
            lock=threading.RLock(),
            keep=lambda *_kept: None,
            backend=lambda service, region: get_backend(service)[HERE.account][region],
        )
        self.queries = logs_insights.InsightsQueries(sandbox)
        client = boto3.client("logs", HERE.region)
        client.create_log_group(logGroupName="g")
        client.create_log_stream(logGroupName="g", logStreamName="s")
        (group,) = get_backend("logs")[HERE.account][HERE.region].groups.values()
        # As put_log_events keeps them, which takes none of times to come.
        group.streams["s"].events = [
            LogEvent(BEGIN, {"timestamp": BEGIN + second * 1000, "message": json.dumps({"status": 200 + second})})
            for second in range(5)
        ]

    def start(self, query: str, first: int = 0, last: int = 4, **given: Any) -> str:
        window = {"startTime": BEGIN // 1000 + first, "endTime": BEGIN // 1000 + last}
        return str(self.queries.start({"logGroupName": "g", "queryString": query, **window, **given}, HERE)["queryId"])

    def results(self, key: str, **given: Any) -> dict[str, Any]:
        return self.queries.results({"queryId": key, **given}, HERE)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Calls(monkeypatch)


def test_a_query_runs_for_a_while_and_searches_its_time_with_both_ends(calls: Calls) -> None:
    key = calls.start("filter status > 201 | display status | sort status asc", first=1, last=3)
    assert calls.results(key)["status"] == "Running" and calls.results(key)["results"] == []
    calls.now += 1
    answer = calls.results(key)
    assert answer["status"] == "Complete"
    assert [row[0] for row in answer["results"]] == [{"field": "status", "value": text} for text in ("202", "203")]
    assert (answer["statistics"]["recordsScanned"], answer["statistics"]["recordsMatched"]) == (3.0, 2.0)


def test_results_come_in_pages(calls: Calls) -> None:
    key = calls.start("display status", limit=3)
    calls.now += 1
    first = calls.results(key, maxItems=2)
    second = calls.results(key, maxItems=2, nextToken=first["nextToken"])
    assert [len(page["results"]) for page in (first, second)] == [2, 1] and "nextToken" not in second


def test_queries_are_listed_and_stopped(calls: Calls) -> None:
    stopped, ended = calls.start("limit 1"), calls.start("limit 1")
    assert calls.queries.stop({"queryId": stopped}, HERE) == {"success": True}
    calls.now += 1
    found = calls.queries.describe({"logGroupName": "g"}, HERE)["queries"]
    assert {query["queryId"]: query["status"] for query in found} == {stopped: "Cancelled", ended: "Complete"}
    assert calls.queries.describe({"status": "Running"}, HERE) == {"queries": []}
    assert calls.queries.describe({"logGroupName": "other"}, HERE) == {"queries": []}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"query": "filtre a = 1"}, "MalformedQueryException", id="what cannot be read"),
        pytest.param({"query": "limit 1", "first": 3, "last": 2}, "InvalidParameterException", id="an end before its begin"),
        pytest.param({"query": "limit 1", "logGroupName": "other"}, "ResourceNotFoundException", id="no such group"),
        pytest.param({"query": "limit 1", "logGroupNames": ["g"]}, "InvalidParameterException", id="groups in two ways"),
    ],
)  # fmt: skip
def test_a_query_is_refused(calls: Calls, given: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as refused:
        calls.start(**given)
    assert refused.value.code == code


def test_a_query_that_cannot_be_read_says_where(calls: Calls) -> None:
    with pytest.raises(ApiError) as refused:
        calls.start("fields @message\n| filtre status = 500")
    assert refused.value.message == "unexpected symbol found filtre at line 2 and position 3"
    body = json.loads(encode(refused.value, JSON).body)
    assert body["queryCompileError"]["location"] == {"startCharOffset": 18, "endCharOffset": 37}


def test_a_group_is_named_by_its_arn_too(calls: Calls) -> None:
    arn = f"arn:aws:logs:{HERE.region}:{HERE.account}:log-group:g:*"
    key = calls.start("display status", logGroupName=None, logGroupIdentifiers=[arn])
    calls.now += 1
    assert len(calls.results(key)["results"]) == 5
