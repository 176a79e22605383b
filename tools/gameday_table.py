"""Run every experiment of a game day on a sandbox under load, and write what was measured into docs/operations.md.

usage: tools/gameday_table.py [EXPERIMENT …]    with experiments, only those are run, and their rows are replaced

Each row is written into the page as soon as it is measured; the other rows stay.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import (  # noqa: E402
    BY_NAME,
    FILES,
    Experiment,
)

from bench.stage import stage  # noqa: E402
from tests.stories.arcade import HOST, Arcade  # noqa: E402
from tests.stories.conftest import Stage  # noqa: E402
from tests.stories.load import traffic  # noqa: E402
from tests.support.plays import Player  # noqa: E402

PAGE = ROOT / "docs/operations.md"
BEGIN, END = "<!-- made by make gameday -->", "<!-- end of what make gameday makes -->"
MINUTE, TIME_FACTOR, RATE = 60, 12, 40
PATHS = ("/leaderboard", "/version")
# What is shorter here: a crash loop of a sandbox, whose minutes last five seconds; and a leak that is slow enough for an alarm of ten
# such minutes. A limit that the load of one machine reaches.
ENVIRONMENT: dict[str, dict[str, str]] = {
    "crash-loop": {"CHAOS_CRASH_AFTER_SECONDS": "15"},
    "memory-leak": {"CHAOS_LEAK_KIB": "32"},
    "cpu-pressure": {"CHAOS_BUSY_MS": "60"},
}
# ACM tells twice a day, which is each hour of a sandbox of twelvefold speed. So this has one of its own, as fast as they get.
OF_DAYS, DAYS_TIME_FACTOR = "expiring-certificate", 60
# The service that mounts a file system.
FILES_SERVICE, FILES_HOST = "scoreboard", "scores.local.example.test"
# A release that waits for a version that never starts ends after this.
TIMEOUT = {"service_release_timeout_seconds": 90}
# A busy machine may be late by more than a sandbox's five seconds.
SLACK = 4


def _changed(name: str) -> str:
    changes = [f"`{key}` {value} (AWS: {BY_NAME[name].environment[key]})" for key, value in ENVIRONMENT[name].items()]
    return f"`{name}` {', '.join(changes)}"


# What a row means, and what is not as it would be on AWS.
HEADER = [
    f"meanwhile, with {RATE * len(PATHS)} requests a second. A period lasts {MINUTE // TIME_FACTOR} s there "
    f"(`{OF_DAYS}`: {MINUTE // DAYS_TIME_FACTOR} s) and a minute on AWS; what does",
    "not depend on CloudWatch is in seconds. The deadline is that of the experiment on AWS. "
    f"**Here each deadline was {SLACK} times as long**, as a busy machine",
    "may be late by more than such a period: a row that took longer than its deadline is as expected here, and would not be on AWS.",
    f"These bad versions were other ones than on AWS: {'; '.join(map(_changed, ENVIRONMENT))}.",
    f"The releases that are refused had a time limit of {TIMEOUT['service_release_timeout_seconds']} s.",
    "",
    "| experiment | must notice | deadline | to know | from there to the cause | from there to the return | all in all |",
    "|---|---|---:|---:|---|---:|---|",
]


@dataclass(frozen=True)
class Row:
    """What was measured of one experiment, in seconds since it began."""

    name: str
    noticed: str
    know: float | None
    cause: str
    cause_at: float | None
    mended: float | None
    steady: float | None
    succeeded: bool
    period_seconds: int

    @property
    def cells(self) -> list[str]:
        know = "no alarm" if BY_NAME[self.name].is_quiet else self.periods
        after = None if self.cause_at is None else self.cause_at - (self.know or 0.0)
        cause = "-" if self.cause_at is None and not self.cause else f"{seconds(after)}: {self.cause or 'none named'}"
        since = max(self.know or 0.0, self.cause_at or 0.0)
        mended = (
            "by itself"
            if BY_NAME[self.name].is_quiet
            else seconds(None if self.mended is None else self.mended - since)
        )
        if BY_NAME[self.name].refused:
            know, mended = seconds(self.know), "no request was lost"
        return [
            f"`{self.name}`",
            self.noticed,
            deadline(BY_NAME[self.name]),
            know,
            cause,
            mended,
            "as expected" if self.succeeded else "**not as expected**",
        ]

    @property
    def periods(self) -> str:
        return "never" if self.know is None else f"{self.know / self.period_seconds:.0f} periods"


def deadline(experiment: Experiment) -> str:
    """As the experiment has it, on AWS."""
    if experiment.refused:
        return "its time limits"
    return f"{experiment.deadline_periods} periods"


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{max(0.0, value):.0f} s"


def run(arcade: Arcade, name: str, folder: Path, period_seconds: int) -> Row:
    report = folder / f"{name}.json"
    service, host = (FILES_SERVICE, FILES_HOST) if BY_NAME[name].fault == FILES else ("arcade", HOST)
    variables = {
        "gameday_experiment": name,
        "gameday_report_dir": str(folder),
        "gameday_alarm_period_seconds": period_seconds * SLACK,
        "gameday_triage_minutes": 2,
        "gameday_environment": ENVIRONMENT.get(name, {}),
        **(TIMEOUT if BY_NAME[name].refused else {}),
    }
    with contextlib.ExitStack() as both:
        for path in PATHS:
            both.enter_context(traffic(arcade.stage, path, RATE, host=host))
        played = arcade.player.run("playbooks/gameday.yml", "-l", service, variables=variables)
    if not report.exists():
        raise SystemExit(f"the experiment {name} left no report:\n{played.output}")
    found: dict[str, Any] = json.loads(report.read_text())
    for problem in found["problems"]:
        print(f"{name}: {problem}", file=sys.stderr)
    experiment = BY_NAME[name]
    alarms = " or ".join(f"`{kind}`" for kind in experiment.noticed_by)
    noticed = alarms or ("its release" if experiment.refused else "no alarm has to fire")
    return Row(
        name,
        noticed,
        found["know_seconds"],
        found["cause"],
        found["cause_seconds"],
        found["mended_seconds"],
        found["quiet_seconds"],
        found["succeeded"],
        period_seconds,
    )


def keep(row: Row) -> None:
    """A run that is interrupted keeps what it measured."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    made, _, after = rest.partition(END)
    lines = {**lines_of(made), row.name: "| " + " | ".join(row.cells) + " |"}
    in_order = [lines[name] for name in BY_NAME if name in lines]
    PAGE.write_text(f"{before}{BEGIN}\n{table(in_order)}\n{END}{after}")


def lines_of(made: str) -> dict[str, str]:
    """The rows that the page has, by experiment."""
    return {line.split("`")[1]: line for line in made.splitlines() if line.startswith("| `")}


def table(rows: list[str]) -> str:
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    made = f"Made by `make gameday`, the newest row on {datetime.now(UTC):%Y-%m-%d} at {commit}, on a machine that did other work"
    return "\n".join([made, *HEADER, *rows])


def main(names: list[str]) -> None:
    usual = [name for name in names or BY_NAME if name != OF_DAYS]
    if usual:
        measure(usual, TIME_FACTOR)
    if not names or OF_DAYS in names:
        measure([OF_DAYS], DAYS_TIME_FACTOR)


def measure(names: list[str], time_factor: int) -> None:
    with stage("--time-factor", str(time_factor)) as here, tempfile.TemporaryDirectory() as folder:
        arcade = Arcade(Stage(Path(here.environment["PEAR_SANDBOX_HOME"]), here.environment))
        Player(here.environment).run("playbooks/deploy.yml").succeeded()
        arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
        arcade.release("good").succeeded()
        arcade.release("better").succeeded()
        for name in names:
            if name == "zone-loss":
                # A task in each zone.
                arcade.play("scale", scale_count=3).succeeded()
            row = run(arcade, name, Path(folder), MINUTE // time_factor)
            print(" | ".join(row.cells), flush=True)
            keep(row)


if __name__ == "__main__":
    main(sys.argv[1:])
