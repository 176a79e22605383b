"""The pure core stays pure: what it imports, at any depth, is itself and the standard library's quiet part."""

from __future__ import annotations

import ast
from pathlib import Path

import ansible_collections.pear.fargate.plugins.module_utils.rollout.model as model
import pytest

FOLDER = Path(model.__file__).parent
PURE = {
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "itertools",
    "math",
    "statistics",
    "types",
    "typing",
}
IMPURE_CALLS = {"now", "today", "utcnow", "open", "print", "input"}


def files() -> list[Path]:
    found = sorted(FOLDER.glob("*.py"))
    assert len(found) > 8
    return found


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_file_of_the_core_imports_only_its_neighbours_and_pure_parts_of_python(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            roots = {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{file.name} reaches out of its folder: {ast.unparse(node)}"
            roots = {(node.module or "").split(".")[0]} if node.level == 0 else set()
        else:
            continue
        assert roots <= PURE, f"{file.name} imports {roots - PURE}"


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_file_of_the_core_asks_no_clock_and_touches_no_file(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in IMPURE_CALLS, f"{file.name}, line {node.lineno}: {ast.unparse(node)}"
