"""Documents: what they link to, name and tell to run exists, and each block of commands says what runs it."""

from __future__ import annotations

import configparser
import functools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.operations.ecs_hosts import PROPERTIES
from ansible_collections.pear.fargate.plugins.module_utils.release.check_options import CHECK
from ansible_collections.pear.fargate.plugins.module_utils.release.options import GATES, POLICY, STRATEGY
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import ErrorGate, Gates, Plan
from ansible_collections.pear.fargate.plugins.module_utils.rollout.strategy import plan
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import roles_of_the_collection, unknown

from tools import cutover_picture

from .documented import sources, takes

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#\s]+)?(?:#([^)\s]*))?\)")
_FENCE = re.compile(r"^ *```(.*)$")
_CODE = re.compile(r"`([^`\n]+)`")
_WORD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+")
# The dictionary options of the role service are those of a release.
NESTED: dict[str, dict[str, Any]] = {
    "service_gates": GATES,
    "service_release_policy": POLICY,
    "service_version_probe": CHECK,
    "service_strategy_options": {name: option for name, option in STRATEGY.items() if name != "strategy"},
}
# Names of others: variables of OpenTelemetry's programs and of a user's own application, Ansible's folder, SQLite's
# pragma, and a placeholder.
FOREIGN = {
    *("OTEL_PROPAGATORS", "DB_SECRET_ARN", "DRY_RUN", "group_vars", "host_vars", "integrity_check"),
    # Names in the environment of a user's program, and ECS's in that of a container.
    *("API_KEY", "DB_PASSWORD", "ECS_AGENT_URI", "SYS_PTRACE"),
    "DNS_NAME_OF_THE_LOAD_BALANCER",
    # Terraform's.
    "ignore_changes",
    # Of other inventory plugins, of awx.awx and of infra.aap_configuration.
    *("aws_ec2", "assume_role_arn"),
    *("CONTROLLER_HOST", "CONTROLLER_OAUTH_TOKEN", "aap_hostname", "aap_token"),
    # Modules of version 0.1.0, which the upgrade guide names.
    *("ecs_rollout", "bluegreen_stage"),
    # PromQL's, and the labels that AWS's collector gives what it scrapes.
    *("histogram_quantile", "aws_ecs_task_arn", "aws_ecs_task_revision"),
    # PostgreSQL's.
    *("max_connections", "pg_stat_activity"),
}


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what its first line says, and its lines."""

    place: str
    info: str
    lines: tuple[str, ...]

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def commands(self) -> list[str]:
        """One per line and per &&; lines that end with a backslash go on; comments are left out."""
        joined = self.text.replace("\\\n", " ")
        parts = [part for line in joined.splitlines() for part in re.split(r" && |; ", re.sub(r"(^| )# .*", "", line))]
        return [part.strip() for part in parts if part.strip()]


def documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


@functools.cache
def blocks() -> tuple[Block, ...]:
    return tuple(block for document in documents() for block in _blocks(document))


def _blocks(document: Path) -> Iterator[Block]:
    opened: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(document.read_text().splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, lines = (number, fence[1].strip()), []
        elif opened and fence:
            yield Block(f"{document.relative_to(ROOT)}:{opened[0]}", opened[1], tuple(lines))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{document}: a block is not closed"


def prose(document: Path) -> str:
    """The text outside of fenced blocks."""
    kept, inside = [], False
    for line in document.read_text().splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


# --- links and pages ---


def anchors(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_link_leads_somewhere() -> None:
    broken = []
    for document in documents():
        for target, anchor in _LINK.findall(document.read_text()):
            if "://" in target:
                continue
            page = document.parent / target if target else document
            if not page.exists() or (anchor and page.suffix == ".md" and anchor not in anchors(page)):
                broken.append(f"{document.relative_to(ROOT)}: {target}#{anchor}")
    assert broken == []


def test_every_playbook_has_a_page_and_stands_in_the_reference() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    for playbook in sorted(ROOT.glob("playbooks/*.yml")):
        assert (ROOT / "docs/playbooks" / f"{playbook.stem}.md").is_file(), playbook.name
        assert f"[`{playbook.name}`]" in reference, playbook.name


_TAKEN = re.compile(r"(?<![.\w])([a-z]+(?:_[a-z]+)+) \| default\(")


@pytest.mark.parametrize("playbook", sorted(ROOT.glob("playbooks/*.yml")), ids=lambda playbook: playbook.stem)
def test_the_page_of_a_playbook_names_each_extra_variable_that_it_takes(playbook: Path) -> None:
    """docs/api.md promises those that the pages name. Variables of roles are documented with their role."""
    text = playbook.read_text()
    # What the playbook sets itself, or another one that runs before it.
    own = set(re.findall(r"register: (\w+)", sources("playbooks"))) | set(re.findall(r"^ +(\w+):", text, re.MULTILINE))
    of_roles = {option for role in roles_of_the_collection().values() for option in role.options}
    page = (ROOT / "docs/playbooks" / f"{playbook.stem}.md").read_text()
    assert sorted(set(_TAKEN.findall(text)) - own - of_roles - set(_WORD.findall(page))) == []


def test_every_role_and_module_stands_in_the_reference() -> None:
    reference = (ROOT / "docs/reference.md").read_text()
    missing = [role.name for role in ROOT.glob("roles/*") if f"[`{role.name}`]" not in reference]
    missing += [module.stem for module in ROOT.glob("plugins/modules/*.py") if f"`{module.stem}`" not in reference]
    assert missing == []


def test_the_documentation_of_every_module_can_be_read() -> None:
    """A colon in a sentence ends it for YAML, and ansible-doc shows nothing at all."""
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        (text,) = re.findall(r'^DOCUMENTATION = r"""(.*?)"""', module.read_text(), re.DOTALL | re.MULTILINE)
        assert yaml.safe_load(text)["module"] == module.stem


def test_every_page_of_the_docs_is_linked_from_another_page() -> None:
    linked = {
        (document.parent / target).resolve()
        for document in documents()
        for target, _ in _LINK.findall(document.read_text())
        if target and "://" not in target
    }
    assert [page.name for page in documents() if page.parent == ROOT / "docs" and page.resolve() not in linked] == []


# --- images ---


def test_no_inventory_and_no_page_names_an_image_of_a_collector_by_a_tag() -> None:
    files = [*ROOT.glob("inventories/**/*.yml"), *documents()]
    named = [
        f"{file.relative_to(ROOT)}: {image}"
        for file in files
        for image in re.findall(r"image: *(\S*otel\S*)", file.read_text())
    ]
    assert named
    assert [image for image in named if not re.search(r"@sha256:[0-9a-f]{64}$", image)] == []


# --- names ---


def test_every_test_that_a_document_names_exists() -> None:
    tests = sources("tests/*.py")
    missing = [
        f"{document.relative_to(ROOT)}: {name}"
        for document in documents()
        for name in re.findall(r"`(test_\w+)`", document.read_text())
        if f"def {name}(" not in tests
    ]
    assert missing == []


@functools.cache
def known_words() -> frozenset[str]:
    """Every name with an underscore that code, variables, options or file names have."""
    code = sources(
        *(
            "plugins",
            "roles",
            "playbooks",
            "inventories",
            "meta",
            "sandbox",
            "examples",
            "extensions",
            "tools",
            "bench",
            ".github",
        ),
        "Makefile",
    )
    stems = {file.stem for folder in ("plugins", "tests", "sandbox", "roles") for file in (ROOT / folder).rglob("*.*")}
    return frozenset(
        {
            *_WORD.findall(code),
            *stems,
            *FOREIGN,
            *(f"ecs_{name}" for name in (*PROPERTIES, "tags", "weights", "containers")),
        }
    )


def test_every_name_that_a_document_sets_as_code_exists() -> None:
    """Options, variables, functions, files: a name that nothing has any more is a document that was forgotten."""
    missing = [
        f"{document.relative_to(ROOT)}: {word}"
        for document in documents()
        for code in _CODE.findall(prose(document))
        for word in _WORD.findall(code)
        if word not in known_words() and not word.startswith("test_")
    ]
    assert missing == []


def _variables(text: str) -> set[str]:
    """Names that begin like a role's variables and are no name of a file, module, filter or result."""
    others = {file.stem for file in (ROOT / "plugins").rglob("*.*")}
    others |= {file.stem for folder in ("playbooks", "roles") for file in (ROOT / folder).rglob("*.yml")}
    # Results and names that playbooks and tasks leave for others.
    others |= set(re.findall(r"register: (\w+)", sources("roles", "playbooks")))
    # Keys of a variable that is a dictionary, such as the thresholds of alarms.
    others |= {
        key
        for role in roles_of_the_collection().values()
        for option in role.options.values()
        for key in option.get("options", {})
    }
    # Of a load balancer, as modules name it.
    others.add("dns_name")
    # Filters, and what playbooks take as extra variables.
    others |= set(_WORD.findall(sources("plugins/filter", "playbooks")))
    return set(_WORD.findall(text)) - others


@pytest.mark.long
def test_every_variable_of_a_role_that_a_document_names_is_in_its_argument_specs() -> None:
    wrong = []
    for document in documents():
        code = "\n".join(
            [
                *_CODE.findall(prose(document)),
                *(block.text for block in blocks() if block.place.startswith(f"{document.relative_to(ROOT)}:")),
            ]
        )
        found = unknown(_variables(code) - functions(), roles_of_the_collection())
        wrong += [f"{document.relative_to(ROOT)}: {finding}" for finding in found]
    assert wrong == []


@functools.cache
def functions() -> frozenset[str]:
    """Functions of the collection, such as service_alarms: no variables of a role."""
    return frozenset(re.findall(r"def (\w+)", sources("plugins")))


@pytest.mark.parametrize(
    "block", [block for block in blocks() if block.language == "yaml"], ids=lambda block: block.place
)
def test_a_block_of_variables_fits_the_specs(block: Block) -> None:
    values = yaml.safe_load(block.text)
    if not isinstance(values, dict):
        return
    plain = {name: value for name, value in values.items() if "{{" not in json.dumps(value, default=str)}
    findings = unknown(values, roles_of_the_collection())
    for role in roles_of_the_collection().values():
        for name in plain.keys() & role.options.keys():
            findings += _misfits({name: {**role.options[name], "no_log": False}}, {name: plain[name]})
    for name in plain.keys() & NESTED.keys():
        findings += _misfits(NESTED[name], plain[name])
    for check in plain.get("service_checks", []):
        findings += _misfits(CHECK, check)
    assert findings == []


def orders() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Every plan that an example shows, with the gates beside it: of a module's options, or of a service's variables."""
    texts = [(block.place, block.text) for block in blocks() if block.language == "yaml"]
    for module in sorted(ROOT.glob("plugins/modules/*.py")):
        (examples,) = re.findall(r'^EXAMPLES = r"""(.*?)"""', module.read_text(), re.DOTALL | re.MULTILINE)
        texts.append((module.stem, examples))
    for place, text in texts:
        for values in _mappings(yaml.safe_load(text)):
            if isinstance(values.get("plan"), dict):
                strategy = values.get("strategy", "all_at_once")
                yield place, {"strategy": strategy, **values["plan"]}, values.get("gates") or {}
            if options := values.get("service_strategy_options"):
                strategy = (
                    "rolling" if values.get("service_kind") == "worker" else values.get("service_strategy", "rolling")
                )
                yield place, {"strategy": strategy, **options}, values.get("service_gates") or {}


def _mappings(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
    for value in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _mappings(value)


def test_every_plan_that_an_example_shows_is_one_that_a_release_takes() -> None:
    """Gates of metrics need time to see some: a shorter step is refused."""
    shown = list(orders())
    assert len(shown) > 5
    refused = []
    for place, settings, gates in shown:
        judged = {name: gates[name] for name in ("errors", "latency", "metrics") if name in gates}
        need = Gates(errors=ErrorGate()) if judged else Gates()
        made = plan(settings, need)
        refused += [] if isinstance(made, Plan) else [f"{place}: {finding}" for finding in made]
    assert refused == []


def _misfits(spec: dict[str, Any], values: dict[str, Any]) -> list[str]:
    return list(ArgumentSpecValidator(spec).validate(values).error_messages)


# --- commands ---


def test_every_block_names_its_language() -> None:
    assert [block.place for block in blocks() if not block.info] == []


def commands() -> list[Block]:
    return [block for block in blocks() if block.language == "bash"]


@pytest.mark.parametrize("block", commands(), ids=lambda block: block.place)
def test_a_block_of_commands_is_run_by_a_test_or_needs_aws(block: Block) -> None:
    how = block.info.removeprefix("bash").strip()
    if how == "needs-aws":
        return
    assert how.startswith("run-by="), f"{block.place}: say needs-aws or run-by=FILE after bash"
    text = "\n".join((ROOT / name).read_text() for name in how.removeprefix("run-by=").split(","))
    assert [command for command in block.commands if not _runs(command, text)] == []


def _runs(command: str, text: str) -> bool:
    """Whether a test's text has the command: its playbook, verb or subcommand, or else its program."""
    if match := re.search(r"playbooks/(\w+)\.yml", command):
        return f"playbooks/{match[1]}.yml" in text or f'"{match[1]}"' in text
    if match := re.search(r"python3? -m (\w+)(?: (\w+))?", command):
        return bool(re.search(rf"\b{match[2] or match[1]}\b", text))
    if match := re.match(r"make ([\w-]+)", command):
        return f"make {match[1]}" in text or f'"{match[1].removeprefix("sandbox-")}"' in text
    program, *rest = command.split()
    return program in text or (bool(rest) and f'"{rest[0]}"' in text) or program == "cd"


@pytest.mark.parametrize("block", commands(), ids=lambda block: block.place)
def test_what_a_command_names_exists(block: Block) -> None:
    for command in block.commands:
        for path in re.findall(r"(?:playbooks|inventories|examples|roles)/[\w./-]+", command):
            assert (ROOT / path).exists(), command
        for name in re.findall(r"ansible-playbook pear\.fargate\.(\w+)", command):
            assert (ROOT / "playbooks" / f"{name}.yml").is_file(), command
        for name in re.findall(r"-e (\w+)=", command) + re.findall(r'-e \'\{"(\w+)"', command):
            playbook = re.search(r"playbooks/\w+\.yml|pear\.fargate\.\w+", command)
            assert playbook, command
            assert takes(name), f"{command}: no playbook or role takes {name}"


def test_every_verb_of_make_that_a_document_names_exists() -> None:
    verbs = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        verb
        for document in documents()
        for code in (*_CODE.findall(prose(document)), *(block.text for block in commands()))
        for verb in re.findall(r"(?:^|\s)make ([a-z][a-z-]+)", code)
    }
    assert named - verbs == set()


def test_the_answers_to_where_is_what_are_there() -> None:
    table = re.findall(
        r"^\| [^|]+\? \| `([^`]+)` \| `([^`]+)` \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE
    )
    assert len(table) >= 10
    assert [row for row in table if row[1] not in (ROOT / row[0]).read_text()] == []


# --- what is made ---


def test_costs_are_what_the_prices_make() -> None:
    done = subprocess.run([sys.executable, "tools/costs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_picture_is_drawn_from_the_recording() -> None:
    recording = json.loads((ROOT / "docs/images/cutover.json").read_text())
    assert (ROOT / "docs/images/cutover.svg").read_text() == cutover_picture.picture(recording)


def test_an_ansible_cfg_that_is_shown_or_shipped_prints_as_this_repositorys_own() -> None:
    """Without these two a table is one line, and drift.yml fails."""
    own = configparser.ConfigParser()
    own.read(ROOT / "ansible.cfg")
    page = (ROOT / "docs/own-repository.md").read_text()
    (block,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    needed = ("callback_result_format", "callbacks_enabled")
    for text in (block, (ROOT / "extensions/awx/ansible.cfg").read_text()):
        shown = configparser.ConfigParser()
        shown.read_string(text)
        assert dict(shown["defaults"]) == {name: own["defaults"][name] for name in needed}
