"""The collection as a release builds it of what git holds, and as Galaxy's client installs it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .plays import ANSIBLE_PLAYBOOK, ROOT

_GALAXY = ANSIBLE_PLAYBOOK.with_name("ansible-galaxy")


def built_artifact(folder: Path) -> Path:
    """The file that is uploaded, of a copy of the checkout in this folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
    build = ["collection", "build", "--output-path", folder / "out", folder]
    subprocess.run([_GALAXY, *build], check=True, capture_output=True)
    (built,) = (folder / "out").glob("pear-fargate-*.tar.gz")
    return built


def installed_artifact(artifact: Path, collections: Path) -> Path:
    """The folder of collections, with this one alone in it."""
    install = ["collection", "install", "--no-deps", "--force", "--collections-path", collections, artifact]
    subprocess.run([_GALAXY, *install], check=True, capture_output=True)
    return collections
