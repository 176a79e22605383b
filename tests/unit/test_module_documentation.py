"""Every module documents itself in one way: what it returns with an example, what to see next, and options by the same names."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins/modules").glob("*.py"))
# Another name for what one of our options means already.
OTHER_NAMES = {
    "env": "environment",
    "environment_name": "environment",
    "service_name": "service",
    "kms_key": "kms_key_arn",
    "kms_key_id": "kms_key_arn",
    "subnets": "subnet_ids",
    "security_groups": "security_group_ids",
    "vpc": "vpc_id",
    "listener": "listener_arn",
}


def block(module: Path, name: str) -> Any:
    (text,) = re.findall(rf'^{name} = r"""(.*?)"""', module.read_text(), re.DOTALL | re.MULTILINE)
    return yaml.safe_load(text)


def fragments() -> Iterator[dict[str, Any]]:
    for file in (ROOT / "plugins/doc_fragments").glob("*.py"):
        for text in re.findall(r'r"""(.*?)"""', file.read_text(), re.DOTALL):
            yield yaml.safe_load(text)


def options(documented: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option with those inside of it."""
    for name, option in (documented or {}).items():
        yield name, option
        yield from options(option.get("suboptions", {}))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_what_it_returns_has_an_example(module: Path) -> None:
    for name, value in (block(module, "RETURN") or {}).items():
        assert {"description", "returned", "type"} <= value.keys(), name
        assert "sample" in value or "contains" in value, f"{name} has neither sample nor contains"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_it_says_what_to_see_next_and_that_exists(module: Path) -> None:
    named = [entry["module"] for entry in block(module, "DOCUMENTATION")["seealso"]]
    own = [name.rpartition(".")[2] for name in named if name.startswith("pear.fargate.")]
    assert own, "none of this collection"
    assert [name for name in own if not (ROOT / f"plugins/modules/{name}.py").is_file()] == []
    assert module.stem not in own


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_its_options_have_the_names_of_the_collection(module: Path) -> None:
    names = [name for name, _ in options(block(module, "DOCUMENTATION").get("options", {}))]
    assert {name: OTHER_NAMES[name] for name in names if name in OTHER_NAMES} == {}


def test_the_options_of_fragments_have_the_names_of_the_collection() -> None:
    names = [name for fragment in fragments() for name, _ in options(fragment["options"])]
    assert names, "no fragment was read"
    assert {name: OTHER_NAMES[name] for name in names if name in OTHER_NAMES} == {}


def test_a_comment_that_names_a_fragment_names_one_that_exists() -> None:
    sources = [*(ROOT / "plugins").rglob("*.py"), ROOT / "CONTRIBUTING.md"]
    named = {
        name
        for source in sources
        for name in re.findall(r"fragments? pear\.fargate\.([a-z_]+(?:\.[a-z_]+)?)", source.read_text())
    }
    there = set()
    for file in (ROOT / "plugins/doc_fragments").glob("*.py"):
        parts = re.findall(r'^    ([A-Z_]+) = r"""', file.read_text(), re.MULTILINE)
        there |= {file.stem if part == "DOCUMENTATION" else f"{file.stem}.{part.lower()}" for part in parts}
    assert len(named) > 3
    assert named - there == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_one_resource_has_a_state_and_its_tags_can_be_purged(module: Path) -> None:
    """Modules that extend one of the two fragments have the options of their argument spec too."""
    extended = block(module, "DOCUMENTATION").get("extends_documentation_fragment", [])
    loaded = importlib.import_module(f"ansible_collections.pear.fargate.plugins.modules.{module.stem}")
    spec = getattr(loaded, "ARGUMENT_SPEC", {})
    assert ("state" in spec) == ("pear.fargate.resource" in extended)
    assert ("purge_tags" in spec) == ("pear.fargate.resource.tags" in extended)


def test_the_page_of_what_is_public_names_each_module_that_makes_something_and_has_no_state() -> None:
    specs = {
        module.stem: getattr(
            importlib.import_module(f"ansible_collections.pear.fargate.plugins.modules.{module.stem}"),
            "ARGUMENT_SPEC",
            {},
        )
        for module in MODULES
    }
    without = {name for name, spec in specs.items() if "tags" in spec and "state" not in spec}
    named = set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`\w+`.*?) \|", (ROOT / "docs/api.md").read_text(), re.M)))
    )
    assert without - named == set()
    assert {name for name in named if "state" in specs.get(name, {})} == set()


def sentences(documented: Any) -> Iterator[str]:
    """Every description in a block of documentation."""
    if isinstance(documented, dict):
        for name, value in documented.items():
            if name in ("description", "short_description"):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from sentences(value)


_MARKED = re.compile(r"[A-Z]+\([^)]*\)|https?://\S+")
_NAME = re.compile(r"(?<![\w.])[a-z]+(?:_[a-z]+)+\b")


def test_a_name_stands_in_no_description_without_its_markup() -> None:
    """O(option), V(value) and C(code); what has none is a name that a search and replace left there."""
    blocks = [(module.stem, block(module, name)) for module in MODULES for name in ("DOCUMENTATION", "RETURN")]
    blocks += [("a fragment", fragment) for fragment in fragments()]
    bare = {
        f"{where}: {name}"
        for where, documented in blocks
        for sentence in sentences(documented)
        for name in _NAME.findall(_MARKED.sub("", sentence))
    }
    assert bare == set()


def test_every_filter_is_documented() -> None:
    """ansible-doc reads a file of the filter's name; Galaxy's importer refuses a filter without one."""
    documented = {file.stem for file in (ROOT / "plugins/filter").glob("*.yml")}
    loaded = {
        name
        for file in (ROOT / "plugins/filter").glob("*.py")
        for name in importlib.import_module(f"ansible_collections.pear.fargate.plugins.filter.{file.stem}")
        .FilterModule()
        .filters()
    }
    assert loaded == documented
