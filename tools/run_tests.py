"""Run verbs of the Makefile: each argument is a list of verbs that run one after another, beside the other lists.

    python3 -m tools.run_tests "stories" "lint unit"

What a verb prints is in build/tests/VERB.log, and here as well where it failed. The names of the tests that failed, and
the errors of playbooks in verbs that have no such names, come last, so that they are there where only the end of a log is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .failed_tests import errors_of_plays, failures

RESULTS = Path("build/tests")


@dataclass(frozen=True)
class Ended:
    """A verb that has run."""

    verb: str
    passed: bool
    seconds: float

    def __str__(self) -> str:
        return f"{self.verb:14} {'ok' if self.passed else 'FAILED':7} {self.seconds:4.0f} s"


class Run:
    """Lists of verbs, each in a thread of its own."""

    def __init__(self, lists: list[list[str]]) -> None:
        self._lists = lists
        self._printing = threading.Lock()
        self._stopped = False
        self.ended: list[Ended] = []

    def __call__(self) -> bool:
        """Whether all passed. Ctrl-C reaches the verbs from the terminal; they clean up and are waited for."""
        shutil.rmtree(RESULTS, ignore_errors=True)
        RESULTS.mkdir(parents=True)
        threads = [threading.Thread(target=self._in_turn, args=(verbs,)) for verbs in self._lists]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                try:
                    thread.join()
                except KeyboardInterrupt:
                    self._stopped = True
        return not self._stopped and all(verb_run.passed for verb_run in self.ended)

    def errors(self) -> Iterator[str]:
        """The errors of playbooks in failed verbs that name no tests."""
        for verb_run in self.ended:
            if not verb_run.passed and not (RESULTS / f"{verb_run.verb}.xml").exists():
                for error in errors_of_plays(self._log(verb_run.verb).read_text(errors="replace")):
                    yield f"{verb_run.verb}: {error}"

    def _in_turn(self, verbs: list[str]) -> None:
        for verb in verbs:
            if self._stopped:
                return
            ended = self._run(verb)
            with self._printing:
                self.ended.append(ended)
                if not ended.passed:
                    print(f"\n═══ make {verb}\n{self._log(verb).read_text(errors='replace')}")
                print(ended, flush=True)

    def _run(self, verb: str) -> Ended:
        began = time.monotonic()
        environment = {**os.environ, "PYTEST_ADDOPTS": f"--junit-xml={RESULTS / verb}.xml"}
        with self._log(verb).open("wb") as log:
            done = subprocess.run(
                ["make", verb],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return Ended(verb, done.returncode == 0, time.monotonic() - began)

    def _log(self, verb: str) -> Path:
        return RESULTS / f"{verb}.log"


def main(arguments: list[str]) -> int:
    lists = [argument.split() for argument in arguments]
    beside = " beside ".join(", ".join(verbs) for verbs in lists)
    print(f"Running {beside}; what they print is in {RESULTS}/", flush=True)
    began = time.monotonic()
    run = Run(lists)
    passed = run()
    print()
    for paragraph in (*failures(RESULTS), *run.errors()):
        print(paragraph, end="\n\n")
    print(*run.ended, sep="\n")
    failed = sum(not verb_run.passed for verb_run in run.ended)
    print(f"{len(run.ended) - failed} passed, {failed} failed, {time.monotonic() - began:.0f} s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
