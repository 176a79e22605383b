"""A job of a workflow as GitHub's runner carries it out, with the steps of others (`uses`) left out.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands: variables in GITHUB_ENV reach the steps after the one
that wrote them, outputs are read from GITHUB_OUTPUT, the summary is what steps append to GITHUB_STEP_SUMMARY.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .plays import ROOT

WORKFLOWS = ROOT / "examples/github-actions"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_NAME = re.compile(r"[\w-]+[.][\w.-]+")
_COMPARISON = re.compile(r"([\w.-]+)\s*(==|!=)\s*'([^']*)'")
_STATES = {"always()", "failure()", "success()"}


def job_of(workflow: str) -> tuple[str, dict[str, Any]]:
    """The only job of a workflow, with its name."""
    ((name, job),) = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())["jobs"].items()
    return name, job


def steps_of(workflow: str) -> list[dict[str, Any]]:
    return list(job_of(workflow)[1]["steps"])


@dataclass(frozen=True)
class StepRun:
    """A step that ran: its output and how it ended."""

    name: str
    status: int
    output: str


@dataclass
class JobRun:
    """What a job left: its steps in order, outputs, and the summary."""

    steps: list[StepRun] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def failed(self) -> bool:
        return any(step.status for step in self.steps)

    @property
    def names(self) -> list[str]:
        return [step.name for step in self.steps]

    @property
    def output(self) -> str:
        return "\n".join(f"## {step.name} ({step.status})\n{step.output}" for step in self.steps)

    def succeeded(self) -> JobRun:
        assert not self.failed, self.output
        return self


@dataclass
class Runner:
    """Runs jobs in a checkout. `environment` is the machine's; `contexts` what GitHub fills in, such as github.sha and inputs."""

    checkout: Path
    environment: Mapping[str, str]
    contexts: Mapping[str, Mapping[str, str]]

    def run(self, workflow: str, **inputs: str) -> JobRun:
        """The steps of a workflow's job with their shell, in order; those after a failed one where they run always."""
        _name, job = job_of(workflow)
        contexts: dict[str, Mapping[str, str]] = {**self.contexts, "inputs": self._inputs(workflow, inputs)}
        files = {
            name: self.checkout / f".{name.lower()}" for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for file in files.values():
            file.write_text("")
        done = JobRun()
        for step in job["steps"]:
            if "run" not in step or not self._wanted(step.get("if", ""), done.failed, contexts):
                continue
            files["GITHUB_OUTPUT"].write_text("")
            done.steps.append(self._shell(step, contexts, files))
            if "id" in step:
                contexts[f"steps.{step['id']}.outputs"] = _pairs(files["GITHUB_OUTPUT"])
        done.outputs = {name: filled(value, contexts) for name, value in job.get("outputs", {}).items()}
        done.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return done

    def _inputs(self, workflow: str, given: Mapping[str, str]) -> dict[str, str]:
        """With the defaults of those that are not given; a required one that is missing, and one that is unknown, is an error."""
        triggers = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())[True]
        known = next(iter(triggers.values()))["inputs"]
        assert set(given) <= set(known), f"{workflow}.yml has no input {set(given) - set(known)}"
        missing = {name for name, spec in known.items() if spec.get("required") and name not in given}
        assert not missing, f"{workflow}.yml needs {missing}"
        defaults = {name: spec.get("default", "") for name, spec in known.items()}
        # A boolean is written as in JSON.
        texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in defaults.items()}
        return {name: given.get(name, text) for name, text in texts.items()}

    @staticmethod
    def _wanted(condition: str, failed: bool, contexts: Mapping[str, Mapping[str, str]]) -> bool:
        parts = [part.strip() for part in condition.split("&&")] if condition else []
        states = {"always()": True, "failure()": failed, "success()": not failed}
        if not _STATES & set(parts):
            parts.append("success()")
        return all(states[part] if part in states else compared(part, contexts) for part in parts)

    def _shell(
        self, step: Mapping[str, Any], contexts: Mapping[str, Mapping[str, str]], files: Mapping[str, Path]
    ) -> StepRun:
        own = {name: filled(str(value), contexts) for name, value in step.get("env", {}).items()}
        carried = _pairs(files["GITHUB_ENV"])
        variables = {
            **os.environ,
            **self.environment,
            **carried,
            **{name: str(file) for name, file in files.items()},
            **own,
        }
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
        command = ["bash", "-e", "-c", step["run"]]
        done = subprocess.run(
            command,
            cwd=self.checkout,
            env=variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=3600,
        )
        return StepRun(step["name"], done.returncode, done.stdout + done.stderr)


def filled(text: str, contexts: Mapping[str, Mapping[str, str]]) -> str:
    """A text with its expressions replaced."""
    return _EXPRESSION.sub(lambda match: value_of(match[1], contexts), text)


def value_of(name: str, contexts: Mapping[str, Mapping[str, str]]) -> str:
    context, _dot, key = name.rpartition(".")
    assert context in contexts or context.startswith("steps."), f"{name} is of a context that this runner does not have"
    # The output of a step that did not run is empty, as on GitHub.
    return contexts.get(context, {}).get(key, "") if context.startswith("steps.") else contexts[context][key]


def compared(condition: str, contexts: Mapping[str, Mapping[str, str]]) -> bool:
    if _NAME.fullmatch(condition):
        said = value_of(condition, contexts)
        assert said in ("true", "false"), f"{condition} is {said!r}, and no boolean"
        return said == "true"
    match = _COMPARISON.fullmatch(condition)
    assert match, f"{condition} is more than this runner can read"
    return (value_of(match[1], contexts) == match[3]) is (match[2] == "==")


def _pairs(file: Path) -> dict[str, str]:
    return dict(_each_pair(file.read_text()))


def _each_pair(text: str) -> Iterator[tuple[str, str]]:
    """NAME=VALUE, one a line. The form for several lines is not used in these workflows."""
    for line in text.splitlines():
        assert "<<" not in line.partition("=")[0], line
        name, equals, value = line.partition("=")
        assert equals, line
        yield name, value
