"""Record docs/session.md on a sandbox: a first deploy, canaries that fail and succeed, a rollback, a rolling release that fails."""

from __future__ import annotations

import os
import socket
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
# Otherwise the ledger has the user and the host name of this machine.
WHO = {"service_released_by": "ada"}
CANARY: dict[str, Any] = {
    **WHO,
    "service_strategy": "canary",
    "service_strategy_options": {"percent": 20, "duration_seconds": 30, "bake_seconds": 30},
    "service_gates": GATES,
}
ERRORS = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.2"}
DEAD = "import sys; print('no licence, giving up'); sys.exit(3)"
ROLLING: dict[str, Any] = {
    **WHO,
    "service_strategy": "rolling",
    "service_checks": [],
    "service_command": ["python3", "-c", DEAD],
}
INVENTORIES = "-i inventories/local -i tests/stories/inventory -l arcade"


@dataclass
class Session:
    """What was typed, and what of the answer is shown."""

    arcade: Arcade
    blocks: dict[str, str] = field(default_factory=dict)
    load: dict[str, dict[str, Any]] = field(default_factory=dict)

    def record(self) -> None:
        first = self.arcade.values("1.0", dict(WHO))
        deployed = self.arcade.player.run("playbooks/deploy.yml", "-l", "arcade", variables=first)
        self._keep("deploy", "deploy.yml", "-e @first.json", deployed.succeeded())
        with self.arcade.under_load(RATE) as running:
            # The minutes before a release are what a version that has all traffic is compared with.
            time.sleep(20)
            bad = self.arcade.release("1.1", **CANARY, environment=ERRORS)
            self._keep("bad", "release.yml", "-e @bad.json", bad.failed())
            self.load["bad"] = running.stop()
        with self.arcade.under_load(RATE) as running:
            time.sleep(20)
            release = self.arcade.begin("1.2", **CANARY)
            watching = threading.Thread(target=self._status)
            watching.start()
            self._keep("canary", "release.yml", "-e @canary.json", finished(release).succeeded())
            watching.join()
            self._keep("rollback", "rollback.yml", "", self.arcade.play("rollback", **WHO).succeeded())
            self.load["good"] = running.stop()
        self._keep("after", "status.yml", "", self.arcade.play("status").succeeded())
        self._keep(
            "history", "history.yml", "-e history_limit=4", self.arcade.play("history", history_limit=4).succeeded()
        )
        failed = self.arcade.release("1.3", **ROLLING).failed()
        self._keep("failure", "release.yml", "-e @rolling.json", failed)

    def _status(self) -> None:
        self.arcade.wait_for(lambda: 20 in self.arcade.weights().values())
        self._keep("status", "status.yml", "", self.arcade.play("status").succeeded())

    def _keep(self, name: str, playbook: str, options: str, ended: PlayResult) -> None:
        command = f"ansible-playbook playbooks/{playbook} {INVENTORIES} {options}".rstrip()
        shown = "\n".join(told(ended.output))
        self.blocks[name] = f"```console\n$ {command}\n{shown}\n```"


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
    blocks, bad, good = session.blocks, session.load["bad"], session.load["good"]
    return f"""# A recorded session

A service's first deploy, a canary whose version answers with errors, a canary of a good version, watched from another terminal, a rollback,
and a rolling release that fails. Progress lines and messages are shown, without Ansible's frame around them. Recorded by `make session` on
{datetime.now(UTC):%Y-%m-%d} at {commit}, on a sandbox whose minute of CloudWatch lasts {60 // TIME_FACTOR} seconds.
`service_released_by` is `ada`.

{blocks["deploy"]}

Under {RATE} requests a second a version that answers 20 % of its requests with errors, as a canary of 20 %:

{blocks["bad"]}

{bad["sent"]} requests were sent meanwhile, and {bad["failed"]} of them failed.

A good version under the same load:

{blocks["canary"]}

During the first step:

{blocks["status"]}

After the release had succeeded, a rollback:

{blocks["rollback"]}

{good["sent"]} requests were sent during this canary and the rollback; {good["failed"] or "none"} failed.

{blocks["after"]}

{blocks["history"]}

The tags are equal because the releases differ by their environment variables only. A release is a digest *and* a task
definition: the rollback returned to the revision before.

A rolling release of a version that exits at its start (`service_strategy: rolling`, and a command that prints a line and exits with 3):

{blocks["failure"]}
"""


def without_this_machine(text: str) -> str:
    """The same text; RuntimeError where it names the host or a folder of this machine."""
    found = [name for name in (f"@{socket.gethostname()}", str(ROOT), str(Path.home()), "/tmp/") if name in text]
    if found:
        raise RuntimeError(f"the record names {', '.join(found)} of this machine:\n{text}")
    return text


def main() -> None:
    with stage("--time-factor", str(TIME_FACTOR)) as here:
        environment = {key: value for key, value in here.environment.items() if key != "PEAR_PROGRESS"}
        os.environ.pop("PEAR_PROGRESS", None)
        arcade = Arcade(Stage(Path(here.environment["PEAR_SANDBOX_HOME"]), environment))
        Player(environment).run("playbooks/deploy.yml").succeeded()
        session = Session(arcade)
        session.record()
    PAGE.write_text(without_this_machine(page(session)))


if __name__ == "__main__":
    main()
