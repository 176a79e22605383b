"""docs/failures.md promises for each call and fault what the stories expect, no less and no more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.fault_table import OPERATIONS, SINGLE, promised

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "failures.md"


def documented() -> dict[tuple[str, str], str]:
    """Outcome by call and fault, of the table under the last heading."""
    _, _, section = DOCUMENT.read_text().partition("## Every call with every fault")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"
    ]
    header, _line, *body = rows
    assert all(re.fullmatch(r"-+", cell) for cell in _line)
    return {(row[0], kind): outcome for row in body for kind, outcome in zip(header[1:], row[1:], strict=True)}


def test_the_documents_table_of_calls_and_faults_is_what_the_stories_expect() -> None:
    assert documented() == {
        (operation, str(kind)): promised(operation, kind) for operation in OPERATIONS for kind in SINGLE
    }
