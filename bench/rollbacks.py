"""A warm rollback, from the command to traffic returned, against the one call that it comes down to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from .measure import Row, ratio_row
from .releases import INVENTORY
from .stage import ROOT, Stage

_AWS_CLI = "awscli==1.46.3"
_COMMAND = "make bench"
ONE_TASK = {"service_desired_count": 1, "service_strategy": "all_at_once", "service_checks": []}


class Rollbacks:
    """Two versions, one task each, both warm: whichever is live, the other one is a write away."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._aws = _aws_cli()
        self._release("one")

    def _release(self, version: str) -> None:
        environment = {"APP_VERSION": version, "SCORE_DB_PATH": "/data/db.sqlite", "SCORE_DB_JOURNAL": "delete"}
        self.stage.play("playbooks/release.yml", INVENTORY, variables={**ONE_TASK, "service_environment": environment})

    def ours(self) -> float:
        # Laid on top again each time: a rollback takes it off.
        self._release("two")
        return self._until_returned(lambda: self.stage.play("playbooks/rollback.yml", INVENTORY))

    def by_hand(self) -> float:
        rule, groups = self._rule()
        now = next(arn for arn, weight in groups.items() if weight == 100)
        other = next(arn for arn in groups if arn != now)
        try:
            return self._until_returned(lambda: self._modify(rule, other, now))
        finally:
            self._modify(rule, now, other)

    def _modify(self, rule: str, gets_all: str, gets_none: str) -> None:
        """What a person would type in an incident."""
        weights = [{"TargetGroupArn": gets_all, "Weight": 100}, {"TargetGroupArn": gets_none, "Weight": 0}]
        actions = json.dumps([{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}])
        self.stage.run(self._aws, "elbv2", "modify-rule", "--rule-arn", rule, "--actions", actions)

    def _until_returned(self, command: Callable[[], object]) -> float:
        """Seconds from the command to the write that returns traffic; what follows it serves nobody."""
        began = time.time()
        command()
        writes = [at for name, at in self.stage.timed_calls() if name.endswith(":ModifyRule") and at > began]
        return writes[0] - began

    def _rule(self) -> tuple[str, dict[str, int]]:
        elbv2: Any = self.stage.client("elbv2")
        balancer = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
        listeners = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
        https = next(listener["ListenerArn"] for listener in listeners if listener["Protocol"] == "HTTPS")
        for rule in elbv2.describe_rules(ListenerArn=https)["Rules"]:
            groups = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
            if groups and not any(condition["Field"] == "http-header" for condition in rule["Conditions"]):
                return rule["RuleArn"], {group["TargetGroupArn"]: group["Weight"] for group in groups}
        raise LookupError("the service has no production rule")


def _aws_cli() -> str:
    """AWS's own command line, in a home of its own: it wants a botocore of exactly one version."""
    home = ROOT / ".cache" / "awscli"
    program = home / "bin" / "aws"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", _AWS_CLI], check=True)
        # Its first start writes what later ones read.
        subprocess.run(
            [str(program), "elbv2", "help"], check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
    return str(program)


def rows(stage: Stage, runs: int) -> Iterator[Row]:
    rollbacks = Rollbacks(stage)
    yield ratio_row(
        "warm rollback: command to traffic returned, against `aws elbv2 modify-rule`",
        2.0,
        _COMMAND,
        rollbacks.ours,
        rollbacks.by_hand,
        runs,
    )
