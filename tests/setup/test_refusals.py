"""A machine that lacks something: one true sentence, and nothing half-made."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.config import Settings
from tests.setup.checkout import Checkout, copy_to, start
from tests.setup.sandboxes import run

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """In a folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    # pip is not to try again for a minute where there is no network at all.
    yield copy_to(folder / "checkout", PIP_RETRIES="0", PIP_DEFAULT_TIMEOUT="5")
    shutil.rmtree(folder)


def sentences(output: str, speaker: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(f"{speaker}: ")]


def test_another_user_than_root_is_told_so_once_and_first(checkout: Checkout) -> None:
    ended = checkout.run(*NOBODY, "make", "demo")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert "needs root" in said
    assert "sudo make demo" in said
    assert not (checkout.path / ".venv").exists()


def test_a_system_that_is_no_linux_is_told_so_instead_of_waiting_for_another_set_up(
    checkout: Checkout, tmp_path: Path
) -> None:
    for program in ("bash", "dirname", "git", "grep", "paste", "tr"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    ended = checkout.run("env", f"PATH={tmp_path}", "bash", "tools/setup.sh")
    assert ended.status == 1
    (said,) = ended.output.splitlines()
    assert said.startswith("setup: flock is missing, which every Linux has (util-linux): set-up is for Linux.")
    assert not (checkout.path / ".venv").exists()


def test_without_a_network_set_up_says_what_could_not_be_had(checkout: Checkout) -> None:
    ended = checkout.run("unshare", "--net", "make", "setup")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert said.startswith("setup: the Python packages of requirements-dev.txt could not be installed: ")
    assert said.endswith("Is this machine online, and does its PyPI answer?")
    assert "Traceback" not in ended.output
    assert not (checkout.path / ".venv/.complete").exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own."""
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", small], check=True)
    yield small
    subprocess.run(["umount", small], check=True)


def fill(folder: Path) -> None:
    """Until not a byte is free."""
    with (folder / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"0" * 4096):
            pass
    disk = os.statvfs(folder)
    assert disk.f_bavail == 0


def test_a_full_disk_is_named_with_what_is_needed_and_what_is_free(small: Path) -> None:
    """Not even a temporary file can be made there."""
    fill(small)
    ended = run(small / "home", "up", TMPDIR=str(small))
    assert ended.status == 1
    (said,) = ended.output.splitlines()
    assert said.startswith(f"sandbox: The disk of {small} is too full: the sandbox needs 400 MiB, 0 MiB are free.")


def test_set_up_on_a_full_disk_says_so_in_one_sentence(small: Path) -> None:
    checkout = copy_to(small / "checkout")
    (checkout.path / ".cache").mkdir()
    fill(small)
    logs = small.parent
    ended = start(("tools/setup.sh", "sandbox"), checkout.path, logs).end()
    assert ended.status == 1
    said = f"setup: the disk of {checkout.path} is too full: .venv takes 1050 MiB, 0 MiB are free."
    assert [line for line in ended.output.splitlines() if not line.startswith("» ")] == [said]


def test_a_checkout_whose_path_ansible_cannot_work_with_is_refused(tmp_path: Path) -> None:
    checkout = copy_to(tmp_path / "my projects")
    ended = checkout.run("make", "setup-python")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert "has a space, a colon or a comma" in said
    assert not (checkout.path / ".venv").exists()


def test_what_root_made_is_named_to_another_user_with_what_to_do(checkout: Checkout) -> None:
    """After sudo make demo a user runs the unit tests."""
    (checkout.path / ".cache").mkdir(exist_ok=True)
    ended = checkout.run(*NOBODY, "make", "setup-python")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    cache = checkout.path / ".cache"
    assert said.endswith(
        f"may not write to {cache}, which belongs to root. Run this as root, or: sudo chown -R nobody {cache}"
    )
    assert "Permission denied" not in ended.output


def test_an_environment_that_somebody_else_made_is_not_removed(checkout: Checkout) -> None:
    theirs = checkout.path / "theirs"
    theirs.mkdir()
    (theirs / "pyvenv.cfg").write_text("")
    ended = checkout.run("make", "setup-python", "VENV=theirs")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert said.startswith("setup: VENV is theirs, which exists and was not made by make setup")
    assert (theirs / "pyvenv.cfg").exists()


def test_a_sandbox_of_root_is_not_taken_down_by_another_user(checkout: Checkout) -> None:
    """Somebody ran sudo make demo, and then make sandbox-down."""
    home = checkout.path / ".sandbox"
    home.mkdir()
    Settings(home=home, prefix="127.77", engine="podman", network="pear-00000000").save()
    ended = checkout.run(*NOBODY, "make", "sandbox-down")
    assert ended.status == 2
    (said,) = sentences(ended.output, "sandbox")
    assert "needs root" in said
    assert said.endswith("for example: sudo make sandbox-down")
    assert "Traceback" not in ended.output
    assert (home / "settings.json").exists()
    shutil.rmtree(home)


def test_a_machine_without_control_groups_is_told_what_to_mount(tmp_path: Path) -> None:
    hidden = f"umount -l -R /sys/fs/cgroup && exec {shutil.which('python3')} -m sandbox --home {tmp_path}/home up"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", hidden],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith("sandbox: No control groups are mounted below /sys/fs/cgroup")


@pytest.mark.parametrize("taken", ["TCP port 443", "TCP port 80", "TCP port 53", "UDP port 53", "TCP port 4566"])
def test_a_server_on_all_addresses_is_named_by_process_and_port(tmp_path: Path, taken: str) -> None:
    """In a network of its own, so that no sandbox of this machine is in its way."""
    protocol, number = taken.split()[0], int(taken.split()[2])
    kind = {"TCP": "STREAM", "UDP": "DGRAM"}[protocol]
    listens = (
        f"import socket, time; server = socket.socket(type=socket.SOCK_{kind}); server.bind(('', {number})); "
        f"{'server.listen(); ' if protocol == 'TCP' else ''}print('listens', flush=True); time.sleep(600)"
    )
    script = (
        "ip link set lo up\n"
        f'coproc python3 -c "{listens}"; server=$COPROC_PID; read -r <&"${{COPROC[0]}}"\n'
        f"python3 -m sandbox --home {tmp_path}/home up; status=$?\n"
        "echo $server; exec 2>/dev/null  # where bash says of the server that it was terminated\n"
        "kill $server; exit $status\n"
    )
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", script],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    pid = done.stdout.split()[-1]
    # Before it, a line may say that another sandbox of this machine is just starting.
    (said,) = sentences(done.stderr, "sandbox")
    assert said == (
        f"sandbox: {taken} is taken on every loopback address: python3 (pid {pid}) listens on all addresses. "
        "Stop it, or let it listen on the addresses that it serves only."
    )
