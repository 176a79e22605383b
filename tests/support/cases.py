"""Cases of a test of which `make test` takes some, and `make test-all` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(cases: Iterable[Any]) -> list[Any]:
    """The cases, all but the first marked as long."""
    listed = list(cases)
    assert listed, "without a case the test would be skipped"
    return one_in(len(listed), listed)


def one_in(number: int, cases: Iterable[Any]) -> list[Any]:
    """The cases, of which one in `number` is in the gate and the others are marked as long. A tuple is several arguments."""
    return [
        case if not index % number else pytest.param(*_arguments(case), marks=pytest.mark.long)
        for index, case in enumerate(cases)
    ]


def _arguments(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
