"""What is required is said in several files, and is the same in each: what was tested."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import ansible_builder
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]


def _yaml(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / name).read_text()))


def test_galaxy_and_requirements_ask_for_the_same_collections() -> None:
    required = {one["name"]: one["version"] for one in _yaml("requirements.yml")["collections"]}
    assert required == _yaml("galaxy.yml")["dependencies"]


def test_the_installed_collections_are_within_the_bounds() -> None:
    import ansible_collections

    (site,) = {Path(folder) for folder in ansible_collections.__path__ if (Path(folder) / "amazon").exists()}
    for name, bounds in _yaml("galaxy.yml")["dependencies"].items():
        manifest = yaml.safe_load((site / name.replace(".", "/") / "MANIFEST.json").read_text())
        assert manifest["collection_info"]["version"] in SpecifierSet(bounds), name


def test_the_execution_environment_and_the_runtime_admit_the_ansible_that_tests_run_on() -> None:
    from ansible.release import __version__

    built = _yaml("execution-environment.yml")["dependencies"]["ansible_core"]["package_pip"]
    assert __version__ in Requirement(built).specifier
    assert __version__ in SpecifierSet(_yaml("meta/runtime.yml")["requires_ansible"])


def test_the_execution_environment_is_one_that_ansible_builder_takes() -> None:
    from ansible_builder.ee_schema import validate_schema

    validate_schema(_yaml("execution-environment.yml"))


def test_the_execution_environment_installs_for_the_python_of_its_base_image(tmp_path: Path) -> None:
    """And not for that of the distribution, which ansible-builder takes by itself and which is too old."""
    definition = ROOT / "execution-environment.yml"
    builder = Path(sys.executable).with_name("ansible-builder")
    subprocess.run([builder, "create", "-f", definition, "-c", tmp_path], check=True, capture_output=True)
    made = re.search(r'^ARG PYCMD="/usr/bin/python3[.](\d+)"$', (tmp_path / "Containerfile").read_text(), re.MULTILINE)
    image = re.search(r"/python-3(\d+):", _yaml("execution-environment.yml")["images"]["base_image"]["name"])
    assert made and image and made[1] == image[1]
    # ansible-core 2.21, the newest that is admitted, asks for Python 3.12.
    assert int(made[1]) >= 12


def test_an_execution_environment_that_names_the_collection_gets_what_it_needs() -> None:
    """As ansible-builder reads it of the installed collection; the same as in our own definition."""
    script = "_target_scripts/introspect.py"
    spec = importlib.util.spec_from_file_location("introspect", Path(ansible_builder.__file__).parent / script)
    assert spec is not None and spec.loader is not None
    introspect = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(introspect)
    python, system = introspect.process_collection(str(ROOT))
    own = _yaml("execution-environment.yml")["dependencies"]
    assert sorted(python) == sorted(own["python"])
    assert set(own["system"]) <= set(system)


def test_the_documents_name_the_bounds() -> None:
    page = " ".join((ROOT / "docs/requirements.md").read_text().split())
    python = [Requirement(line) for line in _yaml("execution-environment.yml")["dependencies"]["python"]]
    (boto3,) = (requirement.specifier for requirement in python if requirement.name == "boto3")
    for name, bounds in {**_yaml("galaxy.yml")["dependencies"], "boto3 and botocore": str(boto3)}.items():
        version = {one.operator: re.sub(r"([.]0)+$", "", one.version) for one in SpecifierSet(bounds)}
        text = f"{name} ≥ {version['>=']}" + (f" and < {version['<']}" if "<" in version else "")
        assert text in page, name
