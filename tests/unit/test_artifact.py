"""The artifact holds the collection and nothing else, and a checkout answers to its full name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.artifact import built_artifact, installed_artifact
from tests.support.plays import ROOT

from .in_memory import calls_in_memory

BIN = Path(sys.executable).parent

SHIPPED = {
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MAINTAINERS.md",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "ansible.cfg",
    "changelogs",
    "docs",
    "examples",
    "extensions",
    "inventories",
    "meta",
    "playbooks",
    "plugins",
    "requirements.yml",
    "roles",
    "tests",
}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_artifact(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def members(artifact: Path) -> list[str]:
    with tarfile.open(artifact) as tar:
        return [member.name for member in tar if member.isfile() or member.issym()]


@pytest.fixture(scope="module")
def installed(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of collections that the artifact alone is installed into."""
    return installed_artifact(artifact, tmp_path_factory.mktemp("collections"))


def away_from_the_checkout(installed: Path, *command: object, **variables: str) -> str:
    """What a command says in an empty folder, without this repository's ansible.cfg."""
    folder = installed / "elsewhere"
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_NOCOLOR": "1", **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_the_artifact_holds_the_collection_and_nothing_else(members: list[str]) -> None:
    assert {name.partition("/")[0] for name in members} <= SHIPPED
    assert [name for name in members if name.startswith("tests/")] == ["tests/config.yml"]


def test_the_artifact_holds_every_module_role_and_playbook(members: list[str]) -> None:
    desired = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("plugins/modules/*.py", "plugins/action/*.py", "roles/*/tasks/main.yml", "playbooks/*.yml")
        for path in ROOT.glob(pattern)
    ]
    assert set(desired) <= set(members)


def test_the_artifact_holds_what_its_inventories_build_and_no_other_example(members: list[str]) -> None:
    contexts = {
        yaml.safe_load(variables.read_text())["registry_build"]["context"].replace("{{ inventory_dir }}/../../", "")
        for variables in ROOT.glob("inventories/*/host_vars/*.yml")
    }
    assert {f"{context}/Containerfile" for context in contexts} <= set(members)
    examples = {name for name in members if name.startswith("examples/")}
    assert {name for name in examples if not name.startswith(tuple(contexts))} == set()
    assert not [name for name in examples if "test" in name]


@pytest.mark.plays
def test_every_playbook_of_the_installed_collection_runs_by_its_full_name(installed: Path) -> None:
    here = installed / "ansible_collections/pear/fargate"
    names = sorted(path.stem for path in here.glob("playbooks/*.yml"))
    assert names == sorted(path.stem for path in ROOT.glob("playbooks/*.yml"))
    full = [f"pear.fargate.{name}" for name in names]
    command = [BIN / "ansible-playbook", *full, "-i", here / "inventories/staging", "--list-tasks"]
    listed = away_from_the_checkout(installed, *map(str, command))
    assert re.findall(r"^playbook: (.*)$", listed, re.M) == [str(here / f"playbooks/{name}.yml") for name in names]


@pytest.fixture
def endpoint() -> Iterator[str]:
    """AWS's calls in memory, in an account that is empty."""
    with calls_in_memory() as address:
        yield address


@pytest.mark.plays
def test_the_installed_collection_deploys_an_inventory_of_ones_own(
    installed: Path, tmp_path: Path, endpoint: str
) -> None:
    """In check mode: what a deploy runs is loaded from the artifact, actions that are links among it."""
    here = installed / "ansible_collections/pear/fargate"
    links = [path for path in here.glob("plugins/action/*.py") if path.is_symlink()]
    assert links and all(path.resolve().is_relative_to(here.resolve()) for path in links)
    image = "public.ecr.aws/nginx/nginx@sha256:" + 64 * "1"
    hosts = {
        "environment": {"hosts": {"tiny-environment": {}}},
        "services": {"hosts": {"website": {"service_image": image}}},
        "all": {
            "vars": {
                "environment_name": "tiny",
                "environment_region": "eu-central-1",
                "load_balancer_certificate": "self_signed",
                "load_balancer_domain": "example.com",
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
            }
        },
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(hosts))
    aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    command = [BIN / "ansible-playbook", "pear.fargate.deploy", "-i", tmp_path / "hosts.yml", "--check"]
    said = away_from_the_checkout(installed, *map(str, command), **aws)
    assert (
        "TASK [pear.fargate.network : " in said
        and "TASK [pear.fargate.service : release | New version of website]" in said
    )
    assert re.search(r"^website +: ok=\d+ +changed=[1-9]", said, re.M), said


@pytest.mark.plays
def test_the_installed_collection_documents_its_modules_and_its_inventory(installed: Path) -> None:
    for kind, folder in (("module", "modules"), ("inventory", "inventory"), ("connection", "connection")):
        names = [f"pear.fargate.{path.stem}" for path in ROOT.glob(f"plugins/{folder}/*.py") if path.stem != "__init__"]
        command = [str(BIN / "ansible-doc"), "--type", kind, "--json", *names]
        documented = json.loads(away_from_the_checkout(installed, *command))
        assert set(documented) == set(names)
        assert all(found["doc"]["filename"].startswith(str(installed)) for found in documented.values())


def test_every_role_documents_each_of_its_variables_and_defaults_no_other() -> None:
    for role in sorted(ROOT.glob("roles/*")):
        specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
        documented = {name for spec in specs.values() for name in spec.get("options", {})}
        defaults = set(yaml.safe_load((role / "defaults/main.yml").read_text()) or {})
        assert {name for name in defaults if not name.startswith("__")} <= documented, role.name
        assert (role / "README.md").is_file(), role.name


def test_the_product_does_not_know_what_it_is_tested_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for folder in ("plugins", "roles", "playbooks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".yml", ".j2"}
        for word in ("sandbox", "moto", "AWS_ENDPOINT_URL=")
        if word in path.read_text().replace("remote", "").replace("promot", "")
    ]
    assert found == []
