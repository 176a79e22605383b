"""Prometheus's text format: what a program says about itself at one moment. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TYPE = re.compile(r"# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$")
_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? +(\S+)(?: +-?\d+)?$")
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Labels = tuple[tuple[str, str], ...]


class Malformed(Exception):
    """This is not the format."""


@dataclass(frozen=True)
class Reading:
    """One metric with one set of labels. Of a histogram or summary, `value` is the sum and `count` how many it is of."""

    name: str
    kind: str
    labels: Labels
    value: float
    count: float | None = None


def read(text: str) -> list[Reading]:
    """Raises Malformed, as the real one drops a whole scrape in which it cannot read a line."""
    kinds: dict[str, str] = {}
    found: list[Reading] = []
    parts: dict[tuple[str, Labels], dict[str, float]] = {}
    for line in text.splitlines():
        if declared := _TYPE.match(line):
            kinds[declared[1]] = declared[2]
        if not line or line.startswith("#"):
            continue
        name, labels, value = _sample(line)
        family, _, part = name.rpartition("_")
        if part in {"bucket", "sum", "count"} and kinds.get(family) in {"histogram", "summary"}:
            if part != "bucket":
                parts.setdefault((family, labels), {})[part] = value
        elif kinds.get(name) != "summary":  # a summary's own lines are its quantiles
            found.append(Reading(name, kinds.get(name, "untyped"), labels, value))
    for (family, labels), both in parts.items():
        found.append(Reading(family, kinds[family], labels, both.get("sum", 0.0), both.get("count", 0.0)))
    return found


def _sample(line: str) -> tuple[str, Labels, float]:
    matched = _SAMPLE.match(line)
    if matched is None:
        raise Malformed(f"not a sample: {line!r}")
    try:
        return matched[1], tuple(sorted(_labels(matched[2] or "", line))), float(matched[3])
    except ValueError as wrong:
        raise Malformed(f"not a number in {line!r}") from wrong


def _labels(text: str, line: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        matched = _LABEL.match(text, at)
        if matched is None:
            raise Malformed(f"not a label in {line!r}")
        yield matched[1], re.sub(r"\\.", lambda found: _ESCAPED.get(found[0], found[0]), matched[2])
        at = matched.end()
