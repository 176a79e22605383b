"""The command line: where the sandbox lies may be said before every verb."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox import command


@pytest.mark.parametrize("home", [[], ["--home", "elsewhere"]])
def test_load_has_options_of_its_own(
    home: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sandbox", *home, "load", "--help"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 0
    assert "requests a second" in capsys.readouterr().out
