"""make clean and make distclean: what they remove, and what they say of the packages that set-up installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.setup.checkout import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (".cache", ".venv", "build", "tools", "examples/nginx"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".cache/base-bookworm.tar").write_text("")
    (tmp_path / ".cache/installed-packages").write_text("podman\nbuildah\npodman\n")
    shutil.copy(ROOT / "tools/clean.sh", tmp_path / "tools")
    return tmp_path


def clean(folder: Path, *words: str) -> str:
    done = subprocess.run(["tools/clean.sh", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_clean_keeps_the_environment_and_remembers_which_packages_were_installed(folder: Path) -> None:
    assert "apt-get" not in clean(folder)
    assert {path.name for path in folder.iterdir()} == {".cache", ".venv", "tools", "examples"}
    assert [path.name for path in (folder / ".cache").iterdir()] == ["installed-packages"]


def test_distclean_says_how_the_packages_are_removed_that_set_up_installed_and_no_others(folder: Path) -> None:
    clean(folder)
    assert "as root: apt-get autoremove --purge buildah podman\n" in clean(folder, "environments")
    assert {path.name for path in folder.iterdir()} == {"tools", "examples"}
    assert "apt-get" not in clean(folder, "environments")
