# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary of a release in Markdown, for the page of a pipeline's run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SUFFIX = ".md"


def is_summary(path: str) -> bool:
    return path.lower().endswith(SUFFIX)


def summary_page(environment: str, answer: Mapping[str, Any]) -> str:
    """How it ended and why, the release, and the causes of a failure."""
    return "".join(f"{line}\n" for line in _lines(environment, answer))


def _lines(environment: str, answer: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {environment}: {answer['outcome']}", "", answer["reason"], "")
    release = answer["release"] or {}
    shown = {**release, "strategy": release.get("plan", {}).get("strategy")}
    yield from (
        f"* {name}: `{shown[name]}`" for name in ("id", "version", "digest", "by", "strategy") if shown.get(name)
    )
    yield from (f"* cause: {cause}" for cause in answer["evidence"].get("causes", []))
