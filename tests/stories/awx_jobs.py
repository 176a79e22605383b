"""Jobs of AWX without AWX: ansible-runner with the project's playbooks, and the environment that the credential type injects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import jinja2

from tests.support.awx import controller, playbook_of
from tests.support.plays import ROOT

from .guarded import ACCOUNT, NAME, REGION, Guarded


@dataclass(frozen=True)
class Job:
    """What a job left in its event stream."""

    output: str
    tasks: list[str]


@dataclass(frozen=True)
class Jobs:
    guarded: Guarded
    folder: Path

    def run(self, name: str, fails: bool = False, **answers: Any) -> Job:
        """A job template by its name, with answers to its survey, launched by ada; fails unless the job ends as it should."""
        settings = {
            "awx_environment": NAME,
            "awx_account": ACCOUNT,
            "awx_region": REGION,
            "awx_credential_source": "Keys",
        }
        data = controller(settings)
        (template,) = [one for one in data["controller_templates"] if one["name"] == f"{NAME} {name}"]
        spec = template.get("survey_spec", {"spec": []})["spec"]
        assert set(answers) <= {question["variable"] for question in spec}
        assert {question["variable"] for question in spec if question["required"] and not question["default"]} <= set(
            answers
        )
        # As AWX fills them in (awx/main/models/mixins.py): a default that its own question would refuse is left out.
        defaults = {one["variable"]: one["default"] for one in spec if one["type"] != "integer" or one["default"] != ""}
        launched = {"awx_user_name": "ada", "awx_job_id": 7}
        (self.folder / name).mkdir()
        run = ansible_runner.run(
            private_data_dir=str(self.folder / name),
            project_dir=str(ROOT / "extensions/awx/project"),
            playbook=f"{playbook_of(template)}.yml",
            inventory=str(ROOT / "inventories/local"),
            limit="scoreboard",
            envvars=self._environment(data, template),
            extravars={**self.guarded.values, **template.get("extra_vars", {}), **defaults, **answers, **launched},
            quiet=True,
        )
        events = list(run.events)
        output = "\n".join(event.get("stdout", "") for event in events)
        assert (run.rc != 0) is fails, output
        started = [event["event_data"]["task"] for event in events if event["event"] == "playbook_on_task_start"]
        return Job(output, started)

    def _environment(self, data: dict[str, Any], template: dict[str, Any]) -> dict[str, str]:
        """As AWX makes it of the credential: its file, its variables, and no other keys."""
        stage = self.guarded.stage.environment
        (credential,) = [one for one in data["controller_credentials"] if one["name"] in template["credentials"]]
        (kind,) = data["controller_credential_types"]
        given = {
            **credential["inputs"],
            "access_key": stage["AWS_ACCESS_KEY_ID"],
            "secret_key": stage["AWS_SECRET_ACCESS_KEY"],
        }
        file = self.folder / "credential"
        file.write_text(jinja2.Template(kind["injectors"]["file"]["template"]).render(given))
        injected = {
            name: jinja2.Template(value).render(given, tower={"filename": str(file)})
            for name, value in kind["injectors"]["env"].items()
        }
        own = {name: value for name, value in stage.items() if not name.startswith("AWS_") or "ENDPOINT" in name}
        without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
        return {**own, **without, **injected, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
