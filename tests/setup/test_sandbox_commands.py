"""Commands of the sandbox interrupted, doubled, and left without their engine: what they say, and what they leave."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import remains
from tests.setup.checkout import ROOT, start
from tests.setup.sandboxes import cli, left_of, network_of, run, start_container

# Of what ansible-core's handler of Ctrl-C raises while it forks a worker Python prints a traceback. So only our own code is looked for.
OUR_TRACEBACK = re.compile(rf'File "{re.escape(str(ROOT))}/(?!\.venv/)')


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose sandbox is removed whatever the test did."""
    home = tmp_path / "home"
    yield home
    subprocess.run(["chattr", "-R", "-i", home], capture_output=True, check=False)
    assert run(home, "down").status == 0
    assert left_of(home) == []


@pytest.mark.parametrize(
    ("made", "number"),
    [
        pytest.param("settings.json", signal.SIGINT, id="before the engine is asked"),
        pytest.param("run/registry.json", signal.SIGHUP, id="after the first process, by a closed terminal"),
        pytest.param("run/api.json", signal.SIGINT, id="while the API starts"),
    ],
)
def test_an_interrupted_up_says_one_line_and_leaves_nothing(home: Path, made: str, number: signal.Signals) -> None:
    up = start(cli(home, "up"), ROOT, home.parent)
    up.wait_until((home / made).exists)
    up.interrupt(number)
    ended = up.end(timeout=60)
    assert ended.status == 130
    assert "Traceback" not in ended.output
    assert ended.output.rstrip().endswith("sandbox: interrupted. What had been started was removed.")
    assert left_of(home) == []


def test_of_two_up_at_once_one_starts_and_the_other_finds_it_running(home: Path) -> None:
    both = [start(cli(home, "up"), ROOT, home.parent) for _ in range(2)]
    ended = [command.end(timeout=180) for command in both]
    assert [one.status for one in ended] == [0, 0], ended
    assert sum("waiting for another command on this sandbox (pid " in one.output for one in ended) == 1
    assert sum("already running" in one.output for one in ended) == 1
    assert sum("started api" in one.output for one in ended) == 1
    network = network_of(home)
    assert run(home, "down").status == 0
    assert left_of(home, network) == []


def test_down_removes_containers_that_the_engine_does_not(home: Path, tmp_path: Path) -> None:
    assert run(home, "up").status == 0
    start_container(home)
    network = network_of(home)
    broken = tmp_path / "bin/podman"
    broken.parent.mkdir()
    broken.write_text(
        f'#!/bin/sh\n[ "$1" != rm ] || {{ echo busy >&2; exit 125; }}\nexec {shutil.which("podman")} "$@"\n'
    )
    broken.chmod(0o755)
    down = run(home, "down", PATH=f"{broken.parent}:{os.environ['PATH']}")
    assert down.status == 0, down.output
    assert "podman did not remove everything (attempt 3 of 3): busy" in down.output
    assert left_of(home, network) == []
    rules = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=False).stdout
    assert network not in rules


def test_down_names_what_it_could_not_remove_and_fails(home: Path) -> None:
    assert run(home, "up").status == 0
    kept = home / "efs-of-somebody"
    kept.write_text("")
    subprocess.run(["chattr", "+i", kept], check=True)
    down = run(home, "down")
    assert down.status == 1
    assert f"sandbox: These could not be removed: files in {home}." in down.output
    assert "removed containers" not in down.output
    subprocess.run(["chattr", "-i", kept], check=True)
    assert run(home, "down").status == 0
    assert left_of(home) == []


def test_down_finds_a_sandbox_whose_folder_is_gone(home: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    assert run(lost, "up").status == 0
    start_container(lost)
    network = network_of(lost)
    assert any("in a container" in process.what for process in remains.processes([lost]))
    remains.unmount(lost)
    shutil.rmtree(lost, ignore_errors=True)
    down = run(home, "down")
    assert down.status == 0, down.output
    assert f"removing what still runs of {lost}, which is gone" in down.output
    assert left_of(lost, network) == []


def test_up_goes_on_from_a_sandbox_whose_processes_were_killed(home: Path) -> None:
    assert run(home, "up").status == 0
    start_container(home)
    network = network_of(home)
    for process in remains.processes([home]):
        if process.what.startswith(("sandbox", "docker-registry")):
            os.kill(process.pid, signal.SIGKILL)
    again = run(home, "up")
    assert again.status == 0, again.output
    assert "cleaning up" in again.output
    assert network not in remains.bridges()


def test_a_second_demo_waits_and_an_interrupted_one_says_how_it_goes_on(home: Path) -> None:
    variables = {"PEAR_SANDBOX_HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    demo = start(["tools/demo.sh"], ROOT, home.parent, **variables)
    demo.wait_until((home / "settings.json").exists)
    second = start(["tools/demo.sh"], ROOT, home.parent, **variables)
    second.wait_until(lambda: second.says(f"waiting for another make demo (pid {demo.process.pid}) in this checkout"))
    second.interrupt()
    assert second.end(timeout=30).status == 130
    demo.wait_until(lambda: demo.says("TASK ["))
    ended = demo.end_by_interrupts()
    assert ended.status == 130
    assert not OUR_TRACEBACK.search(ended.output), ended.output
    assert "demo: interrupted. make demo goes on from here; make sandbox-down removes what runs." in ended.output
    assert run(home, "status").status == 0
