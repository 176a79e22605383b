"""triage.yml on a service under load: nothing wrong, then what breaks it, each with the right cause and the command that mends it."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from .arcade import CANARY, Arcade, arcade, finished
from .calls import mutating_calls
from .faults import fault

__all__ = ["arcade"]

# What running containers do all the time, whatever a playbook does.
NOT_THE_PLAYBOOKS = {"logs:PutLogEvents", "logs:CreateLogStream", "xray:PutTraceSegments"}
CHAOS = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.5"}
# Twenty-four minutes of the stage's CloudWatch: what stories before this one did is over.
MINUTES = 2


class Triage:
    """Runs the playbook, and reads what it wrote."""

    def __init__(self, arcade: Arcade, folder: Path) -> None:
        self.arcade = arcade
        self.json, self.note = folder / "triage.json", folder / "note.md"
        self.last: dict[str, Any] = {}
        self.seconds: list[float] = []

    def run(self, changes_nothing: bool = True) -> dict[str, Any]:
        before = len(mutating_calls(self.arcade.stage))
        variables = {"triage_json": str(self.json), "triage_note": str(self.note), "triage_minutes": MINUTES}
        play = self.arcade.play("triage", **variables).succeeded()
        if changes_nothing:
            assert set(mutating_calls(self.arcade.stage)[before:]) <= NOT_THE_PLAYBOOKS
        self.last = json.loads(self.json.read_text())
        assert self.last["headline"] in play.output
        self.seconds.append(self.last["seconds"])
        return self.last

    def until(self, **expected: str) -> dict[str, Any]:
        """Until it says so: metrics are minutes late, on the stage too."""
        self.arcade.wait_for(lambda: {key: self.run()[key] for key in expected} == expected, 1800)
        return self.last

    def states(self) -> dict[str, str]:
        return {check["check"]: check["state"] for check in self.last["checks"]}


@pytest.mark.long
def test_triage_finds_what_is_wrong_and_names_the_command_that_mends_it(arcade: Arcade, tmp_path: Path) -> None:
    triage = Triage(arcade, tmp_path)
    rollback = "ansible-playbook playbooks/rollback.yml -i inventories/local -i tests/stories/inventory -l arcade"
    arcade.release("good").succeeded()
    with arcade.under_load(60):
        healthy = triage.until(headline="nothing wrong", next="")
        assert set(triage.states().values()) == {"ok"}, healthy

        # Permissions that are missing, a table that is away: the checks that need them say so.
        with fault(arcade, "deny", "cloudwatch:GetMetricData"):
            blind = triage.run()
            unknown = {check for check, state in triage.states().items() if state == "unknown"}
            assert unknown == {"5xx", "saturation"}, blind
            assert "not authorized" in blind["checks"][0]["why"]
        with fault(arcade, "error", "dynamodb:*"):
            triage.run()
            assert {check for check, state in triage.states().items() if state == "unknown"} == {"releases"}

        # A release that answers every second request with an error.
        arcade.release("bad", environment=CHAOS).succeeded()
        wrong = triage.until(next=rollback)
        assert wrong["state"] == "problem"
        assert wrong["causes"][0]["cause"].startswith("the newest release "), wrong
        assert any("/leaderboard" in why for why in wrong["causes"][0]["why"]), wrong
        assert triage.states()["logs"] == "warning"
        assert f"```bash\n{rollback}\n```" in triage.note.read_text()
        arcade.play("rollback").succeeded()
        triage.until(state="ok")

        # While a release is under way, and while an alarm may still fire from before.
        under_way = arcade.begin(
            "again", **CANARY | {"service_strategy_options": {"percent": 20, "duration_seconds": 600}}
        )
        arcade.wait_for(lambda: 0 not in arcade.weights().values())
        triage.run(changes_nothing=False)
        (released,) = [check for check in triage.last["checks"] if check["check"] == "releases"]
        assert "shifting" in released["why"], triage.last
        assert released["state"] == "ok"
        arcade.play("abort").succeeded()
        finished(under_way).failed()
    print(f"a triage took {statistics.median(triage.seconds):.1f} s in the median of {len(triage.seconds)}")
