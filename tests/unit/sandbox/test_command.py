"""The command line: where the sandbox lies may be said before every verb."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from sandbox import command, environment
from sandbox.config import USUAL_HOME, Settings


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


def test_a_full_disk_is_one_line_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "settings.json"))

    monkeypatch.setattr(command, "_run", full)
    monkeypatch.setattr(sys, "argv", ["sandbox", "--home", str(tmp_path), "up"])
    assert command.main() == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"sandbox: The disk is full ({tmp_path}/settings.json). Make room, or name a folder")


def test_what_another_user_may_not_read_is_named_with_who_can(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "/somewhere/settings.json")
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    said = command.sentence(denied, Path("/somewhere"))
    assert said == "This user may not read or write /somewhere/settings.json. Run it as root, for example with sudo."
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert command.sentence(denied, Path("/somewhere")) == "Permission denied (/somewhere/settings.json)"


def test_a_printed_command_names_the_interpreter_that_has_the_packages_and_an_unusual_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.setenv("PEAR_SANDBOX_HOME", "/another one")
    assert environment.command(USUAL_HOME, "env") == ".venv/bin/python -m sandbox env"
    assert environment.command(Path("/another one"), "up") == ".venv/bin/python -m sandbox --home '/another one' up"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert environment.command(USUAL_HOME, "env") == f"{tmp_path}/.venv/bin/python -m sandbox env"


def test_a_shell_that_joins_a_sandbox_which_does_not_run_is_told_how_it_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    Settings(home=tmp_path, prefix="127.77", engine="podman", network="pear-00000000").save()
    for verb, status in (("env", 0), ("status", 1)):
        monkeypatch.setattr(sys, "argv", ["sandbox", "--home", str(tmp_path), verb])
        assert command.main() == status
        printed = capsys.readouterr()
        assert f"-m sandbox --home {tmp_path} up" in printed.err + printed.out
    assert {path.name for path in tmp_path.iterdir()} == {"settings.json"}, "looking makes nothing"
