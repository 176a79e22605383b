# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drift that check mode found: kept by the callback in the controller, read by the report in the forked worker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_WIDTHS = (14, 48, 30, 30)
_HEADINGS = ("host", "what", "is", "should be")


@dataclass(frozen=True)
class Row:
    """One property that differs from the inventory."""

    host: str
    what: str
    before: str
    after: str


@dataclass
class Log:
    """The rows of this run. They are recorded only if the callback is enabled."""

    recording: bool = False
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


# One per process: a worker is forked from the controller when its task begins, and sees what was kept until then.
LOG = Log()


def rows_of(host: str, task: str, result: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of one changed result: one per property where its diff is a mapping, else one for the task."""
    diffs = result.get("diff") or []
    found = False
    for diff in diffs if isinstance(diffs, Sequence) else [diffs]:
        for what, before, after in _differences("", _parsed(diff.get("before")), _parsed(diff.get("after"))):
            found = True
            yield Row(host, what or task, text(before), text(after))
    for disagreement in result.get("disagreements") or []:
        found = True
        yield Row(host, disagreement["what"], disagreement["found"], disagreement["recorded"])
    if not found:
        item = result.get("_ansible_item_label") or result.get("item")
        yield Row(host, f"{task} ({text(item)})" if item else task, "", "differs")


def _differences(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """Go down as long as both sides are mappings."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            yield from _differences(f"{path}: {key}" if path else str(key), before.get(key), after.get(key))
    else:
        yield path, before, after


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
    if value is None:
        return "missing"
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, sort_keys=True, default=str)


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of columns; what is too long for its column is cut, and whole in the task's result."""
    lines = [_line(_HEADINGS), _line(tuple("-" * width for width in _WIDTHS))]
    return lines + [_line((row.host, row.what, row.before, row.after)) for row in rows]


def _line(cells: Sequence[str]) -> str:
    cut = (cell if len(cell) <= width else cell[: width - 1] + "…" for cell, width in zip(cells, _WIDTHS, strict=True))
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cut, _WIDTHS, strict=True)).rstrip()
