"""A warm rollback, from the command to traffic returned, against the one call that it comes down to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .measure import Row, ratio_row, wall
from .releases import INVENTORY
from .stage import Stage

_COMMAND = "make bench"
ONE_TASK = {"service_desired_count": 1, "service_strategy": "all_at_once", "service_checks": []}


class Rollbacks:
    """Two versions, one task each, both warm: whichever is live, the other one is a write away."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._release("one")

    def _release(self, version: str) -> None:
        environment = {"APP_VERSION": version, "SCORE_DB_PATH": "/data/db.sqlite", "SCORE_DB_JOURNAL": "delete"}
        self.stage.play("playbooks/release.yml", INVENTORY, variables={**ONE_TASK, "service_environment": environment})

    def ours(self) -> float:
        # Laid on top again each time: a rollback takes it off.
        self._release("two")
        return wall(lambda: self.stage.play("playbooks/rollback.yml", INVENTORY))

    def by_hand(self) -> float:
        rule, groups = self._rule()
        now = next(arn for arn, weight in groups.items() if weight == 100)
        other = next(arn for arn in groups if arn != now)
        try:
            return wall(lambda: self.stage.python("-m", "bench.modify_rule", rule, other, now))
        finally:
            self.stage.python("-m", "bench.modify_rule", rule, now, other)

    def _rule(self) -> tuple[str, dict[str, int]]:
        elbv2: Any = self.stage.client("elbv2")
        balancer = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
        listeners = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        https = next(one["ListenerArn"] for one in listeners if one["Protocol"] == "HTTPS")
        for rule in elbv2.describe_rules(ListenerArn=https)["Rules"]:
            groups = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
            if groups and not any(one["Field"] == "http-header" for one in rule["Conditions"]):
                return rule["RuleArn"], {one["TargetGroupArn"]: one["Weight"] for one in groups}
        raise LookupError("the service has no production rule")


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    rollbacks = Rollbacks(stage)
    yield ratio_row(
        "warm rollback: wall time, against ModifyRule by boto3", 2.0, _COMMAND, rollbacks.ours, rollbacks.by_hand, runs
    )
