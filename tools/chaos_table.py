"""Release each kind of bad version on a sandbox under load, and write what happened into docs/how-a-release-decides.md.

usage: tools/chaos_table.py [KIND …]    with kinds, only those are released, and their rows are replaced

Each row is kept in build/chaos-table.json and written into the page as soon as it is measured.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import ErrorGate  # noqa: E402
from ansible_collections.pear.fargate.plugins.module_utils.rollout.statistics import binomial_tail  # noqa: E402

from bench.stage import stage  # noqa: E402
from tests.stories.arcade import HOST, Arcade  # noqa: E402
from tests.stories.conftest import Stage  # noqa: E402
from tests.stories.load import traffic  # noqa: E402
from tests.support.plays import Player  # noqa: E402

PAGE = ROOT / "docs/how-a-release-decides.md"
MEASURED = ROOT / "build/chaos-table.json"
BEGIN, END = "<!-- made by make chaos-table -->", "<!-- end of what make chaos-table makes -->"
TIME_FACTOR, PERIOD_SECONDS, RATE, SHARE_PERCENT = 12, 5, 60, 20
PATHS = ("/leaderboard", "/version")
# Of rows that were measured before the commit was kept.
UNKNOWN = {"commit": "commit not kept", "day": "nor the day"}
# Of the candidate in one step, and in percent.
REQUESTS, ERROR_SHARES = (100, 400, 1600, 6400), (1.5, 2.0, 3.0, 5.0)
# Four periods and the delay are the shortest step that metrics judge.
CANARY: dict[str, Any] = {
    "service_strategy": "canary",
    "service_strategy_options": {"percent": SHARE_PERCENT, "duration_seconds": 30, "bake_seconds": 30},
    "service_gates": {
        "errors": {"tolerance_percent": 0.5, "minimum_requests": 50},
        "latency": {"maximum_ratio": 1.5, "minimum_requests": 50},
        "period_seconds": PERIOD_SECONDS,
        "delay_seconds": 5,
    },
}
SHARED = {"service_volumes": [{"name": "data", "path": "/data", "access_point": "scoreboard", "shared": True}]}
# The first task makes the directory; the other one finds it, and keeps its scores in memory.
ONE_IN_MEMORY = """
import os
try:
    os.mkdir("/data/first-" + os.environ["APP_VERSION"])
except FileExistsError:
    os.environ["SCORE_DB_PATH"] = "/nowhere/db.sqlite"
os.execvp("python3", ["python3", "-m", "scoreboard"])
"""
WRAPPED = """
import collections, runpy, time
from scoreboard import chaos
recent, kept = collections.deque(), []
def strike(self, route):
    if route in ("/healthz", "/readyz", "/metrics"):
        return chaos.Mischief()
    now = time.monotonic()
    recent.append(now)
    while recent[0] < now - 2:
        recent.popleft()
    return {verdict}
chaos.Chaos.strike = strike
runpy.run_module("scoreboard", run_name="__main__")
"""
# A task gets a tenth of the requests at 20 percent, and half of them at 100: it fails above a quarter.
UNDER_FULL_LOAD = WRAPPED.format(verdict=f"chaos.Mischief(fail=len(recent) > {2 * RATE * len(PATHS) // 4})")
LEAK = WRAPPED.format(verdict='kept.append(b"x" * 3_000_000) or chaos.Mischief()')
# The load balancer gives such a request up after its idle timeout, a minute, and counts it against no target.
HANGS = WRAPPED.format(verdict="chaos.Mischief(3600 if self._random.random() < 0.3 else 0)")


def failing(**variables: str) -> dict[str, Any]:
    return {"environment": {"CHAOS_ENABLED": "true", **variables}}


def running(program: str, **more: Any) -> dict[str, Any]:
    return {"service_command": ["python3", "-c", program], **more}


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "errors-20": ("20 % of its answers are errors", failing(CHAOS_ERROR_RATE="0.2")),
    "errors-2": ("2 % of its answers are errors", failing(CHAOS_ERROR_RATE="0.02")),
    "one-route": (
        "one of two routes fails in 20 %",
        failing(CHAOS_ERROR_RATE="0.2", CHAOS_ROUTES="/leaderboard"),
    ),
    "full-load": ("fails only with all traffic", running(UNDER_FULL_LOAD)),
    "slower": (
        "p99 is 60 ms slower",
        failing(CHAOS_LATENCY_MS_P50="20", CHAOS_LATENCY_MS_P99="60"),
    ),
    "memory": ("keeps its data in memory, in all tasks", {"environment": {"SCORE_DB_PATH": "/nowhere/db.sqlite"}}),
    "memory-one": ("the same, in one of two tasks", running(ONE_IN_MEMORY, **SHARED)),
    "leak": ("leaks memory until it is killed", running(LEAK)),
    "hangs-30": ("30 % of its answers never come", running(HANGS)),
    "always-500": ("answers 500 behind a good health check", failing(CHAOS_ERROR_RATE="1")),
}


class Watch:
    """When the candidate first had traffic, and when live had all of it again. One cheap call a look: the machine is small."""

    def __init__(self, arcade: Arcade) -> None:
        self._elbv2 = arcade.stage.client("elbv2")
        self._home = self._target_group(f"local-arcade-{arcade.live()}")
        self._rule = self._production_rule()
        self.exposed_at: float | None = None
        self.returned_at: float | None = None
        self.highest = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.5):
            share = 100 - self._weight()
            self.highest = max(self.highest, share)
            if share and self.exposed_at is None:
                self.exposed_at = time.monotonic()
            if not share and self.exposed_at is not None and self.returned_at is None:
                self.returned_at = time.monotonic()

    def _target_group(self, name: str) -> str:
        return str(self._elbv2.describe_target_groups(Names=[name])["TargetGroups"][0]["TargetGroupArn"])

    def _production_rule(self) -> str:
        balancer = self._elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
        for listener in self._elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
            for rule in self._elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                tested = any(condition["Field"] == "http-header" for condition in rule["Conditions"])
                if not tested and self._home in weights_of(rule):
                    return str(rule["RuleArn"])
        raise LookupError("arcade has no production rule")

    def _weight(self) -> int:
        (rule,) = self._elbv2.describe_rules(RuleArns=[self._rule])["Rules"]
        return weights_of(rule)[self._home]

    @property
    def seconds(self) -> float | None:
        """How long the candidate had traffic; None where it had none."""
        if self.exposed_at is None or self.returned_at is None:
            return None
        return self.returned_at - self.exposed_at


def weights_of(rule: dict[str, Any]) -> dict[str, int]:
    """Weights by target group of a rule that forwards."""
    groups = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
    return {group["TargetGroupArn"]: group["Weight"] for group in groups}


@dataclass(frozen=True)
class Row:
    """What became of one kind of bad version."""

    title: str
    outcome: str
    cause: str
    highest: int
    seconds: float | None
    sent: int
    lost: int
    # What was measured, and when: a run with some kinds leaves the rows of the others.
    commit: str
    day: str

    @property
    def cells(self) -> list[str]:
        took = "had no request" if self.seconds is None else f"{self.seconds:.0f} s at {self.highest} %"
        share = f"{self.lost} of {self.sent} ({100 * self.lost / self.sent:.2f} %)"
        return [self.title, f"`{self.outcome}`: {self.cause}", took, share, f"{self.commit}, {self.day}"]


@contextlib.contextmanager
def watched(arcade: Arcade) -> Iterator[Watch]:
    watch = Watch(arcade)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.ended.set()
        thread.join()


def released(arcade: Arcade, name: str, report: Path) -> Row:
    title, variables = KINDS[name]
    # Of what is released: somebody may commit meanwhile.
    commit = head()
    with contextlib.ExitStack() as both:
        loads = [both.enter_context(traffic(arcade.stage, path, RATE, host=HOST)) for path in PATHS]
        # The minutes before a release are what a version that has all traffic is compared with.
        time.sleep(4 * PERIOD_SECONDS)
        with watched(arcade) as watch:
            run = arcade.release(name, **CANARY, **variables, service_report=str(report))
        summaries = [load.stop() for load in loads]
    if not report.exists():
        raise SystemExit(f"the release of {name} left no report:\n{run.output}")
    ended = json.loads(report.read_text())
    sent, lost = (sum(summary[key] for summary in summaries) for key in ("sent", "failed"))
    # The reason, and what stopped tasks or targets said, where there were any.
    cause = "; ".join(shortened(told) for told in (ended["reason"], *ended["evidence"].get("causes", [])[:1]))
    return Row(
        title,
        ended["outcome"],
        cause,
        watch.highest,
        watch.seconds,
        sent,
        lost,
        commit,
        f"{datetime.now(UTC):%Y-%m-%d}",
    )


def head() -> str:
    return subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()


def shortened(reason: str) -> str:
    """The first finding, without what a table's cell cannot hold."""
    first = re.split(r"; (?=[a-z])", reason)[0]
    return textwrap.shorten(first.replace("|", "/"), 160, placeholder=" …")


def measured() -> dict[str, Row]:
    """The rows of earlier runs by kind, in the table's order."""
    kept = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    return {name: Row(**{**UNKNOWN, **kept[name]}) for name in KINDS if name in kept}


def keep(name: str, row: Row) -> None:
    """A run that is interrupted keeps what it measured."""
    MEASURED.parent.mkdir(exist_ok=True)
    rows = {**measured(), name: row}
    MEASURED.write_text(json.dumps({kind: asdict(row) for kind, row in rows.items()}, indent=2) + "\n")
    PAGE.write_text(page(PAGE.read_text(), table(list(measured().values()))))


def table(rows: list[Row]) -> str:
    lines = [
        "Made by `make chaos-table` on a sandbox whose machine did other work meanwhile, each row at the commit and on the day that it "
        "names:",
        f"canary at {SHARE_PERCENT} %, {RATE * len(PATHS)} requests a second, two tasks a colour. A CloudWatch minute lasts",
        f"{PERIOD_SECONDS} s there, so what a metric decides takes twelve times as long on AWS, and loses as many times more requests.",
        "",
        "| the bad version | how it ended | from its first request to the return | requests lost | measured at |",
        "|---|---|---|---:|---|",
    ]
    return "\n".join([*lines, *("| " + " | ".join(row.cells) + " |" for row in rows), "", *overlooked()])


def overlooked() -> Iterator[str]:
    """How likely a step's share of errors stays within the tolerance by chance: only then does a bad version pass."""
    tolerance = ErrorGate().tolerance_percent
    yield f"How often one step lets a bad version pass by chance, at a tolerance of {tolerance:g} points and a live version without errors:"
    yield ""
    yield "| errors of the version | " + " | ".join(f"{requests} requests" for requests in REQUESTS) + " |"
    yield "|---" * (1 + len(REQUESTS)) + "|"
    for share in ERROR_SHARES:
        passes = [
            1 - binomial_tail(int(requests * tolerance / 100) + 1, requests, share / 100) for requests in REQUESTS
        ]
        yield f"| {share:g} % | " + " | ".join(f"{100 * chance:.1f} %" for chance in passes) + " |"


def page(text: str, made: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}"


def main(kinds: list[str]) -> None:
    with stage("--time-factor", str(TIME_FACTOR)) as here, tempfile.TemporaryDirectory() as folder:
        arcade = Arcade(Stage(Path(here.environment["PEAR_SANDBOX_HOME"]), here.environment))
        Player(here.environment).run("playbooks/deploy.yml").succeeded()
        arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
        arcade.release("good").succeeded()
        for name in kinds or list(KINDS):
            row = released(arcade, name, Path(folder) / f"{name}.json")
            print(" | ".join(row.cells), flush=True)
            keep(name, row)
            if row.outcome == "succeeded":
                # The next kind is compared with a version that is good.
                arcade.play("rollback").succeeded()


if __name__ == "__main__":
    main(sys.argv[1:])
