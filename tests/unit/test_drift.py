"""The drift report: rows from results of every shape; drift.yml looks at all that deploy.yml writes, in check mode only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.callback import drift
from ansible_collections.pear.fargate.plugins.callback.drift import CallbackModule
from ansible_collections.pear.fargate.plugins.plugin_utils.drift import Log, Row, Source, rows_of, table

ROOT = Path(__file__).resolve().parents[2]


def row(part: str, setting: str, before: str, after: str) -> Row:
    return Row("h", part, setting, before, after)


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        pytest.param(
            {"diff": {"before": {"a": 1, "same": 2}, "after": {"a": 3, "same": 2}}},
            [row("cloudwatch_alarms", "a", "1", "3")],
            id="a mapping tells its settings",
        ),
        pytest.param(
            {"name": "corp", "diff": {"before": {"a": 1}, "after": {"a": 3}}},
            [row("cloudwatch_alarms corp", "a", "1", "3")],
            id="a result that names its resource",
        ),
        pytest.param(
            {"diff": {"before": '{"rule of a": {"b": {"c": 1}}}\n', "after": '{"rule of a": {"b": {"c": 2}}}\n'}},
            [row("rule of a", "b: c", "1", "2")],
            id="JSON is read, and only the setting that differs is reported",
        ),
        pytest.param(
            {
                "diff": {
                    "before": {"task a": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}},
                    "after": {"task a": {"env": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}},
                }
            },
            [row("task a", "env: B: value", "2", "3")],
            id="elements with names are compared by them",
        ),
        pytest.param(
            {"name": "corp", "diff": {"before": {"a": {"b": ["x", "y"]}}, "after": {"a": {"b": []}}}},
            [row("cloudwatch_alarms corp", "a: b", "x, y", "nothing")],
            id="a plain list is shown in words",
        ),
        pytest.param(
            {"diff": {"before": {"one": None}, "after": {"one": {"threshold": 5, "on": True}}}},
            [row("cloudwatch_alarms", "one", "missing", "on true; threshold 5")],
            id="what is missing is one row and called so",
        ),
        pytest.param(
            {"diff": [{"before": "old\n", "after": "new\n"}]},
            [row("cloudwatch_alarms", "", "old", "new")],
            id="text is one row",
        ),
        pytest.param(
            {"diff": {"before": "a\nb\nc\nd\n", "after": "a\nB\nc\nd\ne\n"}},
            [row("cloudwatch_alarms", "line 2", "b", "B"), row("cloudwatch_alarms", "line 5", "missing", "e")],
            id="of a longer text only what differs",
        ),
        pytest.param(
            {}, [row("cloudwatch_alarms", "Task", "not told by the module", "as the inventory says")], id="no diff"
        ),
        pytest.param(
            {
                "diff": {"before": "", "after": ""},
                "disagreements": [{"what": "traffic", "found": "blue 0 %", "recorded": "blue 100 %"}],
            },
            [row("traffic", "", "blue 0 %", "blue 100 %")],
            id="what disagrees with the ledger",
        ),
        pytest.param(
            {"orphans": [{"service": "lobby", "kind": "alarm", "name": "corp/lobby/cpu"}]},
            [Row("lobby", "alarm corp/lobby/cpu", "not in the inventory", "there", "missing", orphan=True)],
            id="what the inventory no longer names",
        ),
        pytest.param(
            {"item": {"n": 1}},
            [row("cloudwatch_alarms", "Task (n 1)", "not told by the module", "as the inventory says")],
            id="an item of a loop",
        ),
    ],
)
def test_a_changed_result_becomes_rows(result: dict[str, Any], rows: list[Row]) -> None:
    assert list(rows_of(Source("h", "Task", "pear.fargate.cloudwatch_alarms"), result)) == rows


@pytest.mark.parametrize(
    ("check_mode", "result", "kept"),
    [
        pytest.param(True, {"changed": False, "disagreements": [{"what": "a", "found": "b", "recorded": "c"}]}, 1),
        pytest.param(True, {"changed": False, "disagreements": []}, 0),
        pytest.param(False, {"changed": False, "disagreements": [{"what": "a", "found": "b", "recorded": "c"}]}, 0),
        pytest.param(True, {"changed": True}, 1),
        pytest.param(True, {"orphans": [{"service": "a", "kind": "role", "name": "b"}]}, 1),
    ],
)
def test_what_disagrees_with_the_ledger_is_kept_also_where_nothing_would_be_written(
    monkeypatch: pytest.MonkeyPatch, check_mode: bool, result: dict[str, Any], kept: int
) -> None:
    log = Log()
    monkeypatch.setattr(drift, "LOG", log)
    told = SimpleNamespace(
        _result=result,
        _task=SimpleNamespace(check_mode=check_mode, name="Release", loop=None, action="pear.fargate.service_release"),
        _host=SimpleNamespace(get_name=lambda: "h"),
    )
    CallbackModule().v2_runner_on_ok(told)
    assert len(log.rows) == kept


def test_the_table_shows_whole_values_below_each_other() -> None:
    policy = " ".join(f"word{number}" for number in range(20))
    heading, ruler, *lines = table(
        [Row("app", "role app", "policy", policy, "missing"), Row("app", "x", "y", "1", "2")]
    )
    assert [heading.split()[0], set(ruler)] == ["host", {"-", " "}]
    assert len(lines) > 2 and max(map(len, lines)) <= 140
    shown = " ".join(line[heading.index("is") : heading.index("should be")] for line in lines[:-1])
    assert shown.split() == policy.split()
    assert lines[-1].split() == ["app", "x", "y", "1", "2"]


def test_a_value_of_many_lines_says_how_long_it_is() -> None:
    lines = table([Row("a", "b", "c", "word " * 200, "d")])
    assert len(lines) == 2 + 8
    assert "… 1000 characters" in lines[-1]


def plays(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "playbooks" / name).read_text())


def parts(name: str) -> set[tuple[str, str]]:
    """Role and entry point of everything that a playbook runs."""
    found = set()
    for play in plays(name):
        found |= {(role["role"], "main") for role in play.get("roles", [])}
        for task in play.get("tasks", []):
            if imported := task.get("ansible.builtin.import_role"):
                found.add((imported["name"], imported.get("tasks_from", "main").removesuffix(".yml")))
    return found


def test_drift_looks_at_everything_that_deploy_and_deployers_write() -> None:
    assert parts("drift.yml") == parts("provision.yml") | parts("release.yml") | parts("deployers.yml")


def test_no_play_of_drift_that_looks_could_write() -> None:
    *looking, report = plays("drift.yml")
    assert all(play["check_mode"] is True for play in looking)
    assert [set(task) & {"pear.fargate.drift_report"} for task in report["tasks"]] == [{"pear.fargate.drift_report"}]
