"""How a release ended, as a failed task prints it: what was seen, then the outcome, what serves, and what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import bluegreen_rollback
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.report import page as page_file
from ansible_collections.pear.fargate.plugins.module_utils.release.report.file import ReportFile
from ansible_collections.pear.fargate.plugins.module_utils.release.results import Remarks, result
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Outcome,
    Plan,
    Release,
    Step,
    Weights,
)

SEEN = {
    "causes": ["2 tasks stopped: container app: exit code 3"],
    "tasks": [{"task": "0123456789abcdef", "container": "app", "log_lines": ["no licence"]}],
    "logs": [],
}
RELEASE = Release(
    "r2",
    "app",
    Kind.DEPLOY,
    "sha256:2",
    Colour.BLUE,
    Colour.GREEN,
    Plan("canary", (Step(10, 60), Step(100))),
    0.0,
    "ada",
    task_definition="task-definition/app:2",
    evidence=SEEN,
)

REPORT = ReportFile(lambda facts: facts, "app", "test")


def failed(outcome: Outcome, release: Release | None = RELEASE, verbosity: int = 0, **params: Any) -> Failure:
    call = Invocation(params, cast(Aws, None), verbosity=verbosity)
    with pytest.raises(Failure) as found:
        result(call, Ending(outcome, "5xx share 20 %", release, changed=True), REPORT, Remarks())
    return found.value


COMPARED = {"candidate": [{"answered": 612, "p99_ms": 118.0}], "live": [{"answered": 9000, "p99_ms": 96.0}]}


@pytest.mark.parametrize("kept", [True, False], ids=["with its evidence", "by this run"])
def test_the_report_shows_the_response_times_that_were_compared(tmp_path: Path, kept: bool) -> None:
    report = tmp_path / "report.json"
    release = replace(RELEASE, evidence={**SEEN, "response_times": COMPARED}) if kept else RELEASE
    call = Invocation({"report": [str(report)]}, cast(Aws, None))
    with pytest.raises(Failure):
        result(
            call,
            Ending(Outcome.ROLLED_BACK, "slower", release, changed=True),
            REPORT,
            Remarks({} if kept else COMPARED),
        )
    found = json.loads(report.read_text())
    assert found["response_times"] == COMPARED
    assert "response_times" not in found["evidence"]


def test_a_report_named_html_is_a_page_with_the_outcome_and_the_evidence(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    failed(Outcome.ROLLED_BACK, report=[str(path)])
    content = path.read_text()
    assert content.startswith("<!doctype html>")
    for text in ("rolled back", "5xx share 20 %", "2 tasks stopped: container app: exit code 3", "no licence"):
        assert text in content


def test_a_page_that_cannot_be_made_is_told_with_how_it_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A rollback does not look for what makes pages before: users would wait for it."""
    monkeypatch.setattr(page_file, "HAS_PYGAL", False)
    told = failed(Outcome.ROLLED_BACK, report=[str(tmp_path / "report.html")])
    assert "It ended as rolled_back (5xx share 20 %), but its report could not be written" in str(told)
    assert "pygal" in str(told) and told.result["outcome"] == "rolled_back"


def test_every_report_is_written_though_another_one_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    lost, kept = tmp_path / "file/report.json", tmp_path / "report.md"
    told = failed(Outcome.ROLLED_BACK, report=[str(lost), str(kept)])
    assert f"its report could not be written to {lost}: File exists. Name a path" in str(told)
    assert kept.read_text().startswith("### test: rolled_back\n\n5xx share 20 %\n")


def test_a_rollback_begins_without_what_makes_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_file, "HAS_PYGAL", False)

    class BegunError(Exception):
        """The place is looked for: nothing stood in the way."""

    def begun(aws: Any, params: Any) -> Any:
        raise BegunError

    monkeypatch.setattr(bluegreen_rollback, "locate_by", begun)
    with pytest.raises(BegunError):
        bluegreen_rollback.run(Invocation({"report": ["report.html"]}, cast(Aws, None)))


def test_the_summary_comes_last() -> None:
    assert str(failed(Outcome.ROLLED_BACK)).splitlines() == [
        "  2 tasks stopped: container app: exit code 3",
        "last log lines of app, task 0123456789ab:",
        "  no licence",
        "app: rolled back: 5xx share 20 %.",
        "Now blue serves all traffic with the version before.",
        "Next: correct it and release again. What was seen: playbooks/report.yml -l app -e report_of=r2",
    ]


@pytest.mark.parametrize(
    ("outcome", "first", "told"),
    [
        (Outcome.FAILED, True, "app: failed: 5xx"),
        (Outcome.INCONCLUSIVE, True, "inconclusive, there is no version before it: 5xx"),
        (Outcome.APPROVAL_EXPIRED, True, "not approved in time, there is no version before it"),
        (Outcome.INCONCLUSIVE, False, "Now blue serves all traffic with the version before."),
        (Outcome.INTERRUPTED, False, "playbooks/release.yml -l app with the same version to go on"),
        (Outcome.SUPERSEDED, False, "shows who works on it"),
    ],
)
def test_each_outcome_says_what_serves_and_what_to_do(outcome: Outcome, first: bool, told: str) -> None:
    message = str(failed(outcome, replace(RELEASE, first=first)))
    assert told in message
    assert not (first and "the version before." in message)


BLUE = ColourState(Colour.BLUE, "task-definition/app:1", 2, 2, 2)
GREEN = ColourState(Colour.GREEN, "task-definition/app:2", 2, 2, 2)
RETURNED = Fleet(Weights(100, 0), BLUE, GREEN)
SHARED = Fleet(Weights(90, 10), BLUE, GREEN)
ENDED = replace(RELEASE, outcome=Outcome.INTERRUPTED)
IN_PLACE = replace(RELEASE, live=Colour.GREEN, stable_task_definition="task-definition/app:1")


def last_words(ending: Ending, **params: Any) -> list[str]:
    with pytest.raises(Failure) as found:
        result(Invocation(params, cast(Aws, None)), ending, REPORT, Remarks())
    return str(found.value).splitlines()[-2:]


@pytest.mark.parametrize(
    ("ending", "serves", "to_do"),
    [
        pytest.param(
            Ending(Outcome.INTERRUPTED, "interrupted by SIGINT", ENDED, True, RETURNED),
            "Now blue serves all traffic with the version before.",
            "Next: playbooks/release.yml -l app begins again; ",
            id="interrupted, and the traffic was returned",
        ),
        pytest.param(
            Ending(Outcome.INTERRUPTED, "interrupted by SIGINT", RELEASE, True, SHARED),
            "Now the traffic is blue 90 % green 10 %; green runs sha256:2 (app:2).",
            "Next: playbooks/release.yml -l app with the same version to go on, or playbooks/rollback.yml -l app.",
            id="interrupted, and the release was told to stay as it is",
        ),
        pytest.param(
            Ending(
                Outcome.INTERRUPTED, "it cannot return", ENDED, True, replace(SHARED, blue=replace(BLUE, healthy=0))
            ),
            "green runs sha256:2 (app:2). 90 % of requests are not served: blue has no healthy target.",
            "playbooks/rollback.yml -l app where another version has to serve",
            id="interrupted, and the traffic could not be returned",
        ),
        pytest.param(
            Ending(Outcome.INTERRUPTED, "SIGINT", replace(ENDED, kind=Kind.ROLLBACK), True, SHARED),
            "Now the traffic is blue 90 % green 10 %",
            "Next: playbooks/rollback.yml -l app again.",
            id="a rollback that was interrupted",
        ),
        pytest.param(
            Ending(Outcome.SUPERSEDED, "somebody else", RELEASE, True, RETURNED),
            "Now blue serves all traffic with the version before.",
            "Next: playbooks/status.yml -l app shows who works on it.",
            id="superseded",
        ),
        pytest.param(
            Ending(Outcome.SUPERSEDED, "another controller took the lease"),
            "Now the other controller decides what serves.",
            "Next: playbooks/status.yml -l app shows who works on it.",
            id="the lease was lost",
        ),
        pytest.param(
            Ending(
                Outcome.FAILED,
                "no task starts",
                replace(RELEASE, first=True),
                True,
                replace(RETURNED, green=ColourState(Colour.GREEN)),
            ),
            "Now no version serves: there is none before this one.",
            "-e report_of=r2",
            id="a first release",
        ),
        pytest.param(
            Ending(
                Outcome.FAILED, "the return is late", RELEASE, True, replace(RETURNED, blue=replace(BLUE, healthy=0))
            ),
            "Now blue has all traffic, and 100 % of requests are not served: blue has no healthy target.",
            "-e report_of=r2",
            id="one writer, whose version before does not come back",
        ),
        pytest.param(
            Ending(
                Outcome.INTERRUPTED,
                "SIGINT",
                replace(IN_PLACE, outcome=Outcome.INTERRUPTED),
                True,
                replace(RETURNED, green=replace(GREEN, task_definition="task-definition/app:1")),
            ),
            "Now app:1, the version before, serves on green.",
            "Next: playbooks/release.yml -l app begins again; ",
            id="in place, and the version before is back",
        ),
        pytest.param(
            Ending(
                Outcome.FAILED,
                "the return is late",
                IN_PLACE,
                True,
                replace(RETURNED, green=replace(GREEN, task_definition="task-definition/app:1", healthy=1)),
            ),
            "Now green still changes to app:1, the version before: green 1 healthy of 2 running, 2 desired.",
            "-e report_of=r2",
            id="in place, and the return is not complete",
        ),
        pytest.param(
            Ending(
                Outcome.SUPERSEDED,
                "somebody else",
                IN_PLACE,
                True,
                replace(RETURNED, green=replace(GREEN, task_definition="task-definition/app:7")),
            ),
            "Now app:7 serves on green.",
            "shows who works on it.",
            id="in place, and somebody else's version serves",
        ),
    ],
)
def test_the_last_words_are_what_serves_by_the_last_look_and_a_command(ending: Ending, serves: str, to_do: str) -> None:
    now, command = last_words(ending, service="app")
    assert serves in now
    assert to_do in command


def test_services_that_are_not_the_playbooks_are_told_the_module() -> None:
    (_, command) = last_words(Ending(Outcome.ROLLED_BACK, "5xx", RELEASE, True, RETURNED), services=["s"])
    assert command == "Next: correct it and release again. What was seen: pear.fargate.release_report with release r2"


def test_in_place_the_version_that_was_returned_to_is_named() -> None:
    in_place = replace(RELEASE, live=Colour.GREEN, stable_task_definition="task-definition/app:1")
    assert "Now app:1, the version before, serves on green." in str(failed(Outcome.ROLLED_BACK, in_place))


def test_a_refusal_names_its_reason_alone() -> None:
    assert str(failed(Outcome.REFUSED, None)) == "refused: 5xx share 20 %."


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        ({"tasks": [], "logs": []}, "the log of the candidate is empty"),
        ({"tasks": [{"task": "t", "container": "app", "log_lines": []}]}, "the log of app, task t is empty"),
        (
            {
                "tasks": [
                    {
                        "task": "t",
                        "containers": [
                            {"container": "app", "log_lines": ["one"]},
                            {"container": "proxy", "log_lines": ["two"]},
                        ],
                    }
                ]
            },
            "last log lines of app, task t:\n  one\nlast log lines of proxy, task t:\n  two",
        ),
    ],
)
def test_an_empty_log_is_called_empty(evidence: dict[str, Any], told: str) -> None:
    assert told in str(failed(Outcome.ROLLED_BACK, replace(RELEASE, evidence=evidence)))


def test_a_cause_that_the_reason_names_is_not_said_twice() -> None:
    evidence = {"causes": ["5xx share 20 %", "2 targets unhealthy"]}
    said = str(failed(Outcome.ROLLED_BACK, replace(RELEASE, evidence=evidence)))
    assert said.count("5xx share 20 %") == 1 and "2 targets unhealthy" in said


def test_a_log_that_could_not_be_read_is_not_called_empty() -> None:
    evidence = {"tasks": [], "logs": [], "unread": ["AccessDenied"]}
    assert "empty" not in str(failed(Outcome.ROLLED_BACK, replace(RELEASE, evidence=evidence)))


@pytest.mark.parametrize("verbosity", [0, 1])
def test_nothing_of_a_failed_result_acts_in_a_template_or_a_terminal(verbosity: int) -> None:
    hostile = "{{ x }}\x1b[2J"
    release = replace(RELEASE, version=hostile, by=hostile, reason=hostile, evidence={**SEEN, "logs": [hostile]})
    found = failed(Outcome.ROLLED_BACK, release, verbosity)
    shown = f"{found} {json.dumps(found.result, ensure_ascii=False)}"
    assert "{{" not in shown and "\\u001b" not in shown and "\x1b" not in shown


def test_evidence_is_printed_with_v_and_is_in_the_report_always(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    short = failed(Outcome.ROLLED_BACK, report=[str(report)]).result
    assert short == {"changed": True, "outcome": "rolled_back", "release": {"id": "r2", "version": "sha256:2 (app:2)"}}
    assert json.loads(report.read_text())["evidence"] == SEEN
    assert failed(Outcome.ROLLED_BACK, verbosity=1).result["evidence"] == SEEN
