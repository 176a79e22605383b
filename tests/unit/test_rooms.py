"""The rooms of module_utils: what each may import. An arrow that points upward is a defect."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
MODULE_UTILS = PLUGINS / "module_utils"
# Each room may import itself and the rooms before it.
ROOMS = ("rollout", "aws", "common", "image", "monitoring", "service", "environment", "release", "operations")


def arrows(path: Path) -> Iterator[str]:
    """The rooms that a file imports from."""
    package = path.relative_to(MODULE_UTILS).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            target = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            yield next(part for part in target if part)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_itself_and_the_rooms_before_it(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    if room == "aws":
        allowed.remove("rollout")
    upward = [
        f"{path.relative_to(MODULE_UTILS)} imports {target}"
        for path in sorted((MODULE_UTILS / room).rglob("*.py"))
        for target in arrows(path)
        if target not in allowed
    ]
    assert not upward


def test_the_page_of_the_architecture_says_which_rooms_read_aws() -> None:
    page = (PLUGINS.parent / "docs/architecture.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", page, re.MULTILINE))
    reads = {room: any("aws" in arrows(path) for path in (MODULE_UTILS / room).rglob("*.py")) for room in ROOMS}
    reads["aws"] = True
    assert {room: told[room] != "no" for room in ROOMS} == reads


def test_no_file_lies_outside_a_room() -> None:
    assert not list(MODULE_UTILS.glob("*.py"))
    assert {path.name for path in MODULE_UTILS.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)


def test_every_file_says_in_its_first_line_what_it_is_for() -> None:
    silent = [path.name for path in MODULE_UTILS.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


def imported(path: Path) -> Iterator[str]:
    """The full names of what a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("folder", ["modules", "module_utils"])
def test_what_runs_on_a_managed_host_imports_only_what_ansible_sends_there(folder: str) -> None:
    """Ansible packs module_utils with a module, and nothing else of a collection: no other module, no plugin_utils."""
    unsent = [
        f"{path.relative_to(PLUGINS)} imports {name}"
        for path in sorted((PLUGINS / folder).rglob("*.py"))
        for name in imported(path)
        if name.startswith("ansible_collections.") and ".plugins.module_utils" not in name
    ]
    if folder == "modules":
        unsent += [path.name for path in (PLUGINS / folder).glob("*.py") if any(n[:1] == "." for n in imported(path))]
    assert not unsent


_CLIENT = re.compile(r"""\.client\(\s*["']([a-z0-9-]+)["']""")
_OTHER_NAMES = {"application-autoscaling": "autoscaling", "service-quotas": "service_quotas"}


def test_a_client_of_aws_is_called_in_the_file_that_is_named_for_it() -> None:
    """aws/ec2.py calls EC2 and nothing else does; a file too long would be divided into ec2_network.py and the like."""
    elsewhere = []
    for path in sorted(PLUGINS.rglob("*.py")):
        for client in _CLIENT.findall(path.read_text()):
            name = _OTHER_NAMES.get(client, client)
            in_its_file = path.parent == MODULE_UTILS / "aws" and (
                path.stem == name or path.stem.startswith(f"{name}_")
            )
            if not in_its_file:
                elsewhere.append(f"{path.relative_to(PLUGINS)} calls {client}")
    assert not elsewhere


def test_no_client_is_made_but_by_a_name_that_can_be_read() -> None:
    """A name that is computed would escape the test above."""
    computed = [
        f"{path.relative_to(PLUGINS)}, line {node.lineno}"
        for path in sorted(PLUGINS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client"
        if not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    assert not computed


def test_a_module_waits_by_the_common_helpers() -> None:
    """A loop of its own would have its own deadline and message. Releases have their own loop, the controller's."""
    loops = [
        f"{path.relative_to(MODULE_UTILS)}, line {node.lineno}"
        for room in ("aws", "image", "monitoring", "service", "environment")
        for path in sorted((MODULE_UTILS / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"
    ]
    assert not loops


def test_a_key_is_named_by_its_arn_everywhere() -> None:
    """One name for one option: AWS's own spellings (KmsKeyId, KMSMasterKeyID, kmsKey) stay in aws/."""
    others = [
        f"{path.name}: {word}"
        for folder in (PLUGINS / "modules", PLUGINS.parent / "roles")
        for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.yml")])
        for word in re.findall(r"\b\w*kms_key(?:_id)?\b", path.read_text())
    ]
    assert not others


def test_no_variable_is_called_one() -> None:
    """A loop variable is called what its element is."""
    root = PLUGINS.parent
    unnamed = [
        f"{path.relative_to(root)}, line {node.lineno}"
        for folder in ("plugins", "sandbox", "tools", "bench", "examples")
        for path in sorted((root / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Name) and node.id == "one") or (isinstance(node, ast.arg) and node.arg == "one")
    ]
    assert not unnamed


def test_every_function_is_called_somewhere() -> None:
    """A guard that nothing calls guards nothing."""
    words: Counter[str] = Counter()
    defined: Counter[str] = Counter()
    for path in sorted(PLUGINS.rglob("*.py")):
        text = path.read_text()
        words.update(re.findall(r"\w+", text))
        if path.is_relative_to(MODULE_UTILS):
            functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
            defined.update(function.name for function in functions if not function.name.startswith("__"))
    assert [name for name, count in defined.items() if words[name] <= count] == []
