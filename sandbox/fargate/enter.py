"""Runs commands inside containers that run already: a process of its own, started once for a sandbox, with no imports of ours.

`podman exec` starts four programs for each command. This forks once: the child joins the container's control groups and
namespaces, takes its root, user, limits and capabilities, and becomes the command. Requests and answers are lines of JSON
on standard input and output. What it does not take over is the container's seccomp filter.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any

_NAMESPACES = {"net": 0x40000000, "uts": 0x04000000, "ipc": 0x08000000, "mnt": 0x00020000}
_NEW_PID = 0x20000000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_GROUPS = Path("/sys/fs/cgroup")
_NOT_FOUND = 127
_LIMITS = {
    "Max open files": resource.RLIMIT_NOFILE,
    "Max processes": resource.RLIMIT_NPROC,
    "Max core file size": resource.RLIMIT_CORE,
}

_libc = ctypes.CDLL(None, use_errno=True)


def serve() -> None:
    """Answer until standard input ends: then whoever asked is gone, and what still runs for it is ended."""
    readable, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    running: dict[int, tuple[str, int]] = {}  # process id: whose, and where it says what it could not do
    pending = b""
    while True:
        ready, _, _ = select.select([0, readable], [], [])
        if readable in ready:
            os.read(readable, 4096)
            _reap(running)
        if 0 in ready:
            text = os.read(0, 65536)
            if not text:
                break
            *lines, pending = (pending + text).split(b"\n")
            for line in lines:
                _carry_out(json.loads(line), running)
    for process in running:
        _kill(process)


def _carry_out(request: dict[str, Any], running: dict[int, tuple[str, int]]) -> None:
    if "cancel" in request:
        for process, (request_id, _) in running.items():
            if request_id == request["cancel"]:
                _kill(process)
        return
    try:
        process, complaint = _begin(request)
    except OSError as refused:
        _answer({"id": request["id"], "refused": str(refused)})
        return
    running[process] = (request["id"], complaint)


def _begin(request: dict[str, Any]) -> tuple[int, int]:
    pid = int(request["pid"])
    listing = Path(f"/proc/{pid}/cgroup").read_text()
    if request["container"] not in listing:
        raise ProcessLookupError(f"process {pid} is not of container {request['container']}")
    # Only the children of a process enter a new namespace of processes; the next request chooses another one.
    inside = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    try:
        _check(_libc.setns(inside, _NEW_PID))
    finally:
        os.close(inside)
    complaint, say = os.pipe2(os.O_CLOEXEC)
    process = os.fork()
    if process == 0:
        _become(request, pid, listing, say)
    os.close(say)
    return process, complaint


def _become(request: dict[str, Any], pid: int, listing: str, say: int) -> None:
    """In the child: enter, give up what the container has not, and become the command. Never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        _join_groups(listing)
        _take_limits(Path(f"/proc/{pid}/limits").read_text())
        last_capability = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
        nothing = os.open("/dev/null", os.O_RDWR)
        root = os.open(f"/proc/{pid}/root", os.O_RDONLY | os.O_DIRECTORY)
        for name, flag in _NAMESPACES.items():
            inside = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            _check(_libc.setns(inside, flag))
        os.fchdir(root)
        os.chroot(".")
        user, group, others, home = find_user(request["user"], _lines("/etc/passwd"), _lines("/etc/group"))
        os.chdir(request["directory"] or "/")
        _limit_capabilities(int(status["CapBnd"], 16), last_capability)
        if status.get("NoNewPrivs", "0").strip() == "1":
            _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        os.setgroups(others)
        os.setgid(group)
        os.setuid(user)
        for standard in range(3):
            os.dup2(nothing, standard)
    except (OSError, KeyError, ValueError) as refused:
        os.write(say, str(refused).encode())
        os._exit(1)
    try:
        os.execvpe(request["command"][0], request["command"], {"HOME": home, **request["environment"]})
    except OSError:
        os._exit(_NOT_FOUND)


def _join_groups(listing: str) -> None:
    """What the command uses counts as the container's."""
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        # The unified hierarchy has no name: it is all there is, or stands beside the older ones.
        for folder in [controllers.removeprefix("name=")] if controllers else ["", "unified"]:
            members = _GROUPS / folder / path.lstrip("/") / "cgroup.procs"
            if path != "/" and members.exists():
                members.write_text("0")


def _take_limits(listing: str) -> None:
    """From /proc/PID/limits: prlimit() of another user's process is not allowed everywhere."""
    for name, limit in _LIMITS.items():
        line = next(line for line in listing.splitlines() if line.startswith(name))
        soft, hard = (_limit(word) for word in line[len(name) :].split()[:2])
        # One above this process's own limit is refused: its own stays then, which is the lower one.
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(limit, (soft, hard))


def _limit(word: str) -> int:
    return resource.RLIM_INFINITY if word == "unlimited" else int(word)


def find_user(named: str, passwd: list[str], groups: list[str]) -> tuple[int, int, list[int], str]:
    """User id, group id, supplementary groups and home of `user[:group]`, each a name or a number.

    Raises KeyError for a name that the container does not know.
    """
    user, _, group = (named or "0").partition(":")
    entry = next((f for line in passwd if len(f := line.split(":")) >= 6 and user in (f[0], f[2])), None)
    if entry is None and not user.isdigit():
        raise KeyError(f"no user {user} in /etc/passwd")
    number = int(entry[2]) if entry else int(user)
    known = [f for line in groups if len(f := line.split(":")) >= 4]
    others = [int(f[2]) for f in known if entry and entry[0] in f[3].split(",")] if not group else []
    if group:
        found = next((f[2] for f in known if group in (f[0], f[2])), group)
        if not found.isdigit():
            raise KeyError(f"no group {group} in /etc/group")
        return number, int(found), others, entry[5] if entry else "/"
    return number, int(entry[3]) if entry else 0, others, entry[5] if entry else "/"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except FileNotFoundError:
        return []


def _limit_capabilities(bounding: int, last: int) -> None:
    for number in range(last + 1):
        if not bounding >> number & 1:
            _check(_libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0))


def _reap(running: dict[int, tuple[str, int]]) -> None:
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0:
            return
        request_id, complaint = running.pop(process)
        with os.fdopen(complaint, "rb") as said:
            refused = said.read().decode(errors="replace")
        _answer(
            {"id": request_id, "refused": refused}
            if refused
            else {"id": request_id, "status": os.waitstatus_to_exitcode(status)}
        )


def _kill(process: int) -> None:
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            end(process, signal.SIGKILL)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
