"""Release after release of one service: colours alternate, no request fails, nothing is left over."""

from __future__ import annotations

import itertools

import pytest

from .arcade import CLUSTER, Arcade, arcade
from .load import assert_not_one_failed

__all__ = ["arcade"]


@pytest.mark.long
def test_ten_releases_alternate_and_leave_nothing_over(arcade: Arcade) -> None:
    ecs = arcade.stage.client("ecs")
    lives = []
    with arcade.under_load() as running:
        for number in range(10):
            arcade.release(f"t{number}", service_desired_count=1, service_checks=[]).succeeded()
            lives.append(arcade.live())
        summary = running.stop()
    assert_not_one_failed(summary, 2000)
    assert all(one != other for one, other in itertools.pairwise(lives))
    names = [arn.rpartition("/")[2] for arn in ecs.list_services(cluster=CLUSTER)["serviceArns"]]
    assert sorted(one for one in names if one.startswith("arcade")) == ["arcade-blue", "arcade-green"]
    groups = [one["TargetGroupName"] for one in arcade.stage.client("elbv2").describe_target_groups()["TargetGroups"]]
    assert sorted(one for one in groups if "arcade" in one) == ["local-arcade-blue", "local-arcade-green"]
