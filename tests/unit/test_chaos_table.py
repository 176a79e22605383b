"""The table of bad versions: rows are kept as they are measured, and the chances beside it are those of the gate."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.gates import errors
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import ErrorGate, Readings, Result, Traffic

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = importlib.util.spec_from_file_location("chaos_table", ROOT / "tools" / "chaos_table.py")
    assert found and found.loader
    made = importlib.util.module_from_spec(found)
    monkeypatch.setitem(__import__("sys").modules, "chaos_table", made)
    found.loader.exec_module(made)
    made.PAGE, made.MEASURED = tmp_path / "page.md", tmp_path / "build" / "rows.json"
    made.PAGE.write_text(f"before\n{made.BEGIN}\nold\n{made.END}\nafter\n")
    return made


def test_a_row_is_in_the_page_as_soon_as_it_is_measured_and_a_kind_alone_replaces_its_own(tool: ModuleType) -> None:
    def rows() -> list[str]:
        return [line for line in tool.PAGE.read_text().splitlines() if "rolled_back" in line]

    tool.keep("leak", tool.Row("leaks", "rolled_back", "no target", 20, 28.4, 1000, 10, "aaaaaaa", "2026-11-28"))
    tool.keep("memory", tool.Row("in memory", "rolled_back", "check storage", 0, None, 500, 0, "bbbbbbb", "2026-11-28"))
    assert rows() == [
        "| in memory | `rolled_back`: check storage | had no request | 0 of 500 (0.00 %) | bbbbbbb, 2026-11-28 |",
        "| leaks | `rolled_back`: no target | 28 s at 20 % | 10 of 1000 (1.00 %) | aaaaaaa, 2026-11-28 |",
    ]
    tool.keep("leak", tool.Row("leaks", "rolled_back", "out of memory", 20, 30.0, 1000, 10, "ccccccc", "2026-11-29"))
    assert len(rows()) == 2 and "out of memory" in rows()[1]
    assert [row.split("| ")[-1] for row in rows()] == ["bbbbbbb, 2026-11-28 |", "ccccccc, 2026-11-29 |"]
    text = tool.PAGE.read_text()
    assert text.startswith("before\n") and text.endswith(f"{tool.END}\nafter\n") and "old" not in text


def test_a_row_that_was_measured_before_the_commit_was_kept_stays_and_says_so(tool: ModuleType) -> None:
    tool.MEASURED.parent.mkdir()
    old = {
        "title": "leaks",
        "outcome": "rolled_back",
        "cause": "x",
        "highest": 20,
        "seconds": 1.0,
        "sent": 10,
        "lost": 1,
    }
    tool.MEASURED.write_text(json.dumps({"leak": old}))
    tool.keep("memory", tool.Row("in memory", "rolled_back", "check storage", 0, None, 500, 0, "bbbbbbb", "2026-11-28"))
    assert "| 1 of 10 (10.00 %) | commit not kept, nor the day |" in tool.PAGE.read_text()


def test_three_of_ten_requests_of_the_version_that_hangs_get_no_answer(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    _title, variables = tool.KINDS["hangs-30"]
    program = variables["service_command"][-1]
    assert program.rstrip().endswith('run_name="__main__")')
    monkeypatch.syspath_prepend(str(ROOT / "examples/scoreboard"))
    from scoreboard import chaos
    from scoreboard.settings import ChaosSettings

    monkeypatch.setattr(chaos.Chaos, "strike", chaos.Chaos.strike)
    monkeypatch.setattr("runpy.run_module", lambda *_, **__: None)
    exec(compile(program, "hangs-30", "exec"), {})
    version = chaos.Chaos(ChaosSettings(True, 0.0, 0.0, 0.0, frozenset(), seed=1))
    waits = [version.strike("/leaderboard").seconds for _ in range(1000)]
    assert {*waits} == {0, 3600}
    assert 250 < waits.count(3600) < 350
    assert version.strike("/healthz") == chaos.Mischief()


def test_a_bad_version_passes_by_chance_as_often_as_the_table_says(tool: ModuleType) -> None:
    table = "\n".join(tool.overlooked())
    # Of a hundred requests of which two in a hundred fail: none or one.
    chance = 0.98**100 + 100 * 0.02 * 0.98**99
    assert f"| 2 % | {100 * chance:.1f} % |" in table
    live = Traffic(400, 0)
    seen = [errors(ErrorGate(), Readings(Traffic(100, wrong), live)).result for wrong in range(4)]
    assert [result is Result.PASS for result in seen] == [True, True, False, False]
