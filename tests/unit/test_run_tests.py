"""`make test` runs lists of verbs side by side, and ends with the names of what failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.run_tests import main

MAKEFILE = """
fine:
\t@echo all is well
broken:
\t@echo this is why; exit 3
reported:
\t@echo '<testsuite><testcase classname="a.b" name="c" time="1"><failure message="one is not two"/></testcase></testsuite>' \\
\t > $${PYTEST_ADDOPTS#--junit-xml=}; exit 1
play:
\t@printf '  │ TASK [New version]\\n  │ \\033[31m[ERROR]: Task failed: no such role\\033[0m\\n  │ fatal: [web]: FAILED!\\n'; seq 99; exit 2
# Each waits until the other has begun.
left:
\t@touch left; for i in $$(seq 600); do [ -e right ] && exit; sleep 0.1; done; exit 1
right:
\t@touch right; for i in $$(seq 600); do [ -e left ] && exit; sleep 0.1; done; exit 1
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_passed_is_one_line_and_its_output_a_file(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fine"]) == 0
    printed = capsys.readouterr().out
    assert "all is well" not in printed and "1 passed, 0 failed" in printed, printed
    assert "all is well" in (checkout / "build/tests/fine.log").read_text()


def test_a_failed_verb_is_printed_and_the_next_ones_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broken fine"]) == 1
    printed = capsys.readouterr().out
    assert "this is why" in printed and "1 passed, 1 failed" in printed, printed


def test_the_names_of_failed_tests_come_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reported fine"]) == 1
    end = capsys.readouterr().out.partition("reported: a.b::c")[2]
    assert "one is not two" in end and "1 passed, 1 failed" in end, end


def test_errors_of_playbooks_come_last_where_no_tests_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play fine"]) == 1
    end = capsys.readouterr().out.rpartition("99")[2]
    assert "play: [ERROR]: Task failed: no such role\n    fatal: [web]: FAILED!\n" in end, end


def test_lists_run_side_by_side() -> None:
    assert main(["left", "right"]) == 0
