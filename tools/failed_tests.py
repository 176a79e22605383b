"""Name the failed tests of the JUnit files in a folder, and the errors of playbooks in a log, each with its first lines."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

LINES_OF_A_REASON = 6
CHARACTERS_OF_A_LINE = 300
# What ansible-core prints where a task failed, and what molecule draws before each line of it.
ERROR_OF_A_PLAY = re.compile(r"\[ERROR\]: |fatal: \[")
LINES_OF_AN_ERROR = 12
DRAWN = re.compile(r"\x1b\[[0-9;]*m|^\s*│ ?", re.MULTILINE)


def failures(results: Path) -> Iterator[str]:
    """One paragraph for each failure or error, in the order in which the tests ran."""
    for file in sorted(results.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            for what in (*case.iterfind("failure"), *case.iterfind("error")):
                lines = (what.get("message") or "").splitlines()[:LINES_OF_A_REASON]
                reason = "".join(f"\n    {line[:CHARACTERS_OF_A_LINE]}" for line in lines)
                yield f"{file.stem}: {case.get('classname')}::{case.get('name')} ({float(case.get('time', 0)):.0f} s){reason}"


def errors_of_plays(log: str) -> Iterator[str]:
    """One paragraph for each task that failed."""
    lines = DRAWN.sub("", log).splitlines()
    end = 0
    for number, line in enumerate(lines):
        if number >= end and ERROR_OF_A_PLAY.search(line):
            end = number + LINES_OF_AN_ERROR
            yield "\n    ".join(
                error_line[:CHARACTERS_OF_A_LINE] for error_line in lines[number:end] if error_line.strip()
            )
