# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drift that check mode found: kept by the callback in the controller, read by the report in the forked worker."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_HEADINGS = ("host", "part", "setting", "is", "should be")
_WIDEST = (20, 44, 34, 38, 38)
# A value that is longer stands whole in the task's result.
_LINES = 8
# What tells the elements of a list apart.
_KEYS = ("name", "Name", "Sid", "key", "Key", "id", "port", "widget")
_NOT_TOLD = "not told by the module"


@dataclass(frozen=True)
class Row:
    """One setting that differs from the inventory. `before` is what it is, `after` what it should be."""

    host: str
    part: str
    setting: str
    before: str
    after: str
    # Whether no host of the inventory is what it was made for: no run of a playbook puts that right.
    orphan: bool = False

    @property
    def as_dict(self) -> dict[str, Any]:
        """`what` is part and setting in one."""
        return {**vars(self), "what": f"{self.part}: {self.setting}" if self.setting else self.part}


@dataclass(frozen=True)
class Source:
    """Where a result comes from."""

    host: str
    task: str
    module: str = ""

    def part(self, result: Mapping[str, Any]) -> str:
        """The resource that the task is about: its module, and its name where the result tells it."""
        name = result.get("name")
        words = self.module.rpartition(".")[2] or self.task
        return f"{words} {name}" if isinstance(name, str) and name else words


@dataclass
class Log:
    """The rows of this run. They are recorded only if the callback is enabled."""

    recording: bool = False
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


# One per process: a worker is forked from the controller when its task begins, and sees what was kept until then.
LOG = Log()


def rows_of(source: Source, result: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of one changed result: one per setting where its diff is a mapping, else one per passage of text."""
    diffs = result.get("diff") or []
    part, found = source.part(result), False
    for diff in diffs if isinstance(diffs, Sequence) else [diffs]:
        for path, before, after in _differences((), _parsed(diff.get("before")), _parsed(diff.get("after"))):
            found = True
            # The first of several steps names the part itself, such as "health check of production-web-blue".
            own, setting = (path[0], path[1:]) if len(path) > 1 else (part, path)
            yield Row(source.host, own, ": ".join(setting), text(before), text(after))
    for disagreement in result.get("disagreements") or []:
        found = True
        yield Row(source.host, disagreement["what"], "", disagreement["found"], disagreement["recorded"])
    for orphan in result.get("orphans") or []:
        found = True
        part = f"{orphan['kind']} {orphan['name']}"
        yield Row(orphan["service"], part, "not in the inventory", "there", "missing", orphan=True)
    if not found:
        item = result.get("_ansible_item_label") or result.get("item")
        task = f"{source.task} ({text(item)})" if item else source.task
        yield Row(source.host, part, task, _NOT_TOLD, "as the inventory says")


def _differences(path: tuple[str, ...], before: Any, after: Any) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Go down as long as both sides are mappings, or lists whose elements have names."""
    if before == after:
        return
    named = [_named(side) for side in (before, after)]
    if all(isinstance(side, Mapping) for side in named):
        for key in sorted({*named[0], *named[1]}, key=str):
            yield from _differences((*path, str(key)), named[0].get(key), named[1].get(key))
    elif all(isinstance(side, str) and "\n" in side.strip() for side in (before, after)):
        yield from _passages(path, before.splitlines(), after.splitlines())
    else:
        yield path, before, after


def _named(side: Any) -> Any:
    """A list of mappings that one key tells apart, as a mapping."""
    if not isinstance(side, list) or not side or not all(isinstance(element, Mapping) for element in side):
        return side
    for key in _KEYS:
        names = [element.get(key) for element in side]
        if None not in names and len({str(name) for name in names}) == len(side):
            return {str(name): element for name, element in zip(names, side, strict=True)}
    return side


def _passages(
    path: tuple[str, ...], before: Sequence[str], after: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for kind, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if kind != "equal":
            old, new = "\n".join(before[start:end]), "\n".join(after[new_start:new_end])
            yield (*path, f"line {start + 1}"), old or None, new or None


def _parsed(side: Any) -> Any:
    """Some modules write JSON, to be shown line by line."""
    if isinstance(side, str) and side.lstrip().startswith("{"):
        try:
            return json.loads(side)
        except json.JSONDecodeError:
            # Text that only begins like JSON is shown as the text it is.
            return side
    return side


def text(value: Any) -> str:
    """A value in words: no brackets around plain lists, no quotes."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return " ".join(value.split()) or '""'
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {text(value[key])}" for key in sorted(value, key=str)) or "nothing"
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(element, (Mapping, list, tuple)) for element in value)
        return (" | " if nested else ", ").join(text(element) for element in value) or "nothing"
    return json.dumps(value, default=str)


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of columns, each as wide as it needs to be. What is too long for its column goes on in the next line."""
    cells = [_HEADINGS, *((row.host, row.part, row.setting, row.before, row.after) for row in rows)]
    widths = [
        min(widest, max(len(line[column]) for line in cells)) for column, widest in zip(range(5), _WIDEST, strict=True)
    ]
    ruler = tuple("-" * width for width in widths)
    return [line for entry in (cells[0], ruler, *cells[1:]) for line in _lines(entry, widths)]


def _lines(entry: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    columns = [_wrapped(cell, width) for cell, width in zip(entry, widths, strict=True)]
    for number in range(max(map(len, columns))):
        cells = (column[number] if number < len(column) else "" for column in columns)
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _wrapped(cell: str, width: int) -> list[str]:
    lines = textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
    if len(lines) <= _LINES:
        return lines
    return [*lines[: _LINES - 1], f"… {len(cell)} characters"]
