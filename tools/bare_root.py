"""Try the first five minutes on a Debian that has nothing: a bare root, a clone in it, the README's commands as printed.

usage: tools/bare_root.py SUITE [FOLDER]    SUITE is bookworm or trixie; FOLDER (default: a temporary one) must not exist, and is
                                            removed at the end

Needs root and mmdebstrap. The bare root takes this machine's names of hosts, package sources and certificates, so that it
reaches what this machine reaches. Each row is a command of the README, or looks for what is left of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CLONE = "/root/fargate"
# What the README asks for: git to clone, make to begin. Certificates and make come with any server.
PACKAGES = "ca-certificates,git,make"
# This machine's way to the outside: without it a bare root reaches nothing where there is a proxy or a mirror.
OUTSIDE = ("/etc/hosts", "/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_CERT", "SSL_CERT_FILE")
VERSIONS = (
    "podman --version; python3 --version; .venv/bin/ansible --version | sed -n 1p; "
    ".venv/bin/ansible-galaxy collection list amazon.aws 2>/dev/null | grep amazon.aws"
)


@dataclass(frozen=True)
class BareRoot:
    """A folder with a system in it, and commands that run there with the mounts that containers need."""

    folder: Path

    def start(self, script: str) -> subprocess.Popen[bytes]:
        mounts = "; ".join(
            f"mount --rbind /{name} {self.folder}/{name}; mount --make-rslave {self.folder}/{name}"
            for name in ("proc", "sys", "dev")
        )
        # The root of a chroot is no mount by itself; podman wants it to be one.
        entered = f'mount --bind {self.folder} {self.folder}; {mounts}; exec chroot {self.folder} bash -euo pipefail -c "$SCRIPT"'
        home = {
            "HOME": "/root",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SCRIPT": script,
        }
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bash", "-euc", entered],
            env={**passed_on, **home, "LANG": "C.UTF-8", "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self, script: str) -> int:
        process = self.start(script)
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)

    def processes(self) -> dict[int, str]:
        """Processes whose root is this folder: what commands left running."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                inside = (entry / "root").readlink().is_relative_to(self.folder)
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if inside and words:
                found[int(entry.name)] = words
        return found


def refused(arguments: list[str]) -> str:
    """Why it cannot begin; empty where it can."""
    if not arguments:
        return "bare-root: name the suite."
    if os.geteuid() != 0:
        return "bare-root: needs root, for chroot and mounts."
    if not shutil.which("mmdebstrap"):
        return "bare-root: mmdebstrap is missing. On Debian: apt-get install -y mmdebstrap"
    if len(arguments) > 1 and Path(arguments[1]).exists():
        return f"bare-root: {arguments[1]} exists, and the folder is removed at the end."
    return ""


def make(suite: str, root: BareRoot) -> None:
    folder = root.folder
    options = [f"--include={PACKAGES}", "--skip=cleanup/apt/lists", "--variant=minbase", "--quiet"]
    subprocess.run(["mmdebstrap", *options, suite, folder], check=True)
    for name in OUTSIDE:
        target = folder / name.lstrip("/")
        if Path(name).is_file() and not target.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, target)
    for proxy in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copyfile(proxy, folder / "etc/apt/apt.conf.d" / proxy.name)
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, folder / CLONE.lstrip("/")], check=True)


def interrupt_packages(root: BareRoot) -> int:
    """Ctrl-C while packages are unpacked and configured: `make demo` goes on from there."""
    process = root.start(f"cd {CLONE}; exec make demo")
    status = root.folder / "var/lib/dpkg/status"
    deadline = time.monotonic() + 300
    while b"Status: install ok unpacked" not in status.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            print("no moment came at which a package was unpacked and not configured", file=sys.stderr)
            return 1
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return 0


def refused_without_network(root: BareRoot) -> int:
    """One sentence, of set-up, and no more than that."""
    said = root.folder / "tmp/said"
    status = root.run(f"cd {CLONE}; unshare --net make demo > /tmp/said 2>&1")
    sentences = [line for line in said.read_text().splitlines() if line.startswith("setup: ")]
    print(said.read_text(), file=sys.stderr)
    return int(status == 0 or len(sentences) != 1 or "Is this machine online" not in sentences[0])


def nothing_is_left(root: BareRoot) -> int:
    left = [f"process {pid}: {words}" for pid, words in root.processes().items()]
    left += [f"bridge {name}" for name in NETWORKS if Path("/sys/class/net", name).exists()]
    print("\n".join(left) or "nothing is left", file=sys.stderr)
    return 1 if left else 0


def look_at_network(root: BareRoot) -> int:
    """Remember which bridge is this sandbox's: other sandboxes of the machine have theirs."""
    settings = root.folder / CLONE.lstrip("/") / ".sandbox/settings.json"
    NETWORKS.append(json.loads(settings.read_text())["network"])
    return 0


NETWORKS: list[str] = []
ROWS: tuple[tuple[str, str | Callable[[BareRoot], int]], ...] = (
    ("no network", refused_without_network),
    ("packages interrupted", interrupt_packages),
    ("make demo", "make demo"),
    ("make demo, again", "make demo"),
    (
        "README's commands",
        'eval "$(.venv/bin/python -m sandbox env)"; ansible-playbook playbooks/status.yml -i inventories/local',
    ),
    # The next sandbox of the same shell has another base image and other folders than its variables name.
    ("again in a used shell", 'eval "$(.venv/bin/python -m sandbox env)"; make sandbox-down; make demo'),
    ("versions", VERSIONS),
    ("its bridge", look_at_network),
    ("make sandbox-down", "make sandbox-down"),
    ("nothing is left", nothing_is_left),
    ("make unit-all plays", "make unit-all plays"),
)


def main(arguments: list[str]) -> int:
    if refusal := refused(arguments):
        print(f"{refusal}\n\n{__doc__}", file=sys.stderr)
        return 2
    folder = Path(arguments[1]) if len(arguments) > 1 else Path(tempfile.mkdtemp(prefix="bare-root-"))
    table = []
    root = BareRoot(folder)
    try:
        make(arguments[0], root)
        for title, command in ROWS:
            print(f"\n═══ {arguments[0]}: {title}", file=sys.stderr, flush=True)
            began = time.monotonic()
            status = root.run(f"cd {CLONE}; {command}") if isinstance(command, str) else command(root)
            table.append((title, "ok" if status == 0 else "FAILED", time.monotonic() - began))
            if title == "make demo" and status != 0:
                break
    finally:
        # Interrupted too: what runs in the folder goes before it.
        for pid in root.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    for title, result, seconds in table:
        print(f"{arguments[0]}  {title:24} {result:7} {seconds:4.0f} s")
    return int(any(result != "ok" for _, result, _ in table))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
