"""How the engine's commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.config import Settings
from sandbox.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A program that leaves an empty file where it is run, as conmon does."""
    program = tmp_path / "engine"
    program.write_text("#!/bin/sh\ntouch oom; pwd\n")
    program.chmod(0o755)
    return Engine(Settings(home=tmp_path / "home", prefix="127.77", engine=str(program), network="none"))


def test_what_the_engine_leaves_where_it_is_run_lies_in_the_sandboxs_home(engine: Engine) -> None:
    engine.settings.home.mkdir()
    assert engine.call("ps").strip() == str(engine.settings.home)
    assert [path.name for path in engine.settings.home.iterdir()] == ["oom"]


def test_without_a_home_it_is_run_all_the_same(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert engine.call("ps").strip() == str(tmp_path)
