"""What of a sandbox is on this machine, seen in the kernel's tables: an engine that failed or a home that is gone hides nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = ("sandbox", "sandbox.registry", "sandbox.edge")
_BRIDGE = re.compile(r"pear-[0-9a-f]{8}")
# What only containers of a sandbox have: these folders below its home. Other users of podman keep theirs elsewhere.
_EXITS = re.compile(r"(/[^\0]*)/containers/tmp/exits")
_UPPER = re.compile(r"upperdir=(/[^,]*)/containers/storage/overlay/")
_RUN = "/containers/run/overlay-containers/"
_REGISTRY = re.compile(r"(/.*)/registry/config\.yml")


@dataclass(frozen=True)
class Process:
    """A process of a sandbox: which home it belongs to, and what it is."""

    pid: int
    home: Path
    what: str

    def __str__(self) -> str:
        return f"{self.what} (pid {self.pid})"


def processes(homes: Iterable[Path] | None = None) -> list[Process]:
    """Processes of these homes, or of all: the sandbox's own, the engine's helpers, and what runs in containers."""
    wanted = None if homes is None else set(homes)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            process = _process(entry)
            if process and (wanted is None or process.home in wanted):
                found.append(process)
    return sorted(found, key=lambda process: process.pid)


def _process(entry: Path) -> Process | None:
    words = (entry / "cmdline").read_bytes().decode(errors="replace")
    if not words:
        return None  # a thread of the kernel, or a zombie
    pid, arguments = int(entry.name), words.rstrip("\0").split("\0")
    if _same_root(entry):
        if own := _own_program(arguments):
            return Process(pid, own[0], own[1])
        if arguments[0].endswith("docker-registry") and (found := _REGISTRY.fullmatch(arguments[-1])):
            # Ours has no variable at all; Debian's own service has some.
            return None if (entry / "environ").read_bytes() else Process(pid, Path(found[1]), "docker-registry")
        if arguments[0].endswith("conmon") and (found := _EXITS.search(words)):
            return Process(pid, Path(found[1]), "conmon, which watches a container")
        return None
    home = _home_of_container(entry)
    return Process(pid, home, f"in a container: {' '.join(arguments)[:60]}") if home else None


def _own_program(arguments: list[str]) -> tuple[Path, str] | None:
    """Home and module of a process that `up` started; commands that people type (logs, status) are not among them."""
    if "-m" not in arguments or "--home" not in arguments[:-1]:
        return None
    module = arguments[arguments.index("-m") + 1]
    if module not in _PROGRAMS or (module == "sandbox" and arguments[-1] != "serve"):
        return None
    return Path(arguments[arguments.index("--home") + 1]), module


def _home_of_container(entry: Path) -> Path | None:
    """The home whose engine runs this container. One whose engine works in another root (chroot) is that one's to remove."""
    mounted = (entry / "mountinfo").read_text()
    home = _UPPER.search(mounted.partition("\n")[0])
    if home is None or _RUN not in mounted:
        return None
    parent = Path("/proc") / (entry / "stat").read_text().rpartition(")")[2].split()[1]
    elsewhere = (parent / "comm").read_text().strip() == "conmon" and not _same_root(parent)
    return None if elsewhere else Path(home[1])


def _same_root(entry: Path) -> bool:
    return os.path.samestat((entry / "root").stat(), Path("/").stat())


def kill(homes: Iterable[Path], timeout: float = 10) -> None:
    """SIGKILL to all processes of these homes, until none is left or timeout seconds have passed."""
    wanted = set(homes)
    deadline = time.monotonic() + timeout
    while (left := processes(wanted)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        time.sleep(0.1)


def mounts(home: Path) -> list[str]:
    """Mount points below a home, the deepest first. The home itself is none of the engine's."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if home in Path(point).parents), key=len, reverse=True)


def unmount(home: Path) -> None:
    """Detach what an engine left mounted below the home."""
    for point in mounts(home):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def remove_file(path: Path) -> None:
    """Remove a file or a folder; what cannot be removed is there afterwards."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def bridges() -> set[str]:
    """Bridges that some sandbox of this machine named."""
    return {path.name for path in Path("/sys/class/net").glob("pear-*") if _BRIDGE.fullmatch(path.name)}


@dataclass(frozen=True)
class Attachment:
    """How containers are attached: the bridge, and the file that keeps a network namespace when its processes are gone."""

    bridges: frozenset[str] = frozenset()
    namespaces: frozenset[Path] = frozenset()


def attachment(home: Path) -> Attachment:
    """Asked of the containers' own processes, so that no engine and no settings are needed."""
    numbers = {
        number: process.pid
        for process in processes([home])
        if process.what.startswith("in a container")
        and (number := _inode(Path("/proc") / str(process.pid) / "ns/net")) is not None
    }
    kept = {path for path in Path("/run/netns").glob("netns-*") if _inode(path) in numbers}
    return Attachment(frozenset(filter(None, map(_bridge_of, numbers.values()))), frozenset(kept))


def _inode(path: Path) -> int | None:
    """None for what is gone meanwhile."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _bridge_of(pid: int) -> str | None:
    """The bridge of this machine that the other end of the process's interface is a port of."""
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-o", "link", "show", "eth0"]
    peer = re.search(r"eth0@if(\d+):", subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    for port in Path("/sys/class/net").glob("*/brport/bridge") if peer else ():
        if (port.parents[1] / "ifindex").read_text().strip() == peer[1]:  # type: ignore[index]
            name = port.resolve().name
            return name if _BRIDGE.fullmatch(name) else None
    return None


def detach(attached: Attachment) -> None:
    """Remove the namespaces whose processes are gone, and with them the containers' ends of the bridge."""
    for namespace in attached.namespaces:
        subprocess.run(["umount", "--lazy", namespace], capture_output=True, check=False)
        namespace.unlink(missing_ok=True)


def remove_network(network: str, subnet: str) -> None:
    """What CNI plugins and netavark leave of a network whose containers they did not take down themselves."""
    folder = Path("/var/lib/cni")
    for result in folder.glob(f"results/{network}-*"):
        result.unlink(missing_ok=True)
    shutil.rmtree(folder / "networks" / network, ignore_errors=True)
    if network in bridges():
        subprocess.run(["ip", "link", "delete", network], capture_output=True, check=False)
    _remove_rules(network, subnet)


def _remove_rules(network: str, subnet: str) -> None:
    """Rules of the packet filter that name the network or an address of its subnet, and the chains only they led to."""
    addresses = f"{subnet.rpartition('.')[0]}." if subnet else None
    for table in ("nat", "filter"):
        for rule in _rules(table):
            # A rule's comment names the network; forwarding of the filter names addresses only.
            if network in rule or (addresses and "CNI-FORWARD" in rule and f" {addresses}" in rule):
                _xtables(table, f"-D {rule}")
                chain = re.search(r"-j (CNI-[0-9a-f]{24})", rule)
                if chain:
                    _xtables(table, f"-F {chain[1]}")
                    _xtables(table, f"-X {chain[1]}")


def _rules(table: str) -> list[str]:
    try:
        listed = subprocess.run(["iptables", "-t", table, "-S"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return [line[3:] for line in listed.stdout.splitlines() if line.startswith("-A ")]


def _xtables(table: str, words: str) -> None:
    subprocess.run(["iptables", "-t", table, *shlex.split(words)], capture_output=True, check=False)


def of(home: Path, *networks: str) -> list[str]:
    """What is still there of a sandbox, each named: empty where all is gone."""
    return [
        *(str(process) for process in processes([home])),
        *(f"mount {point}" for point in mounts(home)),
        *(f"bridge {network}" for network in sorted(bridges().intersection(networks))),
        *([f"files in {home}"] if home.exists() else []),
    ]


def gone_homes() -> set[Path]:
    """Homes of which processes run and whose folder is no more: nobody's `down` would find them."""
    return {process.home for process in processes() if not process.home.exists()}


def unowned_bridges() -> set[str]:
    """Bridges with nothing attached, of no sandbox that runs: the engine makes one again where it needs it."""
    idle = {name for name in bridges() if not any(Path(f"/sys/class/net/{name}/brif").iterdir())}
    return idle - set(_networks()) if idle else set()


def _networks() -> Iterator[str]:
    """Networks of the sandboxes that run on this machine, those of other roots (chroots) too."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
            if own := _own_program(arguments):
                settings = entry / "root" / own[0].relative_to("/") / "settings.json"
                yield json.loads(settings.read_text())["network"]
