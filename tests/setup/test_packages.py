"""Which packages set-up asks for: by the version of podman that the system has, and by what is already there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.setup.checkout import ROOT


def bash(script: str, path: str = "/usr/sbin:/usr/bin:/sbin:/bin") -> str:
    done = subprocess.run(
        ["/bin/bash", "-euc", f"engine=podman python=python3 venv=none; source tools/setup_packages.sh; {script}"],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("version", "packages"),
    [
        pytest.param("4.3", "cni iptables", id="Debian 12"),
        pytest.param("4.9", "netavark aardvark-dns iptables", id="Ubuntu 24.04"),
        pytest.param("5.4", "netavark aardvark-dns nftables iptables", id="Debian 13"),
    ],
)
def test_containers_get_the_network_programs_that_their_podman_speaks_to(version: str, packages: str) -> None:
    assert bash(f"network_packages {version}") == packages


def test_a_program_that_is_on_path_is_not_asked_for(tmp_path: Path) -> None:
    script = f'have() {{ [ -x "{tmp_path}/$1" ]; }}; missing_for_lint'
    assert bash(script).split() == ["nodejs", "npm"]
    for name in ("node", "npm"):
        (tmp_path / name).touch(0o755)
    assert bash(script) == ""


def test_the_version_of_podman_is_the_installed_ones_else_the_one_that_apt_would_install(tmp_path: Path) -> None:
    apt = tmp_path / "apt-cache"
    apt.write_text("#!/bin/sh\necho 'podman:\n  Installed: (none)\n  Candidate: 5.4.2+ds1-2+b2'\n")
    apt.chmod(0o755)
    assert bash("have() { false; }; podman_version", f"{tmp_path}:/usr/bin:/bin") == "5.4"
    assert bash("have() { true; }; podman() { echo podman version 4.9.3; }; podman_version") == "4.9"


def test_a_shell_that_used_a_sandbox_which_is_gone_does_not_hide_the_version_of_podman() -> None:
    script = """
        have() { true; }
        podman() { [ -z "${CONTAINERS_CONF:-}${CONTAINERS_STORAGE_CONF:-}" ] && echo podman version 4.3.1; }
        export CONTAINERS_CONF=/gone/containers.conf CONTAINERS_STORAGE_CONF=/gone/storage.conf
        podman_version; echo "$CONTAINERS_CONF"
    """
    assert bash(script).split() == ["4.3", "/gone/containers.conf"]


def test_lint_does_not_pass_where_the_workflows_cannot_be_checked(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    done = subprocess.run(
        ["/bin/bash", "tests/workflows/actionlint.sh"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the workflows cannot be checked, since node and npm are missing" in done.stderr
