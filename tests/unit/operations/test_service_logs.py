"""Log lines: which are searched for, in which order they are shown, and that each line that comes is written once."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import logs
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.logs import LogEvent, LogSearch
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import service_logs
from ansible_collections.pear.fargate.plugins.module_utils.operations.facts import Unread
from ansible_collections.pear.fargate.plugins.module_utils.operations.place import Place
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import History
from ansible_collections.pear.fargate.plugins.modules import service_logs as module

from tests.unit.clocks import QuickClock, RecordedProgress

from .scenes import release

NOW = 10_000.0
STREAM = "ecs/app/0b1f3f0c2a7d4e5f8a9b0c1d2e3f4a5b"


def line(at: float, message: str, number: int = 0) -> LogEvent:
    return LogEvent(at, STREAM, message, f"{at}-{message}-{number}")


class Log:
    """A log group: what is in it, and when each line becomes visible."""

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.visible_at: dict[str, float] = {}
        self.searches: list[LogSearch] = []
        self.clock = QuickClock()
        self.clock.seconds = NOW

    def search(self, aws: Aws, search: LogSearch) -> tuple[list[LogEvent], bool]:
        self.searches.append(search)
        found = [
            event
            for event in self.events
            if search.start <= event.at <= search.end
            and self.visible_at.get(event.id, 0) <= self.clock.now()
            and search.pattern.strip('"') in event.message
        ]
        return sorted(found, key=lambda event: event.at), True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    made = Log()
    place = Place("staging", "scores", "c", "ledger", {}, "/pear/staging/scores", (), "", Unread("no load balancer"))
    monkeypatch.setattr(service_logs, "find", lambda aws, params: place)
    monkeypatch.setattr(logs, "search_events", made.search)
    return made


def run(log: Log, progress: RecordedProgress | None = None, **options: Any) -> dict[str, Any]:
    given = {"environment": "staging", "service": "scores", **options}
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC, **module.CONSTRAINTS).validate(given)
    assert not validated.error_messages
    call = Invocation(
        validated.validated_parameters,
        Aws({"region": "eu-central-1"}),
        clock=log.clock,
        progress=progress or RecordedProgress(),
    )
    return service_logs.run(call)


def test_a_line_is_shown_with_time_container_and_task_and_cannot_steer_a_terminal(log: Log) -> None:
    log.events = [line(NOW - 5, "\x1b[31mred\x1b[0m {{ lookup('env', 'HOME') }}")]
    (shown,) = run(log)["lines"]
    assert shown == "1970-01-01 02:46:35Z app/0b1f3f0c2a7d | red { { lookup('env', 'HOME') }}"


def test_the_newest_lines_are_kept_in_the_order_of_time_and_it_is_said_that_there_are_more(log: Log) -> None:
    log.events = [line(NOW - back, f"back {back}") for back in (900, 700, 500, 300, 30, 1)]
    found = run(log, limit=3)
    assert [shown.rpartition("back ")[2] for shown in found["lines"]] == ["300", "30", "1"]
    assert not found["complete"]
    assert "there are more" in found["headline"]
    everything = run(log)
    assert [shown.rpartition("back ")[2] for shown in everything["lines"]] == ["900", "700", "500", "300", "30", "1"]
    assert everything["complete"]


def test_no_line_is_read_twice_where_two_searches_meet(log: Log) -> None:
    log.events = [line(NOW - 60, "at the seam")]
    assert len(run(log)["lines"]) == 1


def test_lines_of_one_request_are_searched_as_a_phrase(log: Log) -> None:
    log.events = [line(NOW - 5, "Root=1-678-abc ok"), line(NOW - 4, "another")]
    found = run(log, request_id="Root=1-678-abc")
    assert len(found["lines"]) == 1
    assert {search.pattern for search in log.searches} == {'"Root=1-678-abc"'}


def test_an_id_that_would_end_the_phrase_is_refused(log: Log) -> None:
    with pytest.raises(Failure, match="request_id"):
        run(log, request_id='a" %')
    assert log.searches == []


def test_since_the_release_means_since_the_newest_began(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    history = History((release(1, NOW - 5000), release(2, NOW - 2000)))
    monkeypatch.setattr(DynamoLedger, "history", lambda ledger: history)
    log.events = [line(NOW - 3000, "before"), line(NOW - 1500, "after")]
    found = run(log, since_release=True)
    assert [shown.rpartition("| ")[2] for shown in found["lines"]] == ["after"]
    assert "when deploy r2 of 1.2" in found["headline"]


def test_a_service_without_a_release_says_what_to_use_instead(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoLedger, "history", lambda ledger: History())
    with pytest.raises(Failure, match="Use minutes"):
        run(log, since_release=True)


def test_each_line_that_comes_is_written_once_also_where_it_comes_late(log: Log) -> None:
    log.events = [line(NOW - 5, "before"), line(NOW + 4, "on time"), line(NOW + 5, "late"), line(NOW + 500, "too late")]
    log.visible_at = {log.events[2].id: NOW + 20}
    progress = RecordedProgress()
    found = run(log, progress, follow_minutes=1)
    assert [text.rpartition("| ")[2] for text in progress.lines] == ["before", "on time", "late"]
    assert len(found["lines"]) == 3
    assert log.clock.now() == NOW + 60


def test_no_line_is_missed_while_a_search_takes_long(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.events = [line(NOW + at, f"at {at}") for at in (1, 40, 59)]
    search = log.search

    def slow(aws: Aws, wanted: LogSearch) -> tuple[list[LogEvent], bool]:
        found = search(aws, wanted)
        log.clock.sleep(90.0)
        return found

    monkeypatch.setattr(logs, "search_events", slow)
    progress = RecordedProgress()
    run(log, progress, follow_minutes=10)
    assert [text.rpartition("| ")[2] for text in progress.lines] == ["at 1", "at 40", "at 59"]


def test_without_following_nothing_is_waited_for(log: Log) -> None:
    run(log)
    assert log.clock.now() == NOW
