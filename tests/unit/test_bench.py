"""The bench keeps each row as it is measured: in a fresh checkout too, and whatever a later row ends in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import __main__ as bench
from bench.measure import Row, row

FAST = row("fast", 1.0, "make bench", [(1.0, 2.0)])
SLOW = row("slow", 1.0, "make bench", [(3.0, 2.0)])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without build/, a stage that is nothing, and where the rows are written."""

    @contextmanager
    def stage() -> Iterator[str]:
        yield "the stage"

    monkeypatch.setattr(bench, "stage", stage)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    return tmp_path / "build/bench.json"


def groups(monkeypatch: pytest.MonkeyPatch, *arguments: str, **rows: Any) -> None:
    monkeypatch.setattr(bench, "_GROUPS", {name: SimpleNamespace(rows=made) for name, made in rows.items()})
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])


def names(path: Path) -> list[str]:
    return [found["name"] for found in json.loads(path.read_text())]


def test_each_row_is_written_before_the_next_is_measured(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def first(here: str, runs: int) -> Iterator[Row]:
        assert (here, runs) == ("the stage", 2)
        yield FAST
        assert names(kept) == ["fast"]
        yield SLOW
        assert names(kept) == ["fast", "slow"]

    def second(here: str, runs: int) -> Iterator[Row]:
        raise RuntimeError("the sandbox is gone")
        yield SLOW

    groups(monkeypatch, "--runs", "2", first=first, second=second)
    with pytest.raises(RuntimeError, match="the sandbox is gone"):
        bench.main()
    assert names(kept) == ["fast", "slow"]
    printed = capsys.readouterr().out
    assert "0.50  (goal ≤ 1, 0.50 to 0.50 in 1 runs) met" in printed and printed.rstrip().endswith("NOT MET")


def test_one_group_is_measured_alone(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(here: str, runs: int) -> Iterator[Row]:
        yield SLOW

    def second(here: str, runs: int) -> Iterator[Row]:
        yield FAST

    groups(monkeypatch, "--only", "second", first=first, second=second)
    bench.main()
    assert names(kept) == ["fast"]
    assert json.loads(kept.read_text())[0] == FAST.as_dict()
