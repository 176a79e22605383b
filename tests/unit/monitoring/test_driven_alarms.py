"""The table of docs/operations.md that says which test drives which alarm: every alarm has a row, and the test named there drives it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import SEVERITIES

ROOT = Path(__file__).resolve().parents[3]
SECTION = "## Which test drives which alarm\n"
GIVEN = "given metrics"
# What the sandbox cannot produce.
NOT_PRODUCED = {"database-connections", "database-storage", "file-system-io"}


def rows() -> list[tuple[list[str], str, list[Path]]]:
    """Alarms, what is broken, and the files of the tests."""
    section = (ROOT / "docs/operations.md").read_text().partition(SECTION)[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return [
        (re.findall(r"`([a-z0-9-]+)`", kinds), broken, [ROOT / name for name in re.findall(r"`(tests/[^`]+)`", tests)])
        for kinds, broken, tests in lines
    ]


def test_every_shipped_alarm_has_one_row() -> None:
    assert sorted(kind for kinds, _, _ in rows() for kind in kinds) == sorted(SEVERITIES)


@pytest.mark.parametrize(("kinds", "tests"), [pytest.param(row[0], row[2], id=" ".join(row[0])) for row in rows()])
def test_the_test_of_a_row_names_its_alarms(kinds: list[str], tests: list[Path]) -> None:
    assert tests
    for test in tests:
        # As a whole name: burn-fast is part of another one.
        missing = [kind for kind in kinds if not re.search(rf"[\"/]{kind}[\"-]", test.read_text())]
        assert not missing, f"{test.relative_to(ROOT)} says nothing of {missing}"


def test_only_what_the_sandbox_cannot_produce_is_driven_by_given_metrics() -> None:
    assert {kind for kinds, broken, _ in rows() if broken == GIVEN for kind in kinds} == NOT_PRODUCED
