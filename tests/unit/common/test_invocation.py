"""The input of every run(): tags are texts."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation

AWS = cast(Aws, SimpleNamespace())


@pytest.mark.parametrize("option", ["tags", "first_tags", "select_by_tags"])
def test_numbers_truth_values_and_dates_become_texts(option: str) -> None:
    given: dict[Any, Any] = {
        "cost": 42,
        "share": 0.5,
        "critical": True,
        "old": False,
        "day": datetime.date(2026, 1, 2),
        7: None,
    }
    params = Invocation({option: given, "count": 42}, AWS).params
    texts = {"cost": "42", "share": "0.5", "critical": "true", "old": "false", "day": "2026-01-02", "7": ""}
    assert params == {option: texts, "count": 42}


@pytest.mark.parametrize("params", [{}, {"tags": None}, {"tags": {}}])
def test_without_tags_nothing_changes(params: dict[str, Any]) -> None:
    assert Invocation(params, AWS).params == params
