"""Sandboxes that these tests start, and what the kernel shows of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox import remains
from sandbox.config import Settings
from sandbox.engine import ContainerSpec, Engine
from tests.setup.checkout import ROOT, Ended, environment


def cli(home: Path, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "sandbox", "--home", str(home), *arguments)


def run(home: Path, *arguments: str, **variables: str) -> Ended:
    done = subprocess.run(
        cli(home, *arguments),
        cwd=ROOT,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout)


def left_of(home: Path, network: str = "") -> list[str]:
    """Everything that a command should have removed: empty where it did."""
    engines = [
        f"variables name it: {entry.parent.name}"
        for entry in Path("/proc").glob("[0-9]*/environ")
        if entry.parent.name.isdecimal() and _reads(entry, f"CONTAINERS_CONF={home}/")
    ]
    return [*remains.of(home, network), *engines]


def _reads(file: Path, text: str) -> bool:
    try:
        return text in file.read_bytes().decode(errors="replace")
    except OSError:
        return False


def start_container(home: Path) -> str:
    """A container that waits, of nothing but a static program; on the sandbox's own bridge."""
    settings = Settings.load(home)
    engine = Engine(settings)
    program = Path(shutil.which("catatonit") or "/usr/bin/catatonit")
    archive = home / "waits.tar"
    subprocess.run(["tar", "-chf", archive, "-C", program.parent, "--transform", "s,^,bin/,", program.name], check=True)
    engine.call("import", str(archive), "localhost/waits:1")
    return engine.run(
        ContainerSpec(
            image="localhost/waits:1", name="waits", command=["/bin/catatonit", "-P"], network=settings.network
        )
    )


def network_of(home: Path) -> str:
    return str(json.loads((home / "settings.json").read_text())["network"])
