"""Record docs/session.md on a sandbox: a canary under load, its status, a rollback, the history, and a rolling release that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.stage import stage  # noqa: E402
from tests.stories.arcade import GATES, Arcade, finished  # noqa: E402
from tests.stories.conftest import Stage  # noqa: E402
from tests.support.plays import Player, PlayResult  # noqa: E402

PAGE = ROOT / "docs/session.md"
TIME_FACTOR, RATE = 12, 100
CANARY: dict[str, Any] = {
    "service_strategy": "canary",
    "service_strategy_options": {"percent": 20, "duration_seconds": 30, "bake_seconds": 30},
    "service_gates": GATES,
}
DEAD = "import sys; print('no licence, giving up'); sys.exit(3)"
INVENTORIES = "-i inventories/local -i tests/stories/inventory -l arcade"


@dataclass
class Session:
    """What was typed, and what of the answer is shown."""

    arcade: Arcade
    blocks: dict[str, str] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)

    def record(self) -> None:
        with self.arcade.under_load(RATE) as running:
            # The minutes before a release are what a version that has all traffic is compared with.
            time.sleep(20)
            release = self.arcade.begin("1.1", **CANARY)
            watching = threading.Thread(target=self._status)
            watching.start()
            self._keep("canary", f"release.yml {INVENTORIES} -e @canary.json", finished(release).succeeded())
            watching.join()
            self._keep("rollback", f"rollback.yml {INVENTORIES}", self.arcade.play("rollback").succeeded())
            self.load = running.stop()
        history = self.arcade.play("history", history_limit=3).succeeded()
        self._keep("history", f"history.yml {INVENTORIES} -e history_limit=3", history)
        rolling: dict[str, Any] = {
            "service_strategy": "rolling",
            "service_checks": [],
            "service_command": ["python3", "-c", DEAD],
        }
        failed = self.arcade.release("1.2", **rolling).failed()
        self._keep("failure", f"release.yml {INVENTORIES} -e @rolling.json", failed)

    def _status(self) -> None:
        self.arcade.wait_for(lambda: 20 in self.arcade.weights().values())
        self._keep("status", f"status.yml {INVENTORIES}", self.arcade.play("status").succeeded())

    def _keep(self, name: str, command: str, ended: PlayResult) -> None:
        shown = "\n".join(told(ended.output))
        self.blocks[name] = f"```console\n$ ansible-playbook playbooks/{command}\n{shown}\n```"


def told(output: str) -> list[str]:
    """Progress lines, and what `msg` holds; not Ansible's own frame around them."""
    lines, inside = [], False
    for line in output.splitlines():
        if line.startswith("  arcade |"):
            lines.append(line)
        if line.strip().startswith("msg:"):
            inside = True
        elif not line.startswith("    ") or not line.strip():
            inside = False
        if inside:
            lines.append(line)
    return lines


def page(session: Session) -> str:
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    blocks, load = session.blocks, session.load
    return f"""# A recorded session

A canary under {RATE} requests a second, watched from a second terminal, then a rollback, then a rolling release that fails.
Recorded by `make session` on {datetime.now(UTC):%Y-%m-%d} at {commit}, on a sandbox whose minute of CloudWatch lasts
{60 // TIME_FACTOR} seconds. {load["sent"]} requests were sent during the canary and the rollback; {load["failed"] or "none"} failed.

{blocks["canary"]}

During the first step:

{blocks["status"]}

After the release had succeeded, a rollback:

{blocks["rollback"]}

{blocks["history"]}

The tags are equal because the releases differ by their environment variables only. A release is a digest *and* a task
definition: the rollback returned to the revision before.

A rolling release of a version that exits at its start (`service_strategy: rolling`, and a command that prints a line and exits with 3):

{blocks["failure"]}
"""


def main() -> None:
    with stage("--time-factor", str(TIME_FACTOR)) as here:
        environment = {key: value for key, value in here.environment.items() if key != "PEAR_PROGRESS"}
        os.environ.pop("PEAR_PROGRESS", None)
        arcade = Arcade(Stage(Path(here.environment["PEAR_SANDBOX_HOME"]), environment))
        Player(environment).run("playbooks/deploy.yml").succeeded()
        arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
        arcade.release("1.0").succeeded()
        session = Session(arcade)
        session.record()
    PAGE.write_text(page(session))


if __name__ == "__main__":
    main()
