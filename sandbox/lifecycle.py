"""Up, down and reset of a whole sandbox, in the order that leaves nothing behind."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import machine, snapshot
from .config import Settings
from .engine import Engine
from .processes import Program, alive, python, start, stop

NAMES = ("registry", "registry-front", "api", "edge")
Say = Callable[[str], None]


def up(home: Path, time_factor: float, say: Say) -> Settings:
    """Bring the sandbox up; nothing changes where it is up already. What a killed one left is cleaned first."""
    if (home / "settings.json").exists():
        settings = Settings.load(home)
        if all(alive(settings, name) for name in NAMES):
            say(f"already running, since {_age(home / 'settings.json')}: {settings.endpoint}")
            return settings
        if [name for name in NAMES if not alive(settings, name)] == ["api"] and snapshot.file_of(home).exists():
            say("the api process has ended: it goes on with the state it had")
            _start_processes(settings, say, ("api",))
            return settings
        say("cleaning up after a sandbox that did not end by itself")
        down(home, say)
    engine_name = machine.choose_engine()
    network = f"pear-{uuid.uuid4().hex[:8]}"
    # A prefix is taken once its ports are bound: two that start at the same moment would choose the same one.
    with machine.one_at_a_time():
        settings = Settings(
            home=home, prefix=machine.choose_prefix((4566, 5000, 5001)), engine=engine_name, network=network
        )
        settings = settings.with_values(time_factor=time_factor)
        machine.check_ports(settings.prefix)
        home.mkdir(parents=True, exist_ok=True)
        settings.save()
        try:
            _start(settings, say)
        except BaseException:
            down(home, lambda text: None)
            raise
    return Settings.load(home)


def down(home: Path, say: Say) -> bool:
    """Stop all processes, remove containers, network and files. False where there was nothing."""
    if not (home / "settings.json").exists():
        return False
    settings = Settings.load(home)
    for name in reversed(NAMES):
        if stop(settings, name):
            say(f"stopped {name}")
    machine.release(settings, Engine(settings))
    shutil.rmtree(home)
    say(f"removed containers, network {settings.network} and {home}")
    return True


def reset(home: Path, say: Say) -> Settings:
    """Back to an empty AWS; images that the engine holds already stay."""
    settings = Settings.load(home)
    for name in reversed(NAMES):
        stop(settings, name)
    engine = Engine(settings)
    engine.remove(*engine.containers())
    for folder in ("efs", "registry", "tasks", "state"):
        shutil.rmtree(home / folder, ignore_errors=True)
    _start_processes(settings, say)
    return settings


def _start(settings: Settings, say: Say) -> None:
    if settings.engine == "podman":
        machine.write_podman_configuration(settings)
    engine = Engine(settings)
    say(f"asking {settings.engine} for a bridge network")
    machine.check_engine(engine)
    subnet = machine.create_network(settings, engine)
    settings = settings.with_values(subnet=subnet)
    settings.save()
    _start_processes(settings, say)


def _start_processes(settings: Settings, say: Say, names: Sequence[str] = NAMES) -> None:
    from .registry import write_configuration

    configuration = write_configuration(settings)
    registry = shutil.which("docker-registry")
    if registry is None:
        raise machine.Refused(
            "docker-registry is not installed. As root, on Debian: apt-get install -y docker-registry"
        )
    address = settings.api_address
    programs = (
        Program(
            "registry",
            # It takes every variable REGISTRY_… for a setting, podman's REGISTRY_AUTH_FILE too: it gets none.
            ("env", "-i", registry, "serve", str(configuration)),
            lambda: _listens(address, settings.registry_backend_port),
        ),
        Program("api", python("sandbox", settings, "serve"), lambda: _get(settings, "/_sandbox/health") is not None),
        Program(
            "registry-front",
            python("sandbox.registry", settings),
            lambda: _listens(address, settings.registry_port),
        ),
        Program("edge", python("sandbox.edge", settings), lambda: _edge_reports(settings)),
    )
    for program in (one for one in programs if one.name in names):
        began = time.monotonic()
        start(settings, program)
        say(f"started {program.name} ({time.monotonic() - began:.1f} s)")


def _edge_reports(settings: Settings) -> bool:
    health = _get(settings, "/_sandbox/health")
    return bool(health and health["edge_reported"])


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _get(settings: Settings, path: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(settings.endpoint + path, timeout=5) as answer:
            return dict(json.load(answer))
    except OSError:
        return None


def _age(path: Path) -> str:
    return time.strftime("%H:%M:%S", time.localtime(path.stat().st_mtime))


def processes(settings: Settings) -> list[tuple[str, int | None]]:
    """Name and process id of each process of the sandbox; None for one that does not run."""
    return [(name, alive(settings, name)) for name in NAMES]


def follow(log: Path) -> None:
    """Print a log and what is added to it, until interrupted."""
    subprocess.run(["tail", "-n", "200", "-F", str(log)], check=False)
