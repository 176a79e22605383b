"""The page of a report: everything is in it, nothing of it is code, and it needs nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import bluegreen_cutover
from ansible_collections.pear.fargate.plugins.module_utils.release.report import page as page_file
from ansible_collections.pear.fargate.plugins.module_utils.release.report.facts import ColourTraffic, Facts, Period
from ansible_collections.pear.fargate.plugins.module_utils.release.report.page import page
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Plan, Step

from tests.support.pages import ReadPage

from .given import BEGAN, HOSTILE, REASON, RETURNED, facts, periods


def test_weights_verdicts_reasons_tasks_and_events_are_in_it() -> None:
    read = ReadPage(page(facts()))
    assert [row[1:] for row in read.rows["weights"][1:]] == [["100 %", "0 %"], ["90 %", "10 %"], ["100 %", "0 %"]]
    assert [row[1:4] for row in read.rows["verdicts"][1:]] == [
        ["proving", "check storage", "pass"],
        ["step 1 of 3", "target health", "pass"],
        ["step 1 of 3", "errors", "fail"],
    ]
    assert read.rows["verdicts"][-1][4] == REASON
    assert read.rows["totals"][2][:3] == ["green", "1,320", "165 (3 of them answered by no target)"]
    assert [row[0] for row in read.rows["tasks"][1:]] == ["0123456789ab"]
    assert len(read.rows["events"]) == 4 and len(read.rows["counts"]) == 3
    for text in ("rolled back", RETURNED.id, "1.4.2", "GET /leaderboard 500", "app: image app@sha256:1 → app@sha256:2"):
        assert text in read.text


@pytest.mark.parametrize(
    "more",
    [
        {"reason": HOSTILE, "service": HOSTILE, "environment": HOSTILE, "outcome": HOSTILE},
        {
            "unread": (HOSTILE,),
            "evidence": {"causes": [HOSTILE], "definition_changes": {HOSTILE: {HOSTILE: [HOSTILE]}}},
        },
        {"release": replace(RETURNED, id=HOSTILE, by=HOSTILE, version=HOSTILE, digest=HOSTILE)},
        {"tasks": tuple(replace(task, id=HOSTILE, zone=HOSTILE, cause=HOSTILE) for task in facts().tasks)},
        {"moments": tuple(replace(entry, text=HOSTILE, gate=HOSTILE, step=HOSTILE) for entry in facts().moments)},
    ],
    ids=["outcome and names", "evidence", "release", "tasks", "journal"],
)
def test_hostile_text_is_shown_as_text(more: dict[str, Any]) -> None:
    content = page(facts(**more))
    read = ReadPage(content)
    assert not {"script", "img"} & read.tags
    assert not [name for name, _value in read.attributes if name.startswith("on")]
    assert "alert(1)" in read.text, "it was not shown at all"
    assert "49" not in re.sub(r"\d{3,}|[\d.:]+Z", "", read.text), "a template in a value was carried out"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", content)


def test_it_is_one_small_file_that_loads_nothing() -> None:
    content = page(facts())
    read = ReadPage(content)
    assert len(content.encode()) < 200_000
    assert not {"script", "link", "iframe", "object", "img", "image", "use"} & read.tags
    assert not [value for name, value in read.attributes if name in ("src", "href", "xlink:href")]
    urls = set(re.findall(r"https?://[^\"'\s<)]+", content)) - {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not urls
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes


def test_the_same_facts_give_the_same_file() -> None:
    assert page(facts()) == page(facts())


def test_it_is_readable_on_light_and_dark_screens_and_on_paper() -> None:
    content = page(facts())
    assert "prefers-color-scheme: dark" in content and "@media print" in content
    drawn = "".join(re.findall(r"<svg.*?</svg>", content, re.DOTALL))
    assert set(re.findall(r"var\(--(\w+)\)", drawn)) == {"blue", "green", "mark", "muted", "rule"}
    # Whatever else is drawn has to have a colour of the page.
    assert not re.findall(r"(?:fill|stroke):\s*(?:#\w+|black)", re.sub(r"\.text-overlay[^}]*}", "", drawn))


def test_each_chart_has_both_colours_and_their_intervals() -> None:
    content = page(facts())
    charts = dict(re.findall(r'<figure id="chart-of-(\w+)">(.*?)</figure>', content, re.DOTALL))
    assert list(charts) == ["weights", "requests", "errors", "latency"]
    lines = {name: len(re.findall(r"<path [^>]*line reactive nofill", chart)) for name, chart in charts.items()}
    bands = {name: len(re.findall(r'class="line reactive"', chart)) for name, chart in charts.items()}
    # Two marks for two changes of weights, and one line for each colour; medians besides.
    assert lines == {"weights": 4, "requests": 4, "errors": 4, "latency": 6}
    assert bands == {"weights": 0, "requests": 0, "errors": 2, "latency": 2}


@pytest.mark.parametrize(
    ("more", "charts"),
    [
        pytest.param({"release": None, "moments": (), "traffic": {}, "tasks": (), "evidence": {}}, [], id="refused"),
        pytest.param({"routed": False, "traffic": {}}, [], id="worker"),
        pytest.param(
            {"release": replace(RETURNED, candidate=Colour.BLUE, plan=Plan("rolling", (Step(100),)))},
            ["weights", "requests", "errors", "latency"],
            id="rolling",
        ),
        pytest.param(
            {"release": replace(RETURNED, ended_at=None, outcome=None), "moments": (), "traffic": {}},
            [],
            id="under way, nothing written yet",
        ),
        pytest.param(
            {"moments": (), "traffic": {Colour.GREEN: ColourTraffic((Period(BEGAN, 1, 1),))}},
            ["requests", "errors"],
            id="one failed request, before there was a journal",
        ),
    ],
)
def test_it_shows_what_there_is(more: dict[str, Any], charts: list[str]) -> None:
    content = page(facts(**more))
    ReadPage(content)
    assert re.findall(r'<figure id="chart-of-(\w+)">', content) == charts
    assert REASON in ReadPage(content).text


def test_a_missing_library_is_told_before_anything_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_file, "HAS_PYGAL", False)
    call = Invocation({"report": ["release.html"]}, cast(Aws, None))
    with pytest.raises(Failure, match=r"pygal.*for a report as HTML"):
        bluegreen_cutover.run(call)


def test_facts_without_a_release_are_whole() -> None:
    assert "nothing was changed" in page(Facts("app", "test", "refused", "nothing was changed: no image"))


def test_a_time_without_requests_is_a_gap() -> None:
    before, after = periods(Colour.GREEN, -5, 0), periods(Colour.GREEN, 4, 7)
    content = page(facts(traffic={Colour.GREEN: ColourTraffic((*before, *after))}))
    (chart,) = re.findall(r'<figure id="chart-of-errors">(.*?)</figure>', content, re.DOTALL)
    assert len(re.findall(r"line reactive nofill", chart)) == 2 + 2, "two marks and two lines"
    assert len(re.findall(r'class="line reactive"', chart)) == 2
