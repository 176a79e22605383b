"""Set-up interrupted at each of its steps, and set up twice at once: the next run completes it."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.setup.checkout import Checkout, copy_to

WORKS = "import ansible, boto3, moto, ansible_collections.amazon.aws, pytest"

Moment = Callable[[Path], bool]


def _installing(venv: Path) -> bool:
    return any(venv.glob("lib/*/site-packages/ansible_collections/*"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return copy_to(tmp_path_factory.mktemp("set-up") / "checkout")


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        pytest.param(lambda venv: (venv / "pyvenv.cfg").exists(), signal.SIGINT, id="while the environment is made"),
        pytest.param(lambda venv: any(venv.glob("lib/*/site-packages/pip")), signal.SIGKILL, id="while pip is put in"),
        pytest.param(_installing, signal.SIGINT, id="while packages are put in"),
    ],
)
def test_an_interrupted_set_up_says_so_in_one_line_and_leaves_no_process(
    checkout: Checkout, moment: Moment, number: signal.Signals
) -> None:
    venv = checkout.path / ".venv"
    shutil.rmtree(venv, ignore_errors=True)
    setup = checkout.start("make", "setup")
    setup.wait_until(lambda: moment(venv))
    setup.interrupt(number)
    ended = setup.end(timeout=30)
    assert ended.status != 0
    assert "Traceback" not in ended.output
    if number == signal.SIGINT:
        assert "setup: interrupted. The next run starts the unfinished step again." in ended.output
    assert checkout.left() == []
    assert not (venv / ".complete").exists()


def test_two_runs_at_once_complete_what_was_interrupted_and_one_of_them_waits(checkout: Checkout) -> None:
    """Runs on what the interruption before left: a half-made environment."""
    runs = [checkout.start("make", "setup"), checkout.start("make", "setup")]
    ended = [run.end() for run in runs]
    assert [run.status for run in ended] == [0, 0], ended
    assert sum("making .venv" in run.output for run in ended) == 1
    assert sum("waiting for another make setup (pid " in run.output for run in ended) == 1
    works = checkout.run(str(checkout.path / ".venv/bin/python"), "-c", WORKS)
    assert works.status == 0, works.output
    assert "making" not in checkout.run("make", "setup").output


def test_a_checkout_that_was_moved_is_set_up_anew(checkout: Checkout) -> None:
    """The programs of a virtual environment name its path; this one's stamp was written for another."""
    stamp = checkout.path / ".venv/.complete"
    stamp.write_text(stamp.read_text().replace(str(checkout.path), "/elsewhere/checkout"))
    setup = checkout.start("make", "setup")
    setup.wait_until(lambda: setup.says("making .venv"))
    setup.interrupt()
    setup.end(timeout=30)
