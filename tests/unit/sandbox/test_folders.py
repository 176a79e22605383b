"""The sandbox's folders and files: what each may import. An arrow that points upward is a defect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SANDBOX = Path(__file__).resolve().parents[3] / "sandbox"
# A folder, or a file beside the folders, may import itself and what stands before it.
ORDER = (
    # What has no state of its own
    "config", "errors", "locks", "ports", "lateness", "periodic", "processes", "engine", "listing", "registry_login", "wsgi",
    # AWS's rules without AWS's API
    "faults", "laws", "metrics", "insights", "dns",
    # The API process
    "core", "roles", "snapshot", "fargate", "console", "api",
    # The other processes
    "edge", "registry",
    # The commands
    "load", "environment", "machine", "remains", "lifecycle", "status", "command", "__main__",
)  # fmt: skip


def arrows(path: Path) -> Iterator[str]:
    """The folders and files of the sandbox that a file imports from, those for types alone included."""
    package = path.relative_to(SANDBOX).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            target = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            named = next((part for part in target if part), None)
            yield from [named] if named else [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sandbox."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("sandbox."))


def files_of(name: str) -> list[Path]:
    return sorted((SANDBOX / name).rglob("*.py")) or [SANDBOX / f"{name}.py"]


@pytest.mark.parametrize("name", ORDER)
def test_a_folder_imports_itself_and_what_stands_before_it(name: str) -> None:
    allowed = set(ORDER[: ORDER.index(name) + 1])
    upward = [
        f"{path.relative_to(SANDBOX)} imports {target}"
        for path in files_of(name)
        for target in arrows(path)
        if target not in allowed
    ]
    assert not upward


def test_every_folder_and_file_has_its_place() -> None:
    folders = {path.name for path in SANDBOX.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders | {path.stem for path in SANDBOX.glob("*.py")} - {"__init__"} == set(ORDER)


def test_every_file_says_in_its_first_line_what_it_is_for() -> None:
    silent = [path.name for path in SANDBOX.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(SANDBOX)}, {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in sorted(SANDBOX.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.end_lineno is not None and node.end_lineno - node.lineno >= 60
    ]
    assert not long


def test_no_loop_of_a_thread_but_the_common_one() -> None:
    """A loop of its own would have its own way to go on after an error. The heart only measures how late it is."""
    loops = [
        f"{path.relative_to(SANDBOX)}, line {node.lineno}"
        for path in sorted(SANDBOX.rglob("*.py"))
        if path.name not in {"periodic.py", "lateness.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.While) and ".wait(" in ast.unparse(node.test)
    ]
    assert not loops
