"""The drift report: rows from results of every shape; drift.yml looks at all that deploy.yml writes, in check mode only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.callback import drift
from ansible_collections.pear.fargate.plugins.callback.drift import CallbackModule
from ansible_collections.pear.fargate.plugins.plugin_utils.drift import Log, Row, rows_of, table

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        pytest.param(
            {"diff": {"before": {"a": 1, "same": 2}, "after": {"a": 3, "same": 2}}},
            [Row("h", "a", "1", "3")],
            id="a mapping tells its properties",
        ),
        pytest.param(
            {"diff": {"before": '{"a": {"b": 1}}\n', "after": '{"a": {"b": 2}}\n'}},
            [Row("h", "a: b", "1", "2")],
            id="JSON is read, and only the property that differs is reported",
        ),
        pytest.param(
            {"diff": {"before": {"one": None}, "after": {"one": "x"}}},
            [Row("h", "one", "missing", "x")],
            id="what is missing is called so",
        ),
        pytest.param(
            {"diff": [{"before": "old\n", "after": "new\n"}]}, [Row("h", "Task", "old", "new")], id="text is one row"
        ),
        pytest.param({}, [Row("h", "Task", "", "differs")], id="no diff is still a difference"),
        pytest.param(
            {
                "diff": {"before": "", "after": ""},
                "disagreements": [{"what": "traffic", "found": "blue 0 %", "recorded": "blue 100 %"}],
            },
            [Row("h", "traffic", "blue 0 %", "blue 100 %")],
            id="what disagrees with the ledger",
        ),
        pytest.param({"item": {"n": 1}}, [Row("h", 'Task ({"n": 1})', "", "differs")], id="an item of a loop"),
        pytest.param({"diff": {"before": {}, "after": {}}}, [Row("h", "Task", "", "differs")], id="an empty diff"),
    ],
)
def test_a_changed_result_becomes_rows(result: dict[str, Any], rows: list[Row]) -> None:
    assert list(rows_of("h", "Task", result)) == rows


@pytest.mark.parametrize(
    ("check_mode", "result", "kept"),
    [
        pytest.param(True, {"changed": False, "disagreements": [{"what": "a", "found": "b", "recorded": "c"}]}, 1),
        pytest.param(True, {"changed": False, "disagreements": []}, 0),
        pytest.param(False, {"changed": False, "disagreements": [{"what": "a", "found": "b", "recorded": "c"}]}, 0),
        pytest.param(True, {"changed": True}, 1),
    ],
)
def test_what_disagrees_with_the_ledger_is_kept_also_where_nothing_would_be_written(
    monkeypatch: pytest.MonkeyPatch, check_mode: bool, result: dict[str, Any], kept: int
) -> None:
    log = Log()
    monkeypatch.setattr(drift, "LOG", log)
    told = SimpleNamespace(
        _result=result,
        _task=SimpleNamespace(check_mode=check_mode, name="Release", loop=None),
        _host=SimpleNamespace(get_name=lambda: "h"),
    )
    CallbackModule().v2_runner_on_ok(told)
    assert len(log.rows) == kept


def test_the_table_fits_its_columns() -> None:
    lines = table([Row("a" * 50, "what", "b" * 200, "c" * 200)])
    assert len(lines) == 3
    assert max(map(len, lines)) <= 14 + 48 + 30 + 30 + 6


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


def test_drift_looks_at_everything_that_deploy_writes() -> None:
    assert parts("drift.yml") == parts("provision.yml") | parts("release.yml")


def test_no_play_of_drift_that_looks_could_write() -> None:
    *looking, report = plays("drift.yml")
    assert all(play["check_mode"] is True for play in looking)
    assert [set(task) & {"pear.fargate.drift_report"} for task in report["tasks"]] == [{"pear.fargate.drift_report"}]
