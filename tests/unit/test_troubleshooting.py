"""docs/troubleshooting.md quotes messages as the code has them, and has an entry for every message of certain kinds."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from .documented import sources, takes

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/troubleshooting.md"
UTILS = ROOT / "plugins/module_utils"
# Stands in a template where the code fills something in, and in a quoted message for what differs.
_FILLED, _DIFFERS = "\0", "…"
# Fewer letters than these would be found anywhere.
_FEWEST_LETTERS = 4
_OF_AWS = {"What AWS says about tokens", "What AWS says about tasks and targets"}
# Every refusal and every judgement of these files has an entry.
COMPLETE = (
    "aws/credentials.py",
    "common/ownership.py",
    "common/removal.py",
    "environment/acm_validated_certificate.py",
    "environment/environment_teardown.py",
    "image/build.py",
    "image/container_image.py",
    "image/platform.py",
    "operations/service_exec_info.py",
    "release/bluegreen_request.py",
    "release/ledger_items.py",
    "release/preflight.py",
    "rollout/abort_rules.py",
    "rollout/begin.py",
    "rollout/gates.py",
    "rollout/history.py",
    "rollout/lease.py",
    "service/existing_fit.py",
    "service/location.py",
    "service/rule_priorities.py",
    "service/rule_quota.py",
    "service/service_preflight.py",
)
# Calls that make such a sentence. What passed is no entry.
_SAYING = {"Refused", "AbortReason", "Finding", "Failure", "Held", "ValueError", "failed", "unclear"}
# Only ever parts of other sentences.
PARTS = (
    "nothing was judged",
    " ms in ",
    " against live's ",
)


def entries() -> Iterator[tuple[str, str]]:
    """The group and the text of each quoted message: the code in the first column of the tables."""
    group = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            group = line[3:]
        elif group and line.startswith("| `"):
            cell = line.split(" | ")[0].removeprefix("| ")
            yield from (
                (group, double.strip() or single) for double, single in re.findall(r"``(.+?)``|`([^`]+)`", cell)
            )


MESSAGES = tuple(entries())


def fragments(message: str) -> list[str]:
    return [part.strip(" ") for part in message.split(_DIFFERS) if part.strip(" ")]


def says(template: str, message: str) -> bool:
    """Whether the message's fragments stand in the template in their order."""
    start = 0
    for fragment in fragments(message):
        found = template.find(fragment, start)
        if found < 0:
            return False
        start = found + len(fragment)
    return True


def letters(text: str) -> int:
    return len(re.findall(r"\w", text))


def covers(text: str, message: str) -> bool:
    """Whether the message is this one in particular: a few words that many have in common are not enough."""
    quoted, whole = sum(map(letters, fragments(message))), letters(text)
    return says(text, message) and quoted >= min(20, whole / 3)


def template(node: ast.AST) -> str | None:
    """The text of a literal or an f-string, and of those that are added to each other."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else _FILLED for part in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = template(left), template(right)
            return None if both == (None, None) else "".join(_FILLED if part is None else part for part in both)
    return None


@functools.cache
def templates() -> frozenset[str]:
    """Every text of the plugins, roles and playbooks that a message can be made of."""
    folders = ("module_utils", "plugin_utils", "action", "modules")
    files = [file for folder in folders for file in (ROOT / "plugins" / folder).rglob("*.py") if not file.is_symlink()]
    found = {text for file in files for node in ast.walk(ast.parse(file.read_text())) if (text := template(node))}
    return frozenset({*found, *_templates_of_tasks()})


def _templates_of_tasks() -> Iterator[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "roles/*/tasks/*.yml", "playbooks/*.yml"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        for text in _values(yaml.safe_load((ROOT / name).read_text())) if name else ():
            yield re.sub(r"\{\{.*?\}\}", _FILLED, text)


def _values(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _values(value)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value)


def sentences(file: Path) -> set[str]:
    """What a file refuses or judges: the texts that it yields, raises, returns by themselves, or gives to a call of _SAYING."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        said: list[ast.AST | None] = []
        match node:
            case ast.Yield(value=value) | ast.Return(value=value):
                said = [value]
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _SAYING or name.endswith("Error"):
                said = list(arguments)
        for value in said:
            text = template(value) if value is not None else None
            if text and len(text.replace(_FILLED, "").split()) >= 3:
                found.add(text)
    return found


def test_the_page_has_entries() -> None:
    assert len(MESSAGES) > 150


@pytest.mark.parametrize(
    "message", [text for group, text in MESSAGES if group not in _OF_AWS], ids=lambda message: message[:60]
)
def test_a_quoted_message_is_in_the_code(message: str) -> None:
    assert sum(map(letters, fragments(message))) >= _FEWEST_LETTERS
    assert any(says(text, message) for text in templates())


@pytest.mark.parametrize("message", [text for group, text in MESSAGES if group in _OF_AWS])
def test_what_the_page_quotes_of_aws_is_said_by_the_sandbox_or_read_by_the_plugins(message: str) -> None:
    assert message in sources("sandbox", "plugins")


@pytest.mark.parametrize("name", COMPLETE)
def test_every_refusal_has_an_entry(name: str) -> None:
    needed = [text for text in sorted(sentences(UTILS / name)) if not any(part in text for part in PARTS)]
    assert [text for text in needed if not any(covers(text, message) for _group, message in MESSAGES)] == []


def test_every_file_of_the_list_says_something() -> None:
    assert [name for name in COMPLETE if not sentences(UTILS / name)] == []


def test_every_playbook_and_extra_variable_of_the_advice_exists() -> None:
    text = PAGE.read_text()
    playbooks = set(re.findall(r"playbooks/(\w+)\.yml", text))
    assert sorted(name for name in playbooks if not (ROOT / f"playbooks/{name}.yml").is_file()) == []
    assert sorted(name for name in re.findall(r"-e (\w+)=", text) if not takes(name)) == []


def test_every_outcome_that_fails_a_release_is_named() -> None:
    text = PAGE.read_text()
    outcomes = ("rolled_back", "failed", "inconclusive", "approval_expired", "superseded", "refused")
    assert [outcome for outcome in outcomes if f"`{outcome}`" not in text] == []


def test_every_group_is_in_the_table_of_contents_and_every_message_once() -> None:
    text = PAGE.read_text()
    contents = text.partition("\n## ")[0]
    assert [head for head in re.findall(r"^## (.+)$", text, re.MULTILINE) if f"[{head}](#" not in contents] == []
    quoted = [message for _group, message in MESSAGES]
    assert sorted({message for message in quoted if quoted.count(message) > 1}) == []
