"""What a shell exports to work against a sandbox: its API, its engine, and the programs of the checkout that runs it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from .config import USUAL_HOME, Settings


def of_shell(settings: Settings) -> dict[str, str]:
    """All that the commands of the README need, from any shell: the programs that make installed come first on PATH."""
    programs = str(Path(sys.executable).parent)
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != programs]
    return {**settings.environment(), **_remembered(settings.home), "PATH": os.pathsep.join([programs, *path])}


def command(home: Path, words: str) -> str:
    """A command of the sandbox as any shell in this checkout can run it: make's PATH and variables are not that shell's."""
    program = Path(sys.executable)
    if program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    options = "" if home == USUAL_HOME else f"--home {shlex.quote(str(home))} "
    return f"{program} -m sandbox {options}{words}"


def remember(home: Path, assignments: list[str]) -> None:
    """Keep further exports (NAME=VALUE) with the sandbox, such as the base image that was made for it."""
    values = _remembered(home) | dict(text.split("=", 1) for text in assignments)
    part = home / "exports.json.part"
    part.write_text(json.dumps(values, indent=2) + "\n")
    part.replace(home / "exports.json")


def _remembered(home: Path) -> dict[str, str]:
    try:
        return dict(json.loads((home / "exports.json").read_text()))
    except FileNotFoundError:
        return {}
