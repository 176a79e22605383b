"""The ports that a sandbox needs on its loopback addresses, and who has one that is taken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Each load balancer gets an address of its own, from the first on; this many are looked at beforehand.
_LOAD_BALANCERS = 20
_LISTENS = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True)
class Port:
    """An address and a port of TCP or UDP."""

    address: str
    number: int
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.protocol.upper()} port {self.number}"


@dataclass(frozen=True)
class Holder:
    """Who listens on a port: None where the process is not visible from here."""

    address: str
    process: str | None

    def __str__(self) -> str:
        return f"{self.process or 'a process that is not visible from here'} listens on {self.address}"


def needed(prefix: str, fixed: tuple[int, ...]) -> list[Port]:
    """What a sandbox binds: its API and registry, its name server, and each load balancer's listeners."""
    api = f"{prefix}.0.1"
    balancers = [f"{prefix}.1.{number}" for number in (*range(1, _LOAD_BALANCERS + 1), 254)]
    return [
        *(Port(api, number) for number in fixed),
        Port(api, 53),
        Port(api, 53, "udp"),
        *(Port(address, number) for number in (443, 80) for address in balancers),
    ]


def taken(ports: list[Port]) -> Port | None:
    """The first of these that cannot be bound. PermissionError where this user may not bind it at all."""
    return next((port for port in ports if not _free(port)), None)


def _free(port: Port) -> bool:
    kind = socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(type=kind) as probe:
        if port.protocol == "tcp":
            # What was closed a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def holder(port: Port, proc: Path = Path("/proc")) -> Holder | None:
    """Who listens on the port, on this address or on all; None where nobody does any more."""
    for address, inode in _listening(port, proc):
        if address in {port.address, "0.0.0.0", "::"}:
            return Holder("all addresses" if address != port.address else address, _process(inode, proc))
    return None


def _listening(port: Port, proc: Path) -> Iterator[tuple[str, str]]:
    """Address and inode of each socket that listens on the port's number."""
    for table in (port.protocol, f"{port.protocol}6"):
        with contextlib.suppress(FileNotFoundError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                address, _, number = fields[1].partition(":")
                if int(number, 16) == port.number and fields[3] == _LISTENS[port.protocol]:
                    yield _address(address), fields[9]


def _address(hexadecimal: str) -> str:
    """The kernel writes each word of an address as a number of this machine's byte order."""
    words = [bytes.fromhex(hexadecimal[start : start + 8])[::-1] for start in range(0, len(hexadecimal), 8)]
    packed = b"".join(words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _process(inode: str, proc: Path) -> str | None:
    for entry in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(_points_to(file, f"socket:[{inode}]") for file in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
    return None


def _points_to(file: Path, target: str) -> bool:
    try:
        return str(file.readlink()) == target
    except OSError:
        return False
