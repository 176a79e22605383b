"""What a certified collection must have, and that the pages on it name commands and tests that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.support.plays import ROOT

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
VERBS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def rows(page: str) -> list[list[str]]:
    """The cells of the rows of a page's only table."""
    lines = [line for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def missing(evidence: str) -> list[str]:
    """What a cell names that does not exist."""
    named = re.findall(r"`([^`]+)`", evidence)
    verbs = [name.split()[1] for name in named if name.startswith("make ")]
    files = [name for name in named if not name.startswith("make ")]
    return [verb for verb in verbs if verb not in VERBS] + [file for file in files if not (ROOT / file).exists()]


@pytest.mark.parametrize("row", rows("certification.md"), ids=lambda row: row[0][:60])
def test_each_requirement_has_a_command_or_a_test_that_exists(row: list[str]) -> None:
    asked, evidence = row
    assert asked and "`" in evidence
    assert missing(evidence) == []


@pytest.mark.parametrize("row", rows("compatibility.md"), ids=lambda row: row[0][:60])
def test_each_version_has_a_command_that_exists_and_a_date(row: list[str]) -> None:
    *_what, command, day = row
    assert missing(command) == []
    assert date.fromisoformat(day).year >= 2026


@pytest.mark.parametrize("what", ["unit tests"])
def test_every_supported_core_was_run(what: str) -> None:
    """From the oldest that the collection takes to the newest that its execution environment does."""
    oldest = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"].removeprefix(">=").split(".")
    built = yaml.safe_load((ROOT / "execution-environment.yml").read_text())["dependencies"]["ansible_core"][
        "package_pip"
    ]
    above = re.fullmatch(r"ansible-core>=2[.]\d+,<2[.](\d+)", built)
    assert above
    supported = {f"2.{minor}" for minor in range(int(oldest[1]), int(above[1]))}
    assert {core for name, _python, core, *_rest in rows("compatibility.md") if name == what} == supported


def test_no_sanity_test_is_ignored_and_the_python_floor_is_one() -> None:
    assert list(ROOT.glob("tests/sanity/ignore*")) == []
    floor = yaml.safe_load((ROOT / "tests/config.yml").read_text())["modules"]["python_requires"]
    assert floor == ">=3.11"
    assert "3.11 or newer" in (ROOT / "docs/requirements.md").read_text()


def _commands(verb: str, path: str = "") -> str:
    """What make would run for a verb, set-up left out. A path is another one than the shell's."""
    environment = {**os.environ, **({"PATH": path} if path else {})}
    command = ["make", "--dry-run", "--no-print-directory", verb]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_release_rolls_back_on_an_alarm_where_there_is_what_that_needs(tmp_path: Path) -> None:
    for name in ("make", "bash", "python3"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    assert "tools/eda.sh" not in _commands("release-check", str(tmp_path))
    (tmp_path / "java").write_text("#!/bin/sh\n")
    (tmp_path / "java").chmod(0o755)
    assert "tools/eda.sh" in _commands("release-check", str(tmp_path))


def test_a_release_is_held_to_every_sanity_test_and_make_test_to_the_quick_ones() -> None:
    assert re.search(r"^tools/sanity\.sh$", _commands("release-check"), re.MULTILINE)
    assert re.search(r"^tools/docs\.sh$", _commands("release-check"), re.MULTILINE)
    assert re.search(r"^tools/sanity\.sh --quick$", _commands("sanity-quick"), re.MULTILINE)
    lists = re.search(r"^LISTS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert lists and "sanity-quick" in lists[1].replace('"', "").split()


def test_the_supported_core_is_the_documented_one() -> None:
    asked = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert asked == ">=2.19.0"
    assert (
        f"ansible-core | {asked.removeprefix('>=').removesuffix('.0')} or newer"
        in (ROOT / "docs/requirements.md").read_text()
    )


def test_galaxys_metadata_is_whole_and_dependencies_have_bounds() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", GALAXY["version"])
    for name in ("namespace", "name", "authors", "description", "license", "repository", "documentation", "issues"):
        assert GALAXY[name], name
    assert GALAXY["license"] == ["GPL-3.0-or-later"]
    # Automation Hub asks for one of its tags.
    assert "cloud" in GALAXY["tags"]
    assert all(bounds.startswith(">=") for bounds in GALAXY["dependencies"].values())


@pytest.mark.parametrize(
    "file", ["LICENSE", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "MAINTAINERS.md", "SECURITY.md", "CHANGELOG.rst"]
)
def test_the_files_that_a_community_needs_are_there(file: str) -> None:
    assert len((ROOT / file).read_text()) > 200


def test_every_plugin_names_its_license() -> None:
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        if not path.is_symlink():
            assert "GNU General Public License v3.0+" in path.read_text()[:400], Path(path).name
