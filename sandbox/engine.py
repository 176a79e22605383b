"""The container engine, podman or docker, as a handful of commands. Every container carries this sandbox's label."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .config import Settings

LABEL = "pear.sandbox"


class EngineError(RuntimeError):
    """The engine refused; the text is the engine's own last words."""


@dataclass(frozen=True)
class ContainerSpec:
    """What to run. `network` is a network's name or `container:ID`; memory is in MiB."""

    image: str
    name: str
    entry_point: Sequence[str] | None = None
    command: Sequence[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[Path, str, bool]] = ()
    network: str | None = None
    user: str | None = None
    working_directory: str | None = None
    read_only: bool = False
    memory_mib: int | None = None
    cpu_shares: int | None = None
    ulimits: dict[str, tuple[int, int]] = field(default_factory=dict)
    log_path: Path | None = None
    init: bool = False
    tmpfs: Sequence[str] = ()
    capabilities_add: Sequence[str] = ()
    capabilities_drop: Sequence[str] = ()


class Engine:
    """Runs podman or docker as a subprocess; no daemon library, so both behave alike."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.program = settings.engine
        # What measures how long a command takes; the API process gives its own, in machine seconds.
        self.clock: Callable[[], float] = time.monotonic
        self._environment = {**os.environ, **settings.engine_environment()}

    def call(self, *arguments: str, timeout: float = 120, stdin: str | None = None) -> str:
        """Run one engine command and return its standard output.

        Raises EngineError with the engine's last words when it fails, and when it takes longer than timeout seconds.
        """
        done = self.attempt(*arguments, timeout=timeout, stdin=stdin)
        if done.returncode != 0:
            raise EngineError((done.stderr or done.stdout).strip()[-2000:])
        return done.stdout

    def attempt(
        self, *arguments: str, timeout: float = 120, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one engine command and return how it ended, whatever that is."""
        command = [self.program, *arguments]
        began = self.clock()
        with subprocess.Popen(
            command,
            # Where conmon leaves an empty file called oom when a container is killed for its memory.
            cwd=self.settings.home if self.settings.home.is_dir() else None,
            env=self._environment,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            while (left := timeout - (self.clock() - began)) > 0:
                try:
                    out, err = process.communicate(stdin, timeout=left)
                except subprocess.TimeoutExpired:
                    continue
                return subprocess.CompletedProcess(command, process.returncode, out, err)
            process.kill()
        raise EngineError(f"{self.program} {arguments[0]} took longer than {timeout:.0f} s")

    def create(self, spec: ContainerSpec) -> str:
        """Create a container without starting it; return its id."""
        return self.call("create", *self._options(spec)).strip()

    def run(self, spec: ContainerSpec) -> str:
        """Create and start a container in the background; return its id."""
        return self.call("run", "--detach", *self._options(spec)).strip()

    def start(self, container: str) -> None:
        self.call("start", container)

    def stop(self, container: str, timeout_seconds: int) -> None:
        """SIGTERM, then SIGKILL after timeout_seconds."""
        self.call("stop", "--time", str(timeout_seconds), container, timeout=timeout_seconds + 60)

    def kill(self, container: str, signal: str = "KILL") -> None:
        self.call("kill", "--signal", signal, container)

    def remove(self, *containers: str) -> None:
        """Remove containers, running or not; one that is gone already is no error."""
        if containers:
            # podman keeps a container whose network another one shares, unless it may remove both.
            depend = ["--depend"] if self.program == "podman" else []
            done = self.attempt("rm", "--force", "--volumes", *depend, *containers)
            if done.returncode != 0 and "no such container" not in done.stderr.lower():
                raise EngineError(done.stderr.strip())

    def inspect(self, *containers: str) -> list[dict[str, Any]]:
        """Inspect containers; those that do not exist are left out."""
        if not containers:
            return []
        done = self.attempt("container", "inspect", *containers)
        return json.loads(done.stdout or "[]")

    def exec(self, container: str, command: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in a running container; raises EngineError when it outlasts timeout seconds."""
        return self.attempt("exec", container, *command, timeout=timeout)

    def pull(self, reference: str, credentials: tuple[str, str] | None) -> None:
        """Pull an image; credentials are user name and password of its registry."""
        options = self._credentials(*credentials) if credentials else []
        self.call("pull", "--quiet", *options, reference, timeout=300)

    def containers(self, **labels: str) -> list[str]:
        """Ids of this sandbox's containers, running or not, that carry all these labels."""
        wanted = {LABEL: str(self.settings.home), **labels}
        filters = [f"--filter=label={key}={value}" for key, value in wanted.items()]
        return self.call("ps", "--all", "--quiet", "--no-trunc", *filters).split()

    def address(self, container: str) -> str:
        """The container's address on the sandbox's bridge."""
        (found,) = self.inspect(container)
        networks = found["NetworkSettings"]["Networks"]
        return networks[self.settings.network]["IPAddress"]

    def _credentials(self, username: str, password: str) -> list[str]:
        if self.program == "podman":
            return [f"--creds={username}:{password}"]
        self.call("login", "--username", username, "--password-stdin", self.settings.registry, stdin=password)
        return []

    def _options(self, spec: ContainerSpec) -> list[str]:
        options = ["--name", spec.name, "--pull", "never"]
        for key, value in {LABEL: str(self.settings.home), **spec.labels}.items():
            options += ["--label", f"{key}={value}"]
        for key, value in spec.environment.items():
            options += ["--env", f"{key}={value}"]
        for source, target, read_only in spec.mounts:
            options += ["--volume", f"{source}:{target}{':ro' if read_only else ''}"]
        for target in spec.tmpfs:
            options += ["--tmpfs", target]
        for key, (soft, hard) in spec.ulimits.items():
            options += ["--ulimit", f"{key}={soft}:{hard}"]
        single = {
            "--network": spec.network,
            "--user": spec.user,
            "--workdir": spec.working_directory,
            "--memory": f"{spec.memory_mib}m" if spec.memory_mib else None,
            "--cpu-shares": str(spec.cpu_shares) if spec.cpu_shares else None,
            "--entrypoint": self._entry_point(spec),
        }
        for option, text in single.items():
            if text is not None:
                options += [option, text]
        if spec.read_only:
            options += ["--read-only"] + (["--read-only-tmpfs=false"] if self.program == "podman" else [])
        options += [f"--cap-add={name}" for name in spec.capabilities_add]
        options += [f"--cap-drop={name}" for name in spec.capabilities_drop]
        if spec.init:
            options.append("--init")
        if spec.log_path is not None and self.program == "podman":
            options += ["--log-driver", "k8s-file", "--log-opt", f"path={spec.log_path}"]
        rest = list(spec.command or [])
        if spec.entry_point and self.program != "podman":
            rest = [*spec.entry_point[1:], *rest]
        return [*options, spec.image, *rest]

    def _entry_point(self, spec: ContainerSpec) -> str | None:
        """podman takes a JSON list; docker takes one word, the rest goes before the command."""
        if not spec.entry_point:
            return None
        return json.dumps(list(spec.entry_point)) if self.program == "podman" else spec.entry_point[0]
