"""A machine that lacks something: one true sentence, and nothing half-made."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.checkout import Checkout, copy_to
from tests.setup.sandboxes import run


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
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    ended = checkout.run(*nobody, "make", "demo")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert "needs root" in said
    assert "sudo make demo" in said
    assert not (checkout.path / ".venv").exists()


def test_without_a_network_set_up_says_what_could_not_be_had(checkout: Checkout) -> None:
    ended = checkout.run("unshare", "--net", "make", "setup")
    assert ended.status == 2
    (said,) = sentences(ended.output, "setup")
    assert said.startswith("setup: the Python packages of requirements-dev.txt could not be installed: ")
    assert said.endswith("Is this machine online, and does its PyPI answer?")
    assert "Traceback" not in ended.output
    assert not (checkout.path / ".venv/.complete").exists()


def test_a_full_disk_is_named_with_what_is_needed_and_what_is_free(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", small], check=True)
    try:
        ended = run(small / "home", "up")
    finally:
        subprocess.run(["umount", small], check=True)
    assert ended.status == 1
    (said,) = ended.output.splitlines()
    assert said.startswith(f"sandbox: The disk of {small} is too full: the sandbox needs 400 MiB, 20 MiB are free.")


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


def test_a_web_server_on_all_addresses_is_named_by_process_and_port(tmp_path: Path) -> None:
    """In a network of its own, so that no sandbox of this machine is in its way."""
    script = (
        "ip link set lo up\n"
        "python3 -m http.server 443 >/dev/null 2>&1 & server=$!\n"
        "while ! ss -ltn | grep -q :443; do sleep 0.1; done\n"
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
    assert done.returncode == 1
    pid = done.stdout.split()[-1]
    # Before it, a line may say that another sandbox of this machine is just starting.
    (said,) = sentences(done.stderr, "sandbox")
    assert said == (
        f"sandbox: TCP port 443 is taken on every loopback address: python3 (pid {pid}) listens on all addresses. "
        "Stop it, or let it listen on the addresses that it serves only."
    )
