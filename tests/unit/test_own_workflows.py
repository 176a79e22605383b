"""The workflows of this repository: one check for all jobs, and a release only of what CI has passed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.plays import ROOT
from tools.release_version import problems

WORKFLOWS = ROOT / ".github/workflows"


def workflow(name: str) -> dict[Any, Any]:
    # YAML 1.1 takes the key "on" for true.
    return dict(yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text()))


def test_the_gate_stands_for_every_job() -> None:
    jobs = workflow("ci")["jobs"]
    assert set(jobs["all_green"]["needs"]) == set(jobs) - {"all_green"}
    assert jobs["all_green"]["if"] == "always()"


@pytest.mark.parametrize(
    ("results", "passes"),
    [
        ({}, True),
        ({"bare-root": "skipped"}, True),
        ({"test": "failure"}, False),
        ({"lint": "cancelled"}, False),
        ({"artifact": "skipped"}, False),
        ({"bare-root": "failure"}, False),
    ],
)
def test_the_gate_passes_where_all_succeeded_and_nothing_was_skipped_without_reason(
    results: dict[str, str], passes: bool
) -> None:
    gate = workflow("ci")["jobs"]["all_green"]
    needs = {job: {"result": results.get(job, "success")} for job in gate["needs"]}
    script = gate["steps"][0]["run"]
    done = subprocess.run(
        ["bash", "-e", "-c", script], env={"NEEDS": json.dumps(needs), "PATH": "/usr/bin:/bin"}, check=False
    )
    assert (done.returncode == 0) is passes


def test_a_release_is_published_after_the_whole_ci_by_an_environment_that_is_approved() -> None:
    jobs = workflow("release")["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["ci"]["needs"], jobs["galaxy"]["needs"], jobs["github"]["needs"]) == ("version", "ci", "galaxy")
    assert jobs["galaxy"]["environment"] == "galaxy"
    assert "workflow_call" in workflow("ci")[True]


@pytest.mark.parametrize("name", sorted(path.stem for path in WORKFLOWS.glob("*.yml")))
def test_no_job_has_more_than_it_needs(name: str) -> None:
    given = workflow(name)
    assert given["permissions"] == {}
    for job, settings in given["jobs"].items():
        assert set(settings["permissions"].values()) <= ({"write"} if job == "github" else {"read"}), job
        assert not [step for step in settings.get("steps", []) if "${{" in step.get("run", "")], job


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "changelogs/fragments").mkdir(parents=True)
    (tmp_path / "galaxy.yml").write_text("version: 1.2.0\n")
    (tmp_path / "changelogs/changelog.yaml").write_text("releases: {1.1.0: {}, 1.2.0: {}}\n")
    return tmp_path


def test_a_tag_is_the_version_with_its_changelog(tree: Path) -> None:
    assert [*problems("1.2.0", tree)] == []
    assert "the tag is 1.3.0, and version in galaxy.yml 1.2.0" in " ".join(problems("1.3.0", tree))
    (tree / "changelogs/fragments/new.yml").write_text("bugfixes: [x]\n")
    assert "1 fragments are in no release yet, new.yml among them" in " ".join(problems("1.2.0", tree))
    (tree / "changelogs/changelog.yaml").write_text("releases: {1.1.0: {}}\n")
    assert "CHANGELOG.rst has no release 1.2.0" in " ".join(problems("1.2.0", tree))
