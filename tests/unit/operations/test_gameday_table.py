"""The table of game days: each row is in the page as soon as it is measured, and the rows of other experiments stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import BY_NAME

from tools import gameday_table
from tools.gameday_table import BEGIN, END, Row

ROOT = Path(__file__).resolve().parents[3]
CERTIFICATE = Row("expiring-certificate", "`certificate-expiry`", 579.0, "soon", 583.0, 592.0, 600.0, True, 1)


def rows(page: Path) -> list[str]:
    return [line for line in page.read_text().splitlines() if line.startswith("| `")]


def test_a_row_replaces_its_own_and_the_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n| `wrong-port` | … |\n| `expiring-certificate` | old |\n{END}\nafter\n")
    monkeypatch.setattr(gameday_table, "PAGE", page)
    gameday_table.keep(CERTIFICATE)
    certificate = (
        "| `expiring-certificate` | `certificate-expiry` | 1560 periods | 579 periods | 4 s: soon | 9 s | as expected |"
    )
    assert rows(page) == ["| `wrong-port` | … |", certificate]
    gameday_table.keep(Row("crash-loop", "`crash-loop`", 80.0, "", None, None, None, False, 5))
    crashes = "| `crash-loop` | `crash-loop` | 30 periods | 16 periods | - | never | **not as expected** |"
    assert rows(page) == ["| `wrong-port` | … |", crashes, certificate]
    assert page.read_text().startswith("before\n") and page.read_text().endswith(f"{END}\nafter\n")


def test_the_page_has_a_row_for_every_experiment() -> None:
    made = (ROOT / "docs/operations.md").read_text().partition(BEGIN)[2].partition(END)[0]
    assert list(gameday_table.lines_of(made)) == list(BY_NAME)


def test_the_page_says_the_deadlines_and_what_was_not_as_on_aws() -> None:
    made = (ROOT / "docs/operations.md").read_text().partition(BEGIN)[2].partition(END)[0]
    lines = made.strip().splitlines()
    assert lines[1 : 1 + len(gameday_table.HEADER)] == gameday_table.HEADER
    assert "4 times as long" in made and all(f"`{name}` `CHAOS_" in made for name in gameday_table.ENVIRONMENT)
    deadlines = {name: line.split(" | ")[2] for name, line in gameday_table.lines_of(made).items()}
    assert deadlines == {name: gameday_table.deadline(experiment) for name, experiment in BY_NAME.items()}
