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
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import environment, machine, remains, snapshot
from .config import SETTINGS, Settings
from .engine import Engine, EngineError
from .lateness import measured
from .locks import exclusive
from .processes import NotStarted, Program, alive, python, start, stop, uninterrupted

NAMES = ("registry", "registry-front", "api", "edge")
Say = Callable[[str], None]


class NotRemoved(RuntimeError):
    """Something of the sandbox is still there; the text names it."""

    def __init__(self, left: list[str]) -> None:
        super().__init__(f"These could not be removed: {'; '.join(left)}. Run the same again; the rest is gone.")
        self.left = left


def up(home: Path, time_factor: float, say: Say) -> Settings:
    """Bring the sandbox up; nothing changes where it is up already. What a killed one left is cleaned first."""
    machine.check_user()
    with _alone(home, say):
        # Read only now: whoever had the lock before may have started it.
        settings = _known(home)
        if settings and all(alive(settings, name) for name in NAMES):
            say(f"already running, since {_age(home / SETTINGS)}: {settings.endpoint}")
            return settings
        only_api = [name for name in NAMES if settings and not alive(settings, name)] == ["api"]
        if settings and only_api and snapshot.file_of(home).exists():
            say("the api process has ended: it goes on with the state it had")
            try:
                _start_processes(settings, say, ("api",))
            except KeyboardInterrupt:
                raise NotStarted(
                    "interrupted while the api process started. Nothing was removed: run it again."
                ) from None
            return settings
        engine = machine.choose_engine()
        machine.check_control_groups(Path("/proc/self/mounts").read_text())
        if not remains.processes([home]):
            machine.check_home(home)
        if _is_there(home):
            say("cleaning up after a sandbox that did not end by itself")
            _remove(home, say)
        machine.check_space(home)
        # A prefix is taken once its ports are bound: two that start at the same moment would choose the same one.
        with exclusive("addresses", lambda pid: say(f"waiting for another sandbox that starts (pid {pid})")):
            return _bring_up(home, engine, time_factor, say)


def _bring_up(home: Path, engine: str, time_factor: float, say: Say) -> Settings:
    settings = Settings(
        home=home,
        prefix=machine.choose_prefix((4566, 5000, 5001)),
        engine=engine,
        network=f"pear-{uuid.uuid4().hex[:8]}",
        time_factor=time_factor,
    )
    try:
        home.mkdir(parents=True, exist_ok=True)
        settings.save()
        _start(settings, say)
    except BaseException:
        with uninterrupted():
            _remove(home, lambda text: None)
        raise
    return Settings.load(home)


def down(home: Path, say: Say) -> bool:
    """Stop all processes, remove containers, network and files. False where there was nothing.

    What runs of homes that are gone is removed too. Raises NotRemoved where something is still there at the end, after
    all else was removed.
    """
    if home.exists():
        machine.check_user("sudo make sandbox-down")
    left: list[str] = []
    found = _take_away(home, say, left)
    if machine.needs_root():
        return found
    for gone in sorted(remains.gone_homes()):
        say(f"removing what still runs of {gone}, which is gone")
        found = _take_away(gone, say, left) or found
    for bridge in remains.unowned_bridges():
        remains.remove_network(bridge, "")
        if bridge in remains.bridges():
            left.append(f"bridge {bridge}")
        else:
            say(f"removed bridge {bridge}, which no sandbox uses")
    if left:
        raise NotRemoved(left)
    return found


def _take_away(home: Path, say: Say, left: list[str]) -> bool:
    """Remove a sandbox, and add what is still there to `left`. False where there was nothing."""
    with _alone(home, say):
        if not _is_there(home):
            return False
        try:
            _remove(home, say)
        except NotRemoved as failed:
            left += failed.left
        return True


def reset(home: Path, say: Say) -> Settings:
    """Back to an empty AWS; images that the engine holds already stay."""
    machine.check_user("sudo .venv/bin/python -m sandbox reset")
    with _alone(home, say):
        settings = _known(home)
        if settings is None:
            raise machine.Refused(f"No sandbox runs in {home}. Start one: {environment.command(home, 'up')}")
        for name in reversed(NAMES):
            stop(settings, name)
        engine = Engine(settings)
        engine.remove(*engine.containers())
        for folder in ("efs", "registry", "tasks", "state"):
            shutil.rmtree(home / folder, ignore_errors=True)
        _start_processes(settings, say)
        return settings


def _alone(home: Path, say: Say) -> AbstractContextManager[None]:
    """No other command starts, stops or resets the sandbox of this home meanwhile."""
    return exclusive(
        f"home {home}", lambda pid: say(f"waiting for another command on this sandbox (pid {pid}): {home}")
    )


def _known(home: Path) -> Settings | None:
    """The settings of a sandbox that was brought up here; None for none, or for what an older version left."""
    try:
        return Settings.load(home)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def _remove(home: Path, say: Say) -> None:
    """Remove all of a sandbox and see that it is gone: the engine first, then the kernel's tables, then the files."""
    settings = _known(home)
    if settings:
        for name in reversed(NAMES):
            if stop(settings, name):
                say(f"stopped {name}")
        _release(settings, say)
    attached = remains.attachment(home)
    remains.kill([home])
    remains.unmount(home)
    remains.detach(attached)
    networks = attached.bridges | ({settings.network} if settings else set())
    for network in networks:
        remains.remove_network(network, settings.subnet if settings else "")
    if all(text.startswith("files") for text in remains.of(home, *networks)):
        _remove_files(home)
    if left := remains.of(home, *networks):
        raise NotRemoved(left)
    say(f"removed containers, {''.join(f'network {network}, ' for network in sorted(networks))}and {home}")


def _is_there(home: Path) -> bool:
    """Whether there is something of a sandbox to remove; a folder with files of others is not."""
    return machine.is_home(home) or bool(remains.processes([home]))


def _remove_files(home: Path) -> None:
    """The settings go last: by them the next command knows that the folder is a sandbox's."""
    for entry in home.iterdir() if home.is_dir() else ():
        if entry.name != SETTINGS:
            remains.remove_file(entry)
    if not home.is_dir() or {entry.name for entry in home.iterdir()} <= {SETTINGS}:
        shutil.rmtree(home, ignore_errors=True)


def _release(settings: Settings, say: Say, attempts: int = 3) -> None:
    """A busy machine makes the engine late: that is no success, so it is asked again."""
    for attempt in range(1, attempts + 1):
        try:
            machine.release(settings, Engine(settings))
            return
        except EngineError as refused:
            say(f"{settings.engine} did not remove everything (attempt {attempt} of {attempts}): {refused}")


def _start(settings: Settings, say: Say) -> None:
    if settings.engine == "podman":
        machine.write_podman_configuration(settings)
    engine = Engine(settings)
    say(f"asking {settings.engine} for a bridge network")
    with measured() as lateness:
        engine.clock = lateness.now
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
    with measured() as lateness:
        for program in (candidate for candidate in programs if candidate.name in names):
            began = time.monotonic()
            start(settings, program, lateness.now)
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
