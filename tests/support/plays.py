"""Run a playbook as a person does, and read what it said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
# Of the environment that runs the tests, whichever it is: ansible.cfg names that of .venv.
COLLECTIONS = Path(sys.executable).parent.parent / "collections"
_RECAP = re.compile(r"^(\S+)\s+: (.*)$")


@dataclass(frozen=True)
class PlayResult:
    """What a run of ansible-playbook left behind: its output, its exit status, and the recap per host."""

    status: int
    output: str
    recap: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(host["changed"] for host in self.recap.values())

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.output.splitlines() if line.startswith(("[WARNING]", "[DEPRECATION"))]

    def succeeded(self) -> PlayResult:
        """Return self, or fail with the whole output."""
        assert self.status == 0, self.output
        assert not self.warnings, "\n".join(self.warnings)
        return self

    def failed(self) -> PlayResult:
        """Return self if the play failed as a play does (not by a traceback)."""
        assert self.status not in (0, None), self.output
        assert "Traceback" not in self.output, self.output
        return self


def parse_recap(output: str) -> dict[str, dict[str, int]]:
    recap: dict[str, dict[str, int]] = {}
    _, _, tail = output.rpartition("PLAY RECAP")
    for line in tail.splitlines():
        if match := _RECAP.match(line.strip()):
            pairs = (pair.partition("=") for pair in match[2].split())
            recap[match[1]] = {key: int(value) for key, _, value in pairs if value.isdigit()}
    return recap


def inventory_of(text: str) -> dict[str, Any]:
    """What ansible-inventory lists; newer ones mark texts that are no templates, so that those who read the list do not run them."""

    def unmarked(found: dict[str, Any]) -> Any:
        return found["__ansible_unsafe"] if set(found) == {"__ansible_unsafe"} else found

    listed: dict[str, Any] = json.loads(text, object_hook=unmarked)
    return listed


@dataclass(frozen=True)
class Player:
    """Runs playbooks of this checkout with the environment of one sandbox."""

    environment: dict[str, str]
    inventories: tuple[str, ...] = ("inventories/local",)

    def run(
        self,
        playbook: str,
        *arguments: str,
        variables: dict[str, Any] | None = None,
        check: bool = False,
        timeout: float = 1500,
    ) -> PlayResult:
        command = self.command(playbook, *arguments, variables=variables, check=check)
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environ(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
        output = done.stdout + done.stderr
        return PlayResult(done.returncode, output, parse_recap(output))

    def command(
        self, playbook: str, *arguments: str, variables: dict[str, Any] | None = None, check: bool = False
    ) -> list[str]:
        command = [str(ANSIBLE_PLAYBOOK), playbook]
        for inventory in self.inventories:
            command += ["-i", inventory]
        if check:
            command += ["--check", "--diff"]
        if variables:
            command += ["-e", json.dumps(variables)]
        return [*command, *arguments]

    def inventory(self, source: str) -> dict[str, Any]:
        """What ansible-inventory lists of a source."""
        command = [str(ANSIBLE_PLAYBOOK.with_name("ansible-inventory")), "-i", source, "--list"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environ(),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return inventory_of(done.stdout)

    def start(self, playbook: str, *arguments: str, variables: dict[str, Any] | None = None) -> subprocess.Popen[str]:
        """Start a playbook in the background, in a process group of its own."""
        return subprocess.Popen(
            self.command(playbook, *arguments, variables=variables),
            cwd=ROOT,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _environ(self) -> dict[str, str]:
        path = f"{ANSIBLE_PLAYBOOK.parent}:{os.environ['PATH']}"
        return {
            **os.environ,
            "PATH": path,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **self.environment,
        }
