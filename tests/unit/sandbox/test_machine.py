"""What a machine must have for a sandbox: each lack is one sentence with what to do, and a taken port names who has it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import machine, ports

CGROUP = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 {} 0 0\n"


@pytest.fixture
def everywhere() -> Iterator[int]:
    """A port that a program of this machine listens on, on all addresses."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def prefixes(monkeypatch: pytest.MonkeyPatch, *fixed: int) -> None:
    """Only these ports are looked at: whoever runs these tests may have 443 and 53 in use."""
    monkeypatch.setattr(ports, "needed", lambda prefix, _: [ports.Port(f"{prefix}.0.1", number) for number in fixed])


def test_a_port_that_is_taken_everywhere_is_refused_with_who_has_it(
    monkeypatch: pytest.MonkeyPatch, everywhere: int
) -> None:
    prefixes(monkeypatch, everywhere)
    name = Path("/proc/self/comm").read_text().strip()
    with pytest.raises(machine.Refused) as refused:
        machine.choose_prefix(())
    assert str(refused.value) == (
        f"TCP port {everywhere} is taken on every loopback address: {name} (pid {os.getpid()}) listens on all addresses. "
        "Stop it, or let it listen on the addresses that it serves only."
    )


def test_another_prefix_is_taken_where_the_first_has_a_port_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.77.0.1", 0)) as server:
        prefixes(monkeypatch, server.getsockname()[1])
        assert machine.choose_prefix(()) == "127.78"


def test_where_each_prefix_is_in_use_the_first_ones_holder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PREFIXES", ["127.77"])
    with socket.create_server(("127.77.0.1", 0)) as server:
        prefixes(monkeypatch, server.getsockname()[1])
        with pytest.raises(machine.Refused, match=rf"the first one is taken: .* \(pid {os.getpid()}\) listens on 127"):
            machine.choose_prefix(())


def test_the_ports_of_load_balancers_and_the_name_server_are_needed_too() -> None:
    wanted = {str(port) + " " + port.address for port in ports.needed("127.77", (4566, 5000))}
    assert {
        "TCP port 4566 127.77.0.1",
        "TCP port 53 127.77.0.1",
        "UDP port 53 127.77.0.1",
        "TCP port 443 127.77.1.1",
        "TCP port 80 127.77.1.20",
    } <= wanted


def test_who_has_a_udp_port_on_all_addresses_of_both_families_is_found() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::", 0))
        port = ports.Port("127.77.0.1", server.getsockname()[1], "udp")
        assert ports.taken([port]) == port
        found = ports.holder(port)
        assert found is not None
        assert found.address == "all addresses"
        assert str(os.getpid()) in str(found)


def test_a_port_below_1024_that_the_user_may_not_bind_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def denied(_: list[ports.Port]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports, "taken", denied)
    with pytest.raises(machine.Refused, match=r"may not bind port 443.* Run as root, or once: sysctl"):
        machine.choose_prefix(())


def test_another_user_than_root_is_refused_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setattr(machine.shutil, "which", lambda name: None)
    with pytest.raises(machine.Refused, match=r"needs root: .* sudo make demo"):
        machine.check_user()
    monkeypatch.setenv("PEAR_SANDBOX_ENGINE", "docker")
    machine.check_user()


@pytest.mark.parametrize(
    ("mounted", "sentence"),
    [
        pytest.param("proc /proc proc rw 0 0\n", "No control groups are mounted", id="none"),
        pytest.param(CGROUP.format("ro,nosuid"), "mounted read-only", id="read-only"),
    ],
)
def test_control_groups_that_containers_cannot_have_are_refused(mounted: str, sentence: str) -> None:
    with pytest.raises(machine.Refused, match=sentence):
        machine.check_control_groups(mounted)


def test_control_groups_that_may_be_written_to_are_enough() -> None:
    machine.check_control_groups(CGROUP.format("rw,nosuid"))


def test_a_disk_that_is_too_full_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine.check_space(tmp_path / "not" / "there" / "yet")
    real = os.statvfs(tmp_path)
    few = os.statvfs_result((4096, 4096, *real[2:4], 7 * 256, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda folder: few)
    with pytest.raises(
        machine.Refused, match=rf"The disk of {tmp_path} is too full: .* {machine.SPACE_MIB} MiB, 7 MiB"
    ):
        machine.check_space(tmp_path / "home")
