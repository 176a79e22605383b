"""The bare root removes the folder that it made, and no other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tools import bare_root


@pytest.mark.parametrize(
    ("arguments", "user", "program", "said"),
    [
        pytest.param([], 0, "/usr/bin/mmdebstrap", "name the suite", id="no suite"),
        pytest.param(["trixie"], 1000, "/usr/bin/mmdebstrap", "needs root", id="another user"),
        pytest.param(["trixie"], 0, None, "apt-get install -y mmdebstrap", id="no mmdebstrap"),
        pytest.param(["trixie", "/usr"], 0, "/usr/bin/mmdebstrap", "/usr exists", id="a folder that is there"),
    ],
)
def test_it_says_why_it_cannot_begin(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    user: int,
    program: str | None,
    said: str,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda name: program)
    removed: list[Path] = []
    monkeypatch.setattr(shutil, "rmtree", lambda folder, **options: removed.append(folder))
    assert bare_root.main(arguments) == 2
    assert said in capsys.readouterr().err.splitlines()[0]
    assert removed == []


def test_what_runs_in_the_folder_ends_before_it_is_removed_also_where_making_it_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bare_root, "refused", lambda arguments: "")
    happened: list[str] = []

    def interrupted(suite: str, root: bare_root.BareRoot) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bare_root, "make", interrupted)
    monkeypatch.setattr(bare_root.BareRoot, "processes", lambda self: {4194305: "python -m sandbox serve"})
    monkeypatch.setattr(os, "kill", lambda pid, number: happened.append(f"kill {pid}"))
    monkeypatch.setattr(shutil, "rmtree", lambda folder, **options: happened.append("remove"))
    with pytest.raises(KeyboardInterrupt):
        bare_root.main(["trixie", str(tmp_path / "root")])
    assert happened == ["kill 4194305", "remove"]
