"""Record a good canary and a bad one on a sandbox under steady load, second by second, into docs/images/cutover.json.

python tools/cutover_record.py && python tools/cutover_picture.py
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.stage import stage  # noqa: E402
from sandbox.load import Load, Tally, parser  # noqa: E402
from tests.stories.arcade import GATES, HOST, Arcade  # noqa: E402
from tests.stories.conftest import Stage  # noqa: E402
from tests.support.plays import Player  # noqa: E402

RECORDING = ROOT / "docs/images/cutover.json"
RATE = 100
TIME_FACTOR = 12  # a minute of CloudWatch lasts five seconds
CANARY: dict[str, Any] = {
    "service_strategy": "canary",
    "service_strategy_options": {"percent": 20, "duration_seconds": 30, "bake_seconds": 30},
    "service_gates": GATES,
}
CHAOS = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.3"}


class Timeline(Tally):
    """Counts what comes back by the second and the version that answered."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()
        self.answers: dict[int, Counter[str]] = defaultdict(Counter)
        self.errors: dict[int, Counter[str]] = defaultdict(Counter)

    def at(self) -> float:
        return round(time.monotonic() - self.began, 1)

    def answered(self, status: int, group: str | None, seconds: float) -> None:
        super().answered(status, group, seconds)
        version = group or "load balancer"
        self.answers[int(self.at())][version] += 1
        if status >= 500:
            self.errors[int(self.at())][version] += 1

    def failed(self, kind: str) -> None:
        super().failed(kind)
        self.errors[int(self.at())]["no answer"] += 1


class Recorder:
    """Runs the releases in a thread beside the load, and notes when what happened."""

    def __init__(self, arcade: Arcade, load: Load, timeline: Timeline) -> None:
        self.arcade = arcade
        self.load = load
        self.timeline = timeline
        self.weights: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.problem: BaseException | None = None
        self._done = threading.Event()

    def record(self) -> None:
        threads = [threading.Thread(target=self._guarded, args=(work,)) for work in (self._release, self._watch)]
        for thread in threads:
            thread.start()
        asyncio.run(self.load.run())
        self._done.set()
        for thread in threads:
            thread.join()
        if self.problem is not None:
            raise self.problem

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001 (raised again by the thread that waits)
            self.problem = problem
            self._end()

    def _end(self) -> None:
        self._done.set()
        self.load.arguments.seconds = 0

    def _release(self) -> None:
        time.sleep(3)
        self._event("release 1.1 starts")
        self.arcade.release("1.1", **CANARY).succeeded()
        self._event("1.1 succeeded")
        time.sleep(5)
        self._event("release 1.2 starts")
        failed = self.arcade.release("1.2", environment=CHAOS, **CANARY).failed()
        assert "5xx share" in failed.output and "rolled_back" in failed.output, failed.output
        self._event("1.2 rolled back")
        time.sleep(5)
        self._end()

    def _watch(self) -> None:
        last: dict[str, int] = {}
        while not self._done.is_set():
            weights = self.arcade.weights()
            if weights != last:
                self.weights.append({"at": self.timeline.at(), **weights})
                last = weights
            time.sleep(0.3)

    def _event(self, text: str) -> None:
        self.events.append({"at": self.timeline.at(), "text": text})
        print(f"{self.timeline.at():6.1f} s  {text}", flush=True)


def record(here: Stage) -> dict[str, Any]:
    arcade = Arcade(here)
    Player(here.environment).run("playbooks/deploy.yml").succeeded()
    arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
    arcade.release("1.0").succeeded()
    address = f"{HOST}:443:{here.load_balancer}"
    options = ["--insecure", "--resolve", address, "--rate", str(RATE), "--seconds", "600"]
    load = Load(parser().parse_args([f"https://{HOST}/leaderboard", *options, "--group-by-header", "x-version"]))
    load.tally = timeline = Timeline()
    recorder = Recorder(arcade, load, timeline)
    recorder.record()
    seconds = range(max(timeline.answers) + 1)
    versions = sorted({version for counts in timeline.answers.values() for version in counts})
    return {
        "recorded": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
        "requests_per_second": RATE,
        "time_factor": TIME_FACTOR,
        "sent": timeline.sent,
        "failed": timeline.sent - timeline.ok,
        "requests": {version: [timeline.answers[second][version] for second in seconds] for version in versions},
        "errors": [sum(timeline.errors[second].values()) for second in seconds],
        "weights": recorder.weights,
        "events": recorder.events,
    }


def main() -> None:
    with stage("--time-factor", str(TIME_FACTOR)) as here:
        home = Path(here.environment["PEAR_SANDBOX_HOME"])
        recording = record(Stage(home, here.environment))
    RECORDING.parent.mkdir(exist_ok=True)
    RECORDING.write_text(json.dumps(recording) + "\n")
    print(f"{RECORDING.relative_to(ROOT)}: {recording['sent']} requests, {recording['failed']} failed")


if __name__ == "__main__":
    main()
