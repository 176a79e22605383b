"""The demo in a shell that used a sandbox before: its base image went with that sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.setup.checkout import ROOT

OWN = "localhost/pear/base:bookworm"
PROGRAMS = {
    "bin/python": 'echo "python $*" >> said\n',
    "bin/ansible-playbook": 'echo "PEAR_BASE_IMAGE=$PEAR_BASE_IMAGE" >> said\n',
    "examples/base/build.sh": 'echo "built $1" >> said\n',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo's script with programs that write down how they were called."""
    for name, text in PROGRAMS.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(0o755)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/demo.sh", tmp_path / "tools")
    return tmp_path


@pytest.mark.parametrize(
    ("exported", "built"),
    [
        pytest.param({}, True, id="a new shell"),
        pytest.param({"PEAR_BASE_IMAGE": OWN}, True, id="a shell that used a sandbox before"),
        pytest.param({"PEAR_BASE_IMAGE": "docker.io/library/python:3.13-slim"}, False, id="a base image of one's own"),
    ],
)
def test_the_base_image_of_the_demo_is_made_in_each_sandbox(
    folder: Path, exported: dict[str, str], built: bool
) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PEAR_BASE_IMAGE"}
    environment = {**kept, "PATH": f"{folder}/bin:{os.environ['PATH']}", **exported}
    done = subprocess.run(["tools/demo.sh"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = (folder / "said").read_text().splitlines()
    image = exported.get("PEAR_BASE_IMAGE", OWN)
    assert (f"built {image}" in said) is built
    assert f"python -m sandbox env --set PEAR_BASE_IMAGE={image}" in said
