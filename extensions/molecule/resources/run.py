"""Run a scenario's verify() or side_effect() against AWS, or print how many calls have written anything so far.

usage: run.py written | SCENARIO verify|side_effect
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import urllib.request
from pathlib import Path

MOLECULE = Path(__file__).resolve().parents[1]


def written() -> int:
    """Mutating calls since the sandbox began, but those of running containers."""
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/calls", timeout=10) as answer:
        calls = json.load(answer)["calls"]
    return sum(call["mutating"] and call["operation"] != "PutLogEvents" for call in calls)


def main(arguments: list[str]) -> None:
    if arguments == ["written"]:
        sys.stdout.write(f"{written()}\n")
        return
    scenario, function = arguments
    spec = importlib.util.spec_from_file_location(scenario, MOLECULE / scenario / "scenario.py")
    assert spec and spec.loader, f"{scenario} has no scenario.py"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    getattr(module, function)()


if __name__ == "__main__":
    main(sys.argv[1:])
