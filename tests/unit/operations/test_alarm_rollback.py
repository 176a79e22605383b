"""An alarm leads to a rollback where it speaks of a release: one under way, or one whose rollback window is open."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pear.fargate.plugins.filter.alarms import alarm_rollback
from ansible_collections.pear.fargate.plugins.module_utils.operations.alarm_rollback import decide

NOW = 10_000.0


def release(**more: Any) -> dict[str, Any]:
    return {"id": "r2", "kind": "deploy", "started_at": 9_000.0, "warm_until": 12_000.0, **more}


POSSIBLE = {"possible": True, "reason": "", "release": "r1"}


@pytest.mark.parametrize(
    ("found", "at", "act", "reason"),
    [
        pytest.param({"under_way": release()}, 9_500, True, "during release r2", id="during a release"),
        pytest.param(
            {"under_way": release()}, 8_999, False, "before release r2", id="older than the release under way"
        ),
        pytest.param({"under_way": release(kind="rollback")}, 9_500, False, "is under way", id="a rollback runs"),
        pytest.param(
            {"release": release(), "rollback": POSSIBLE},
            9_500,
            True,
            "within the rollback window",
            id="within the window",
        ),
        pytest.param(
            {"release": release(warm_until=9_900.0), "rollback": POSSIBLE},
            9_500,
            False,
            "is over",
            id="after the window",
        ),
        pytest.param(
            {"release": release(warm_until=None), "rollback": POSSIBLE}, 9_500, False, "is over", id="without a window"
        ),
        pytest.param(
            {"release": release(), "rollback": POSSIBLE}, 8_000, False, "before release r2", id="older than the release"
        ),
        pytest.param(
            {"release": release(kind="rollback"), "rollback": POSSIBLE},
            9_500,
            False,
            "rolled back already",
            id="returned already",
        ),
        pytest.param(
            {"release": release(), "rollback": {"possible": False, "reason": "r1 never succeeded"}},
            9_500,
            False,
            "r1 never succeeded",
            id="nothing to return to",
        ),
        pytest.param({"release": release()}, 9_500, False, "no earlier good release", id="a first release"),
        pytest.param({}, 9_500, False, "nothing to return to", id="never released"),
    ],
)
def test_an_alarm_is_a_reason_to_roll_back_where_it_speaks_of_a_release(
    found: dict[str, Any], at: float, act: bool, reason: str
) -> None:
    decision = decide(found, at, NOW)
    assert decision.act is act and reason in decision.reason


@pytest.mark.parametrize("alarm", [{}, {"at": None}, {"at": "yesterday"}])
def test_an_alarm_without_a_time_is_refused(alarm: dict[str, Any]) -> None:
    with pytest.raises(AnsibleFilterError, match="has no time"):
        alarm_rollback({}, alarm)
    assert alarm_rollback({}, {"at": "9500"})["act"] is False
