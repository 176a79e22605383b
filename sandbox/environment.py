"""What a shell exports to work against a sandbox: its API, its engine, and the programs of the checkout that runs it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .config import Settings


def of_shell(settings: Settings) -> dict[str, str]:
    """All that the commands of the README need, from any shell: the programs that make installed come first on PATH."""
    programs = str(Path(sys.executable).parent)
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != programs]
    return {**settings.environment(), **_remembered(settings.home), "PATH": os.pathsep.join([programs, *path])}


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
