"""The shell of the workflows of examples/github-actions, run as GitHub runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.report.file import ReportFile
from ansible_collections.pear.fargate.plugins.module_utils.release.results import Remarks, result
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Kind,
    Outcome,
    Plan,
    Release,
    Step,
)

from tests.support.github_runner import WORKFLOWS, Runner, compared, job_of, steps_of
from tests.support.plays import ROOT

from .in_memory import calls_in_memory

RELEASE = Release(
    "r2",
    "scoreboard",
    Kind.DEPLOY,
    "sha256:2",
    Colour.BLUE,
    Colour.GREEN,
    Plan("canary", (Step(100),)),
    0.0,
    "ada by run 7",
    version="1.4.2",
    evidence={"causes": ["2 tasks stopped: exit code 3"]},
)


def shell(workflow: str, step: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the shell of a step as GitHub does where none is named: bash -e, in the checkout."""
    (found,) = [one for one in steps_of(workflow) if one.get("name") == step]
    wanted = {name for name, value in found.get("env", {}).items() if "${{" in str(value)}
    assert wanted <= variables.keys(), "every variable that GitHub fills in"
    constant = {name: value for name, value in found.get("env", {}).items() if name not in wanted}
    environment = {
        **os.environ,
        **constant,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        **variables,
    }
    command = ["bash", "-e", "-c", found["run"]]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard:1.4.2@sha256:" + 64 * "1"
REPORT_FILE = ReportFile(lambda facts: facts, "scoreboard", "production")


def report(folder: Path, outcome: Outcome, release: Release | None) -> None:
    call = Invocation({"report": [str(folder / "release.md")]}, cast(Aws, None))
    ending = Ending(outcome, "5xx share 20 %", release, changed=True)
    if outcome is Outcome.SUCCEEDED:
        result(call, ending, REPORT_FILE, Remarks())
    else:
        with pytest.raises(Failure):
            result(call, ending, REPORT_FILE, Remarks())


@pytest.mark.parametrize(
    ("outcome", "release", "said"),
    [
        (
            Outcome.SUCCEEDED,
            replace(RELEASE, evidence={}),
            ["version: `1.4.2`", "by: `ada by run 7`", "strategy: `canary`"],
        ),
        (Outcome.ROLLED_BACK, RELEASE, ["cause: 2 tasks stopped: exit code 3", "5xx share 20 %"]),
        (Outcome.REFUSED, None, ["5xx share 20 %"]),
    ],
)
def test_the_summary_of_a_release_says_how_it_ended(
    tmp_path: Path, outcome: Outcome, release: Release | None, said: list[str]
) -> None:
    report(tmp_path, outcome, release)
    done = shell("deliver", "Write the summary", tmp_path, IMAGE=IMAGE)
    assert done.returncode == 0, done.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith(f"### production: {outcome}\n")
    assert [words for words in [*said, f"* image: `{IMAGE}`"] if words not in summary] == []


def test_a_release_that_wrote_no_report_has_no_summary(tmp_path: Path) -> None:
    assert shell("deliver", "Write the summary", tmp_path).returncode == 0
    assert not (tmp_path / "summary.md").exists()


def typed_for_a_rollback(tmp_path: Path, **typed: str) -> dict[str, Any] | None:
    """The extra variables that reach the playbook; None where the step refuses what was typed."""
    said = tmp_path / "said"
    program = tmp_path / "ansible-playbook"
    program.write_text(f"""#!/bin/sh\nfor word; do echo "$word"; done > {said}\n""")
    program.chmod(0o755)
    usual = {"TO": "", "COLOUR": "from the ledger", "FORCE": "false", "RELEASED_BY": "ada by run 7"}
    where = {"ENVIRONMENT": "production", "SERVICE": "scoreboard", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = shell("rollback", "Roll back", tmp_path, **{**usual, **typed, **where})
    assert (done.returncode == 0) is said.exists(), done.stderr
    return dict(yaml.safe_load(said.read_text().splitlines()[-1])) if said.exists() else None


@pytest.mark.parametrize(
    ("to", "accepted"),
    [
        ("", True),
        ("1.4.2", True),
        ("sha256:" + 64 * "1", True),
        ("20261129-134512-0b1f", True),
        ("{{ lookup('pipe', 'id') }}", False),
        ('1", "service_released_by": "somebody', False),
    ],
)
def test_what_was_typed_for_a_rollback_is_a_name_and_nothing_else(tmp_path: Path, to: str, accepted: bool) -> None:
    expected = {
        "service_released_by": "ada by run 7",
        "rollback_to": to,
        "rollback_to_colour": "",
        "rollback_force": False,
    }
    assert typed_for_a_rollback(tmp_path, TO=to) == (expected if accepted else None)


@pytest.mark.parametrize(
    ("colour", "force", "extra"),
    [
        ("blue", "true", {"rollback_to_colour": "blue", "rollback_force": True}),
        ('green", "x": "', "yes", {"rollback_to_colour": "", "rollback_force": False}),
    ],
)
def test_a_colour_and_the_forced_way_reach_the_rollback(
    tmp_path: Path, colour: str, force: str, extra: dict[str, Any]
) -> None:
    found = typed_for_a_rollback(tmp_path, COLOUR=colour, FORCE=force)
    assert found is not None and extra.items() <= found.items()


MOVES_TRAFFIC = [("converge", "Converge"), ("deliver", "Release"), ("rollback", "Roll back")]


@pytest.mark.parametrize(("workflow", "step"), MOVES_TRAFFIC)
def test_a_cancelled_step_tells_ansible_playbook_and_not_only_a_shell(workflow: str, step: str, tmp_path: Path) -> None:
    """As GitHub's runner does it: the step's shell is a file that bash runs, and SIGINT goes to bash's process alone."""
    program = tmp_path / "ansible-playbook"
    program.write_text(
        f"""#!/bin/bash\ntrap 'echo told > "{tmp_path}/heard"; exit 1' INT\n: > "{tmp_path}/runs"\nwhile :; do sleep 0.05; done\n"""
    )
    program.chmod(0o755)
    (found,) = [one for one in steps_of(workflow) if one.get("name") == step]
    script = tmp_path / "step.sh"
    script.write_text(found["run"])
    environment = {**os.environ, **dict.fromkeys(found["env"], ""), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen(["bash", "-e", str(script)], cwd=tmp_path, env=environment, start_new_session=True)
    try:
        _wait_for(tmp_path / "runs")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 1
        assert (tmp_path / "heard").read_text() == "told\n"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


def test_every_step_that_moves_traffic_is_one_that_hears_of_its_end() -> None:
    moving = re.compile(
        r"ansible-playbook pear\.fargate\.(release|deploy|converge|rollback)\b(?!.* (--tags image|--check))"
    )
    found = [
        (path.stem, step["name"])
        for path in sorted(WORKFLOWS.glob("*.yml"))
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job.get("steps", [])
        if moving.search(step.get("run", ""))
    ]
    assert found == MOVES_TRAFFIC


@pytest.fixture
def endpoint() -> Iterator[str]:
    with calls_in_memory() as address:
        yield address


@pytest.mark.plays
def test_a_pull_request_is_told_what_it_would_change(endpoint: str, tmp_path: Path) -> None:
    """In an empty account; then with variables that are wrong, which fails the step and is in the comment all the same."""
    inventory = tmp_path / "deploy/inventories/staging"
    inventory.mkdir(parents=True)
    shared = {
        "environment_name": "tiny",
        "environment_region": "eu-central-1",
        "load_balancer_certificate": "self_signed",
        "load_balancer_domain": "example.com",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    image = "public.ecr.aws/nginx/nginx@sha256:" + 64 * "1"
    hosts: dict[str, Any] = {
        "environment": {"hosts": {"tiny-environment": {}}},
        "services": {"hosts": {"website": {"service_image": image}}},
        "all": {"vars": shared},
    }
    (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
    aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    checked = shell("check", "Check", tmp_path, ENVIRONMENT="staging", **aws)
    assert checked.returncode == 0, checked.stdout
    assert shell("check", "Write the comment", tmp_path, ENVIRONMENT="staging").returncode == 0
    comment = (tmp_path / "comment.md").read_text()
    assert comment.startswith("### staging: what this would change\n")
    assert "`tiny-environment" in comment and "`website" in comment, "the recap is seen without opening the details"
    assert "~~~~~~~~diff" in comment and "TASK [pear.fargate.network : " in comment
    assert (tmp_path / "summary.md").read_text() == comment

    hosts["services"]["hosts"]["website"]["service_cpu"] = 300
    (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts))
    assert shell("check", "Check", tmp_path, ENVIRONMENT="staging", **aws).returncode != 0
    assert shell("check", "Write the comment", tmp_path, ENVIRONMENT="staging").returncode == 0
    assert "service_cpu" in (tmp_path / "comment.md").read_text()


TELLING = {"Write the summary", "Keep the report", "Write the comment", "Comment"}


def test_what_fails_is_told_too_and_nothing_but_a_token_is_needed() -> None:
    """Steps that tell run always; GitHub's expressions are in env alone, so that no title or branch becomes shell."""
    for path in WORKFLOWS.glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            assert job["permissions"]["id-token"] == "write"
            for step in job.get("steps", []):
                assert "${{" not in step.get("run", ""), f"{path.name}: {step['name']}"
                if step.get("name") in TELLING:
                    assert step["if"] == "always()", f"{path.name}: {step['name']}"
        assert "secrets." not in path.read_text()


@pytest.mark.parametrize("workflow", ["release", "promote"])
def test_callers_give_the_called_workflow_what_it_asks_for(workflow: str) -> None:
    asked = yaml.safe_load((WORKFLOWS / "deliver.yml").read_text())[True]["workflow_call"]
    for job in yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())["jobs"].values():
        assert job["uses"] == "./.github/workflows/deliver.yml"
        required = {name for name, spec in asked["inputs"].items() if spec.get("required")}
        assert required <= set(job["with"]) <= set(asked["inputs"])
        # What a called workflow may do is what its caller grants it.
        assert job["permissions"] == job_of("deliver")[1]["permissions"]


def test_production_gets_the_image_that_staging_has_taken() -> None:
    jobs = yaml.safe_load((WORKFLOWS / "release.yml").read_text())["jobs"]
    assert jobs["production"]["needs"] == "staging" and "test" not in jobs["production"]["with"]
    assert jobs["production"]["with"]["image"] == "${{ needs.staging.outputs.image }}"
    (outputs,) = [yaml.safe_load((WORKFLOWS / "deliver.yml").read_text())[True]["workflow_call"]["outputs"]]
    assert outputs["image"]["value"] == "${{ jobs.deliver.outputs.image }}"


@pytest.fixture
def delivery(tmp_path: Path) -> Runner:
    """The workflow in an empty checkout, on a machine whose programs only keep what they were called with."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("ansible-playbook", "ansible-galaxy"):
        (programs / name).write_text(f"""#!/bin/sh\necho "{name} $*" >> "{tmp_path}/called"\n""")
        (programs / name).chmod(0o755)
    (programs / "python").write_text(f"""#!/bin/sh\n[ "$1" = -m ] || exec {sys.executable} "$@"\n""")
    (programs / "python").chmod(0o755)
    github = {"sha": 40 * "a", "actor": "ada", "run_id": "7", "repository": "example/scoreboard"}
    contexts = {"github": {**github, "server_url": "https://github.com"}}
    return Runner(tmp_path, {"PATH": f"{programs}:{os.environ['PATH']}"}, contexts)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param("registry.example.com/scoreboard:latest", id="a tag, which may move"),
        pytest.param("scoreboard@sha256:12", id="a digest that is cut off"),
        pytest.param("{{ lookup('pipe', 'id') }}@sha256:" + 64 * "1", id="a template"),
        pytest.param("scoreboard@sha256:" + 64 * "1" + '", "service_strategy": "rolling', id="more variables"),
    ],
)
def test_what_is_promoted_is_named_by_digest_and_is_nothing_else(delivery: Runner, image: str) -> None:
    done = delivery.run("deliver", environment="production", service="scoreboard", image=image)
    assert done.failed and done.names[-2:] == ["Take the image that was given", "Write the summary"]
    assert "ansible-playbook" not in (delivery.checkout / "called").read_text()


def test_a_promoted_image_is_neither_tested_nor_built(delivery: Runner) -> None:
    done = delivery.run(
        "deliver", environment="production", service="scoreboard", image=IMAGE, test="exit 3"
    ).succeeded()
    assert done.outputs == {"image": IMAGE}
    assert "Test" not in done.names and "Build and push" not in done.names
    (called,) = [line for line in (delivery.checkout / "called").read_text().splitlines() if "playbook" in line]
    extra = yaml.safe_load(called.partition(" -e ")[2])
    assert extra["service_image"] == IMAGE and extra["service_released_by"] == "ada by run 7"


def test_what_git_names_is_built_and_not_released_before_it_is_committed(delivery: Runner) -> None:
    """Else a converge in between would release the older one that git still names."""
    (delivery.checkout / "image.env").write_text("IMAGE=registry.example.com/scoreboard:1@sha256:" + 64 * "1" + "\n")
    done = delivery.run("deliver", environment="staging", service="scoreboard", release="false").succeeded()
    assert done.outputs == {"image": "registry.example.com/scoreboard:1@sha256:" + 64 * "1"}
    called = (delivery.checkout / "called").read_text()
    assert "--tags image" in called and "service_image" not in called
    extra = yaml.safe_load(called.partition(" -e ")[2])
    assert extra["image_tag"] == 40 * "a"
    assert extra["registry_labels"] == {
        "org.opencontainers.image.revision": 40 * "a",
        "org.opencontainers.image.source": "https://github.com/example/scoreboard",
    }


def test_a_commit_whose_test_fails_is_not_built(delivery: Runner) -> None:
    done = delivery.run("deliver", environment="staging", service="scoreboard", test="false; true")
    assert done.failed and done.names == ["Test", "Write the summary"]
    assert not (delivery.checkout / "called").exists()


def test_the_runner_reads_conditions_as_github_does() -> None:
    contexts = {"inputs": {"image": "", "test": "make test", "release": "false"}}
    assert not compared("inputs.release", contexts)
    with pytest.raises(AssertionError, match="no boolean"):
        compared("inputs.test", contexts)
    assert compared("inputs.image == ''", contexts) and compared("inputs.test != ''", contexts)
    assert not compared("inputs.test == ''", contexts)
    with pytest.raises(AssertionError, match="more than this runner can read"):
        compared("contains(inputs.test, 'make')", contexts)
