# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules of one resource share: its removal with state=absent, and its tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .changes import Changes

# Documented by the fragment pear.fargate.resource.
STATE_ARGUMENTS: dict[str, Any] = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
TAG_ARGUMENTS: dict[str, Any] = {
    "tags": {"type": "dict", "default": {}},
    "purge_tags": {"type": "bool", "default": False},
}


@dataclass(frozen=True)
class TagCalls:
    """The calls that read, write and remove tags of one resource."""

    read: Callable[[], Mapping[str, str]]
    add: Callable[[dict[str, str]], object]
    remove: Callable[[list[str]], object]


def put_tags_right(changes: Changes, params: Mapping[str, Any], calls: TagCalls, what: str = "tags") -> None:
    """Write tags that differ; with purge_tags remove the others, but for those that AWS sets itself."""
    desired, purge = dict(params["tags"]), params["purge_tags"]
    known = calls.read() if desired or purge else {}
    differ = {key: value for key, value in desired.items() if known.get(key) != value}
    surplus = [key for key in sorted(known) if purge and key not in desired and not key.startswith("aws:")]
    after = {**differ, **dict.fromkeys(surplus)}
    changes.want(what, {key: known.get(key) for key in after}, after, lambda: _write(calls, differ, surplus))


def _write(calls: TagCalls, differ: dict[str, str], surplus: list[str]) -> None:
    if differ:
        calls.add(differ)
    if surplus:
        calls.remove(surplus)


def remove(changes: Changes, what: str, found: bool, call: Callable[[], object]) -> None:
    """Remove the resource where it exists."""
    if found:
        changes.want(what, "present", "absent", call)
