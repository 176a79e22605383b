"""Messages name what a user can write: variables of the roles that exist, and no internal name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import roles_of_the_collection

ROOT = Path(__file__).resolve().parents[2]
# A message is a text with a space; names and formats have none.
_INTERNAL = re.compile(r"\b(?:[a-z]+_)?__[a-z]\w+")
_PREFIXES = (
    "autoscaling",
    "database",
    "deployer",
    "dns",
    "file_system",
    "load_balancer",
    "monitoring",
    "network",
    "registry",
    "service",
)
_VARIABLE = re.compile(rf"\b(?:{'|'.join(_PREFIXES)})_[a-z_]+\b")
# Parameters of calls, which are filled in.
_NO_VARIABLES = {"file_system_id", "load_balancer_arn"}


def messages() -> Iterator[tuple[Path, str]]:
    """Texts of the code that a person reads: those with a space, but no documentation."""
    for file in sorted(
        [*(ROOT / "plugins/module_utils").rglob("*.py"), *(ROOT / "plugins/action").glob("service_*.py")]
    ):
        tree = ast.parse(file.read_text())
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in documented
                and " " in node.value
            ):
                yield file.relative_to(ROOT), node.value


@pytest.mark.long
def test_no_message_has_an_internal_name() -> None:
    assert [(str(file), text) for file, text in messages() if _INTERNAL.search(text)] == []


@pytest.mark.parametrize(
    "file", sorted((ROOT / "roles").glob("*/tasks/*.yml")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_no_message_of_a_role_has_an_internal_name(file: Path) -> None:
    told = [line for line in file.read_text().splitlines() if re.match(r"\s*(fail_)?msg:", line)]
    assert [line for line in told if _INTERNAL.search(re.sub(r"\{\{.*?\}\}", "", line))] == []


@pytest.mark.long
def test_every_variable_that_a_message_names_exists() -> None:
    known = {name for role in roles_of_the_collection().values() for name in role.known}
    named = {(str(file), word) for file, text in messages() for word in _VARIABLE.findall(text)}
    # A message may name the beginning of a variable, and fill in the rest.
    assert {
        (file, word)
        for file, word in named
        if word not in known and word not in _NO_VARIABLES and not any(name.startswith(word) for name in known)
    } == set()
