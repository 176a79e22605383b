"""AWX's objects as data: awx.awx takes each, they name each other, and surveys ask for what the playbooks know."""

from __future__ import annotations

import ast
import configparser
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible_collections
import jinja2
import pytest
from ansible import __version__ as ansible_version
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from botocore.session import Session

from tests.support.awx import AWX, SETTINGS, controller, load, playbook_of
from tests.support.awx_server import running
from tests.support.plays import ROOT, Player

MODULES = {
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_execution_environments": "execution_environment",
    "controller_notifications": "notification_template",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
}


# Playbooks of the project that do more than to import the one of their name.
OWN = {"return_failed": ["rollback"], "run_task": ["run_task"]}
DATA = controller()
ENTRIES = [pytest.param(name, entry, id=f"{name}: {entry['name']}") for name in MODULES for entry in DATA[name]]
FIELDS = load(ROOT / "tests/support/aap_configuration.yml")
TEMPLATES = {entry["name"]: entry for entry in DATA["controller_templates"]}


def awx_awx() -> Path:
    """The collection awx.awx. The PyPI package of ansible-core 2.21 does not carry it any more."""
    found = next(
        (Path(folder) / "awx/awx" for folder in ansible_collections.__path__ if (Path(folder) / "awx").exists()), None
    )
    if found is None and tuple(map(int, ansible_version.split(".")[:2])) >= (2, 21):
        pytest.skip("the PyPI package ansible has no awx.awx from ansible-core 2.21 on")
    assert found is not None
    return found


def argument_spec(module: str) -> dict[str, Any]:
    """The argument spec that a module of awx.awx is written with."""
    tree = ast.parse((awx_awx() / f"plugins/modules/{module}.py").read_text())
    constants = {
        node.targets[0].id: node.value  # type: ignore[attr-defined]
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    (found,) = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "argument_spec"
    ]
    names = {name: ast.literal_eval(value) for name, value in constants.items() if _is_literal(value)}
    spec: dict[str, Any] = eval(ast.unparse(found), {"dict": dict, "list": list, **names})
    return spec


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def test_every_kind_of_object_is_applied_by_the_playbook_with_every_field_that_is_used() -> None:
    (play,) = load(AWX / "configure.yml")
    assert set(DATA) == set(MODULES)
    for task in play["tasks"]:
        (name,) = [key for key in task if key.startswith("awx.awx.")]
        data = re.fullmatch(r"{{ (\w+) }}", task["loop"])
        assert data is not None and MODULES[data[1]] == name.removeprefix("awx.awx.")
        used = {field for entry in DATA[data[1]] for field in entry}
        assert used == set(task[name]), f"{name}: {used ^ set(task[name])}"
    assert len(play["tasks"]) == len(MODULES)


@pytest.mark.parametrize(("kind", "entry"), ENTRIES)
def test_every_entry_fits_the_argument_spec_of_its_module(kind: str, entry: dict[str, Any]) -> None:
    result = ArgumentSpecValidator(argument_spec(MODULES[kind])).validate(entry)
    assert not result.error_messages, result.error_messages


@pytest.mark.parametrize(("kind", "entry"), ENTRIES)
def test_every_field_of_an_entry_is_one_that_infra_aap_configuration_reads(kind: str, entry: dict[str, Any]) -> None:
    assert set(entry) <= set(FIELDS[kind]), "the role would leave it out, and say nothing"


def test_what_an_entry_names_exists() -> None:
    names = {kind: {entry["name"] for entry in DATA[kind]} for kind in MODULES}
    for entry in TEMPLATES.values():
        assert set(entry["credentials"]) <= names["controller_credentials"], entry["name"]
        assert entry["inventory"] in names["controller_inventories"]
        assert entry["project"] in names["controller_projects"]
        assert entry["execution_environment"] in names["controller_execution_environments"]
    for entry in (*TEMPLATES.values(), *DATA["controller_workflows"]):
        told = [name for field, value in entry.items() if field.startswith("notification_templates") for name in value]
        assert set(told) <= names["controller_notifications"], entry["name"]
    for entry in DATA["controller_credentials"]:
        assert entry["credential_type"] in names["controller_credential_types"]
        fields = {field["id"] for field in DATA["controller_credential_types"][0]["inputs"]["fields"]}
        assert set(entry["inputs"]) <= fields
    for entry in DATA["controller_schedules"]:
        assert entry["unified_job_template"] in TEMPLATES


@pytest.mark.parametrize("workflow", DATA["controller_workflows"], ids=lambda workflow: workflow["name"])
def test_a_workflow_leads_from_its_first_node_to_every_other(workflow: dict[str, Any]) -> None:
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    reached, ahead = set(), [workflow["workflow_nodes"][0]["identifier"]]
    while ahead:
        identifier = ahead.pop()
        reached.add(identifier)
        related = nodes[identifier].get("related", {})
        ahead += [one["identifier"] for after in related.values() for one in after if one["identifier"] not in reached]
    assert reached == set(nodes)
    for node in nodes.values():
        template = node["unified_job_template"]
        if template["type"] == "job_template":
            found = TEMPLATES[template["name"]]
            # AWX ignores a prompt that the template does not ask for.
            assert not node.get("job_type") or found["ask_job_type_on_launch"]
            assert not node.get("diff_mode") or found["ask_diff_mode_on_launch"]
            asked = {one["variable"] for one in found.get("survey_spec", {"spec": []})["spec"]}
            assert set(node.get("extra_data", {})) <= asked
            assert found["ask_limit_on_launch"] or not workflow["ask_limit_on_launch"]
            required = {one["variable"] for one in found.get("survey_spec", {"spec": []})["spec"] if one["required"]}
            assert required <= {one["variable"] for one in workflow["survey_spec"]["spec"]}, node["identifier"]


def fails_in_the_end(template: dict[str, Any]) -> bool:
    """Whether a job of this template fails, whatever it finds."""
    last = load(AWX / f"project/{playbook_of(template)}.yml")[-1]
    return any("ansible.builtin.fail" in task for task in last.get("tasks", []))


@pytest.mark.parametrize("workflow", DATA["controller_workflows"], ids=lambda workflow: workflow["name"])
def test_a_workflow_whose_release_failed_or_was_cancelled_returns_traffic_and_has_failed(
    workflow: dict[str, Any],
) -> None:
    """AWX, dag_workflow.py, has_workflow_failed: a failed node counts only where no node follows it by failure_nodes or always_nodes."""
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    followed = {
        name: [
            one["identifier"]
            for kind in ("failure_nodes", "always_nodes")
            for one in node.get("related", {}).get(kind, [])
        ]
        for name, node in nodes.items()
    }
    after = followed["release"]
    templates = {name: TEMPLATES[nodes[name]["unified_job_template"]["name"]] for name in after}
    assert "return_failed" in {playbook_of(template) for template in templates.values()}
    assert [name for name in after if fails_in_the_end(templates[name]) and not followed[name]], (
        "the workflow would be green"
    )
    for name in nodes.keys() - {"release"}:
        assert not followed[name], f"{name}: what follows its failure would have to fail too"


def test_what_follows_a_failed_release_spares_controllers_that_live_and_other_releases() -> None:
    first, _last = load(AWX / "project/return_failed.yml")
    assert first["vars"] == {"rollback_only_abandoned": True}
    (rollback, *_) = load(ROOT / "playbooks/tasks/rollback.yml")
    given = rollback["pear.fargate.bluegreen_rollback"]["only_abandoned"]
    assert jinja2.Template(given).render(rollback_only_abandoned=True) == "True"
    assert jinja2.Template(given).render() == "False"


def test_the_words_of_a_task_are_the_lines_of_the_answer() -> None:
    (play,) = load(AWX / "project/run_task.yml")
    made = jinja2.Template(play["vars"]["task_command"]).render(task_words="python3\n-c\nprint('a b')")
    assert ast.literal_eval(made) == ["python3", "-c", "print('a b')"]


def test_every_template_runs_a_playbook_of_the_project_which_runs_one_of_the_collection() -> None:
    assert {playbook_of(entry) for entry in TEMPLATES.values()} == {path.stem for path in AWX.glob("project/*.yml")}
    for path in AWX.glob("project/*.yml"):
        imported = [play.get("ansible.builtin.import_playbook") for play in load(path)]
        names = OWN.get(path.stem, [path.stem])
        assert [name for name in imported if name] == [f"pear.fargate.{name}" for name in names]
        assert path.stem in OWN or imported == [f"pear.fargate.{path.stem}"]
        assert all((ROOT / f"playbooks/{name}.yml").is_file() for name in names)


def variables_of(playbook: str) -> set[str]:
    """Names that a playbook and the files of tasks that it includes read, and the variables of the roles that it uses."""
    text = "\n".join((AWX / f"project/{name}.yml").read_text() for name in {playbook} & set(OWN))
    text += "\n".join((ROOT / f"playbooks/{name}.yml").read_text() for name in OWN.get(playbook, [playbook]))
    included = re.findall(r"include_tasks: (tasks/\S+)", text)
    text = "\n".join([text, *((ROOT / "playbooks" / path).read_text() for path in included)])
    named = set(re.findall(r"\b[a-z][a-z_]+\b", "\n".join(re.findall(r"{{.*?}}|that: .*|when: .*", text))))
    roles = set(re.findall(r"pear\.fargate\.([a-z_]+)$", text, re.MULTILINE))
    for role in roles:
        specs = ROOT / f"roles/{role}/meta/argument_specs.yml"
        if specs.is_file():
            for spec in load(specs)["argument_specs"].values():
                named |= set(spec.get("options", {}))
            defaults = (ROOT / f"roles/{role}/defaults/main.yml").read_text()
            named |= set(re.findall(r"{{ (\w+) \| default\('", defaults))
    return named


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in TEMPLATES.values():
        for question in entry.get("survey_spec", {"spec": []})["spec"]:
            yield playbook_of(entry), question


@pytest.mark.parametrize(
    ("playbook", "question"), [pytest.param(*one, id=f"{one[0]} {one[1]['variable']}") for one in questions()]
)
def test_a_survey_asks_for_variables_that_the_playbook_knows_as_awx_takes_them(
    playbook: str, question: dict[str, Any]
) -> None:
    assert question["variable"] in variables_of(playbook)
    # AWX: awx/api/views, JobTemplateSurveySpec.
    assert question["type"] in {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
    assert {"question_name", "variable", "type", "required"} <= set(question)
    if question["type"] == "multiplechoice":
        assert question["default"] in question["choices"]
    if question["type"] == "text":
        # The playbook says what is valid, and of what: a survey that cuts an answer short says nothing.
        assert question["max"] >= 64
    if not question["required"] and question["default"] == "":
        # AWX fills an empty text in where nobody answered.
        texts = "".join(path.read_text() for path in (ROOT / "playbooks").rglob("*.yml"))
        assert f"{question['variable']} | default(omit)" not in texts
    if question["type"] == "integer" and question["default"] != "":
        assert question["min"] <= question["default"] <= question["max"]


def test_the_survey_and_the_workflow_of_github_say_the_same_of_a_forced_rollback() -> None:
    (asked,) = [question for _, question in questions() if question["variable"] == "rollback_force"]
    # YAML takes the key `on` for true.
    inputs = load(ROOT / "examples/github-actions/rollback.yml")[True]["workflow_dispatch"]["inputs"]
    assert asked["question_name"] == inputs["force"]["description"]


def test_the_survey_of_a_game_day_offers_every_experiment_and_breaks_nothing_twice() -> None:
    (entry,) = [entry for entry in TEMPLATES.values() if playbook_of(entry) == "gameday"]
    (asked,) = [one for one in entry["survey_spec"]["spec"] if one["variable"] == "gameday_experiment"]
    (spec,) = load(ROOT / "roles/gameday/meta/argument_specs.yml")["argument_specs"].values()
    assert asked["choices"] == spec["options"]["gameday_experiment"]["choices"] and asked["required"]
    assert entry["allow_simultaneous"] is False


def test_a_template_has_the_role_that_its_playbook_needs() -> None:
    """By the table of the role deployer; the stories run each playbook with that role."""
    table = (ROOT / "roles/deployer/README.md").read_text()
    roles = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \|", table, re.MULTILINE))
    for entry in TEMPLATES.values():
        (credential,) = entry["credentials"]
        kind = credential.removeprefix(f"{SETTINGS['awx_environment']} ").replace(" ", "")
        assert f"`{playbook_of(entry)}.yml`" in roles[kind], entry["name"]


@pytest.mark.parametrize("source", ["Ec2InstanceMetadata", "EcsContainer", "Keys"])
def test_the_credential_becomes_a_profile_that_takes_the_role(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kind,) = DATA["controller_credential_types"]
    other = "arn:aws:iam::210987654321:role/pear-deployer-production-eu-central-1-read-only"
    given = {
        **DATA["controller_credentials"][0]["inputs"],
        "source": source,
        "access_key": "AKIA1",
        "secret_key": "s",
        "other_role_arn": other,
    }
    written = tmp_path / "config"
    text = jinja2.Environment(trim_blocks=False).from_string(kind["injectors"]["file"]["template"]).render(given)
    written.write_text(text)
    for name, value in kind["injectors"]["env"].items():
        monkeypatch.setenv(name, jinja2.Template(value).render(given, tower={"filename": str(written)}))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    parser = configparser.ConfigParser()
    parser.read_string(text)
    session = Session()
    profile = session.get_scoped_config()
    assert profile["role_arn"] == "arn:aws:iam::123456789012:role/pear-deployer-staging-eu-central-1-read-only"
    assert session.get_config_variable("region") == "eu-central-1"
    assert session.full_config["profiles"]["other"] == {**profile, "role_arn": other}
    if source == "Keys":
        assert session.full_config["profiles"][profile["source_profile"]]["aws_access_key_id"] == "AKIA1"
    else:
        assert profile["credential_source"] == source


@pytest.mark.plays
def test_the_playbook_makes_every_object_and_joins_them() -> None:
    awx_awx()
    with running() as (address, store):
        environment = {"CONTROLLER_HOST": address, "CONTROLLER_OAUTH_TOKEN": "token"}
        player = Player(environment, ("localhost,",))
        done = player.run("extensions/awx/configure.yml", variables={"awx_environment": "production"})
        assert done.status == 0, done.output
    made = controller({"awx_environment": "production"})
    for kind, entries in made.items():
        path = {"controller_templates": "job_templates", "controller_workflows": "workflow_job_templates"}.get(kind)
        path = path or {"controller_notifications": "notification_templates"}.get(
            kind, kind.removeprefix("controller_")
        )
        assert {one["name"] for one in store.find(path, {})} == {one["name"] for one in entries}, kind
    release = store.named("job_templates", "production release")
    assert store.names_of("credentials", release, "credentials") == ["production release"]
    questions = store.associated["job_templates", release["id"], "survey_spec"]["spec"]
    assert [question["variable"] for question in questions] == ["image_tag", "service_restart"]
    who = json.loads(release["extra_vars"])["service_released_by"]
    rendered = [
        jinja2.Template(who).render(given) for given in ({"awx_user_name": "ada", "awx_job_id": 7}, {"awx_job_id": 7})
    ]
    assert rendered == ["ada", "AWX job 7"]
    assert "role_arn = {{ role }}" in store.find("credential_types", {})[0]["injectors"]["file"]["template"]
    workflow = store.named("workflow_job_templates", "production release with approval")
    nodes = {
        node["identifier"]: node
        for node in store.find("workflow_job_template_nodes", {"workflow_job_template": str(workflow["id"])})
    }
    after = {
        name: store.names_of("workflow_job_template_nodes", node, "success_nodes", "identifier")
        for name, node in nodes.items()
    }
    assert after == {
        "check": ["approve"],
        "approve": ["release"],
        "release": ["verify"],
        "verify": [],
        "return": [],
        "triage": [],
    }
    failed = store.names_of("workflow_job_template_nodes", nodes["release"], "failure_nodes", "identifier")
    assert failed == ["return", "triage"]
    assert nodes["check"]["unified_job_template"] == nodes["release"]["unified_job_template"] == release["id"]
    assert nodes["verify"]["extra_data"] == {"triage_fail": "true"}
    assert nodes["check"]["job_type"] == "check" and "job_type" not in nodes["release"]
    approval = store.named("workflow_approval_templates", "Release to production")
    assert nodes["approve"]["unified_job_template"] == approval["id"]


@pytest.mark.plays
def test_the_shipped_configuration_keeps_what_the_report_of_drift_needs(tmp_path: Path) -> None:
    playbook = tmp_path / "drift.yml"
    playbook.write_text(f"""
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
  tasks:
    - name: Write a file
      ansible.builtin.copy: {{content: "x", dest: "{tmp_path}/file"}}
      check_mode: true
    - name: Report the drift
      pear.fargate.drift_report:
""")
    # AWX begins in the root of the project, where Ansible finds this file.
    player = Player({"ANSIBLE_CONFIG": str(AWX / "ansible.cfg")}, ("localhost,",))
    said = player.run(str(playbook)).failed().output
    assert "1 setting differs from the inventory" in said and "should be" in said, said
    without = tmp_path / "without.cfg"
    without.write_text("[defaults]\n")
    said = Player({"ANSIBLE_CONFIG": str(without)}, ("localhost,",)).run(str(playbook)).failed().output
    assert "The differences that check mode found were not kept" in " ".join(said.split()), said
