"""Unit tests lie in the room of what they test, and no test file imports another: what they share has a file of its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parent
TESTS = UNIT.parent
ROOMS = sorted(
    room.name
    for room in (UNIT.parents[1] / "plugins/module_utils").iterdir()
    if room.is_dir() and "__" not in room.name
)


def test_every_room_has_its_tests() -> None:
    assert [room for room in ROOMS if not list((UNIT / room).glob("test_*.py"))] == []


@pytest.mark.parametrize("file", sorted(TESTS.rglob("test_*.py")), ids=lambda file: str(file.relative_to(TESTS)))
def test_a_test_file_imports_no_other(file: Path) -> None:
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    named = {part for node in nodes for part in (node.module or "").split(".")}
    assert [name for name in named if name.startswith("test_")] == []
