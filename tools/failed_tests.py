"""Name the failed tests of the JUnit files in a folder, each with the first lines of its reason."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

LINES_OF_A_REASON = 6
CHARACTERS_OF_A_LINE = 300


def failures(results: Path) -> Iterator[str]:
    """One paragraph for each failure or error, in the order in which the tests ran."""
    for file in sorted(results.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            for what in (*case.iterfind("failure"), *case.iterfind("error")):
                lines = (what.get("message") or "").splitlines()[:LINES_OF_A_REASON]
                reason = "".join(f"\n    {line[:CHARACTERS_OF_A_LINE]}" for line in lines)
                yield f"{file.stem}: {case.get('classname')}::{case.get('name')} ({float(case.get('time', 0)):.0f} s){reason}"
