"""What of a database differs, what waits for its maintenance window, and which windows RDS takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import rds_shapes
from ansible_collections.pear.fargate.plugins.module_utils.environment.database_settings import (
    differences,
    later,
    satisfied,
    waiting_changes,
)
from ansible_collections.pear.fargate.plugins.module_utils.environment.windows import problems

INSTANCE = {
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.t4g.small",
    "EngineVersion": "17.6",
    "AllocatedStorage": 20,
    "MaxAllocatedStorage": 20,
    "PreferredMaintenanceWindow": "Sun:03:30-Sun:04:30",
    "EnabledCloudwatchLogsExports": ["upgrade"],
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsRetentionPeriod": 7,
}


def words(desired: dict[str, Any], waiting: dict[str, Any], at_once: bool = False) -> list[str]:
    found = {**INSTANCE, "PendingModifiedValues": waiting}
    now, deferred = rds_shapes.now("instance", found), rds_shapes.deferred("instance", found)
    return [difference.word for difference in differences(now, deferred, desired, at_once)]


@pytest.mark.parametrize(
    ("waiting", "at_once", "requested"),
    [
        pytest.param({}, False, True, id="never asked for"),
        pytest.param({"DBInstanceClass": "db.m8g.large"}, False, False, id="asked for, waits for the window"),
        pytest.param({"DBInstanceClass": "db.m8g.large"}, True, True, id="waits, but is wanted at once"),
        pytest.param({"DBInstanceClass": "db.r8g.large"}, False, True, id="another one waits"),
    ],
)
def test_a_change_is_asked_for_until_it_waits_or_is_there(
    waiting: dict[str, Any], at_once: bool, requested: bool
) -> None:
    assert words({"instance_class": "db.m8g.large"}, waiting, at_once) == (["instance_class"] if requested else [])


def test_a_pending_change_that_is_no_longer_desired_is_taken_back() -> None:
    assert words({"instance_class": "db.t4g.small"}, {"DBInstanceClass": "db.m8g.large"}) == ["instance_class"]
    assert words({"instance_class": "db.t4g.small"}, {"DBInstanceClass": "db.m8g.large"}, True) == ["instance_class"]


@pytest.mark.parametrize(
    ("word", "current", "desired", "enough"),
    [
        ("engine_version", "17.6", "17", True),
        ("engine_version", "17.6", "17.4", True),
        ("engine_version", "17.6", "17.10", False),
        ("engine_version", "16.9", "17", False),
        ("allocated_gib", 80, 20, True),
        ("allocated_gib", 20, 80, False),
        ("multi_az", True, False, False),
    ],
)
def test_what_rises_by_itself_is_no_difference(word: str, current: Any, desired: Any, enough: bool) -> None:
    assert satisfied(word, current, desired) is enough


def test_a_pending_change_is_reported_with_its_window_and_whether_it_restarts() -> None:
    found = {**INSTANCE, "PendingModifiedValues": {"DBInstanceClass": "db.m8g.large", "AllocatedStorage": 50}}
    now, deferred = rds_shapes.now("instance", found), rds_shapes.deferred("instance", found)
    assert waiting_changes("scores", now, deferred) == [
        "scores: allocated_gib 20 becomes 50 in the maintenance window sun:03:30-sun:04:30 UTC",
        "scores: instance_class db.t4g.small becomes db.m8g.large in the maintenance window sun:03:30-sun:04:30 UTC, with a restart",
    ]
    desired = {"instance_class": "db.m8g.large", "deletion_protection": True}
    assert [difference.word for difference in later("instance", differences(now, {}, desired, False))] == [
        "instance_class"
    ]


def test_a_request_says_only_what_changes_and_a_creation_all() -> None:
    now = rds_shapes.now("instance", INSTANCE)
    changed = {"log_exports": ["postgresql"], "max_allocated_gib": 0, "performance_insights_days": 0}
    assert rds_shapes.request("instance", changed, now) == {
        "CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql"], "DisableLogTypes": ["upgrade"]},
        "MaxAllocatedStorage": 20,
        "EnablePerformanceInsights": False,
    }
    assert rds_shapes.request("instance", changed) == {
        "EnableCloudwatchLogsExports": ["postgresql"],
        "EnablePerformanceInsights": False,
    }


@pytest.mark.parametrize(
    ("backup", "maintenance", "wrong"),
    [
        ("02:00-03:00", "sun:03:30-sun:04:30", []),
        ("23:30-00:30", "sun:00:30-sun:01:00", []),
        ("23:30-00:30", "mon:00:15-mon:00:45", ["meet"]),
        ("02:00-03:00", "sat:23:00-sun:02:30", ["meet"]),
        ("02:00-02:20", "sun:03:30-sun:04:30", ["backup_window is"]),
        ("2:00-3:00", "sunday:03:30-04:30", ["backup_window is", "maintenance_window is"]),
    ],
)
def test_windows_are_long_enough_and_apart(backup: str, maintenance: str, wrong: list[str]) -> None:
    found = list(problems(backup, maintenance))
    assert len(found) == len(wrong)
    assert all(word in sentence for word, sentence in zip(wrong, found, strict=True))
