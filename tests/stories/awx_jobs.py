"""Jobs of AWX without AWX: ansible-runner with a project as docs/awx.md makes it, and the environment that the credential type injects."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import jinja2

from tests.support.awx import AWX, controller
from tests.support.plays import ROOT

from .arcade import descendants
from .guarded import ACCOUNT, NAME, REGION, Guarded

# Of the environment of inventories/local.
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/pear-deployer-local-{REGION}-read-only"


@dataclass(frozen=True)
class Job:
    """What a job left in its event stream."""

    events: list[dict[str, Any]]

    @property
    def output(self) -> str:
        return "\n".join(event.get("stdout", "") for event in self.events)

    @property
    def tasks(self) -> list[str]:
        return [event["event_data"]["task"] for event in self.events if event["event"] == "playbook_on_task_start"]

    @property
    def changed(self) -> int:
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return sum(stats["changed"].values())

    def while_running(self, task: str) -> str:
        """What the stream said of a task before its result."""
        names = [
            event["event_data"].get("task") if event["event"] == "playbook_on_task_start" else ""
            for event in self.events
        ]
        began = names.index(task)
        uuid = self.events[began]["event_data"]["task_uuid"]
        results = [
            event["event"] == "runner_on_ok" and event["event_data"]["task_uuid"] == uuid for event in self.events
        ]
        return "\n".join(event.get("stdout", "") for event in self.events[began + 1 : results.index(True)])


@dataclass(frozen=True)
class Running:
    """A job that is under way."""

    thread: threading.Thread
    runner: ansible_runner.Runner
    cancelled: threading.Event

    def ended(self, fails: bool = False) -> Job:
        self.thread.join(900)
        assert not self.thread.is_alive(), "the job goes on"
        return _checked(self.runner, fails)

    def cancel(self) -> None:
        """As AWX does it: all processes of the job's container are killed. Workers of ansible-playbook have process groups of their own."""
        children = Path(f"/proc/{os.getpid()}/task/{self.thread.native_id}/children")
        started = [int(pid) for pid in children.read_text().split()] if self.thread.is_alive() else []
        processes = [process for pid in started for process in (*descendants(pid), pid)]
        self.cancelled.set()
        self.thread.join(60)
        assert not self.thread.is_alive(), "ansible-runner did not end its job"
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@dataclass(frozen=True)
class Jobs:
    """Launches job templates by their names, with answers to their surveys, as ada."""

    guarded: Guarded
    folder: Path
    inventory: Path = ROOT / "inventories/local"
    # Beside those of the environment, as if they stood in the inventory.
    variables: dict[str, Any] = field(default_factory=dict)

    def run(
        self, name: str, fails: bool = False, check: bool = False, limit: str = "scoreboard", **answers: Any
    ) -> Job:
        """Fails unless the job ends as it should."""
        return _checked(ansible_runner.run(**self._options(name, answers, limit, check)), fails)

    @contextmanager
    def under_way(self, name: str, **answers: Any) -> Iterator[Running]:
        """A job in the background; what has not ended by itself is cancelled in the end."""
        cancelled = threading.Event()
        options = self._options(name, answers, "scoreboard", check=False)
        running = Running(*ansible_runner.run_async(**options, cancel_callback=cancelled.is_set), cancelled)
        try:
            yield running
        finally:
            running.cancel()

    def _options(self, name: str, answers: dict[str, Any], limit: str, check: bool) -> dict[str, Any]:
        settings = {
            "awx_environment": NAME,
            "awx_account": ACCOUNT,
            "awx_region": REGION,
            "awx_credential_source": "Keys",
            "awx_diff_role_arn": OTHER_ROLE,
        }
        data = controller(settings)
        (template,) = [one for one in data["controller_templates"] if one["name"] == f"{NAME} {name}"]
        assert not check or template["ask_job_type_on_launch"]
        spec = template.get("survey_spec", {"spec": []})["spec"]
        assert set(answers) <= {question["variable"] for question in spec}
        assert {question["variable"] for question in spec if question["required"] and not question["default"]} <= set(
            answers
        )
        # As AWX fills them in (awx/main/models/mixins.py): a default that its own question would refuse is left out.
        defaults = {one["variable"]: one["default"] for one in spec if one["type"] != "integer" or one["default"] != ""}
        inventory = {**self.guarded.values, **self.variables}
        launched = {"awx_user_name": "ada", "awx_job_id": 7}
        folder = Path(tempfile.mkdtemp(prefix=f"{name.replace(' ', '-')}-", dir=self.folder))
        project = self._project()
        return {
            "private_data_dir": str(folder),
            "project_dir": str(project),
            "playbook": template["playbook"],
            "inventory": str(self.inventory),
            "limit": limit or None,
            "cmdline": "--check" if check else None,
            "envvars": {
                **self._environment(data, template, folder),
                # AWX begins in the project's root, where Ansible finds it; `make` has set another one.
                "ANSIBLE_CONFIG": str(project / "ansible.cfg"),
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv/collections"),
            },
            "extravars": {**inventory, **template.get("extra_vars", {}), **defaults, **answers, **launched},
            "quiet": True,
        }

    def _project(self) -> Path:
        """The repository of a user after step 1 of docs/awx.md."""
        project = self.folder / "project"
        if not project.exists():
            shutil.copytree(AWX / "project", project / "playbooks")
            shutil.copy(AWX / "ansible.cfg", project)
        return project

    def _environment(self, data: dict[str, Any], template: dict[str, Any], folder: Path) -> dict[str, str]:
        """As AWX makes it of the credential: its file, its variables, and no other keys."""
        stage = self.guarded.stage.environment
        (credential,) = [one for one in data["controller_credentials"] if one["name"] in template["credentials"]]
        (kind,) = data["controller_credential_types"]
        given = {
            **credential["inputs"],
            "access_key": stage["AWS_ACCESS_KEY_ID"],
            "secret_key": stage["AWS_SECRET_ACCESS_KEY"],
        }
        file = folder / "credential"
        file.write_text(jinja2.Template(kind["injectors"]["file"]["template"]).render(given))
        injected = {
            name: jinja2.Template(value).render(given, tower={"filename": str(file)})
            for name, value in kind["injectors"]["env"].items()
        }
        own = {name: value for name, value in stage.items() if not name.startswith("AWS_") or "ENDPOINT" in name}
        without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
        return {**own, **without, **injected, "ANSIBLE_NOCOLOR": "1"}


def _checked(runner: ansible_runner.Runner, fails: bool) -> Job:
    job = Job(list(runner.events))
    assert (runner.rc != 0) is fails, job.output
    return job
