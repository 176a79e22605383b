"""What is required is said in several files, and is the same in each: what was tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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


def test_the_documents_name_the_lowest_versions() -> None:
    page = " ".join((ROOT / "docs/requirements.md").read_text().split())
    for name, bounds in _yaml("galaxy.yml")["dependencies"].items():
        lowest = next(one.version for one in SpecifierSet(bounds) if one.operator == ">=")
        assert f"{name} ≥ {re.sub(r'([.]0)+$', '', lowest)}" in page, name
