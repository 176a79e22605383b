"""Every variable that a role's specification calls optional may be left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
_SETTLED = r"\s*(\|\s*default\(|is (not )?defined)"


def optional(role: Path) -> Iterator[str]:
    """Variables that need not be given, and for which the role has no default."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    defaults = role / "defaults/main.yml"
    known = (yaml.safe_load(defaults.read_text()) or {}) if defaults.exists() else {}
    for entry in specs.values():
        for name, option in entry.get("options", {}).items():
            if not option.get("required") and name not in known:
                yield name


def bare(role: Path, name: str) -> Iterator[str]:
    """Lines that take the variable for given."""
    for part in ("tasks", "vars", "defaults"):
        for file in sorted((role / part).glob("*.yml")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                code = line.partition(" #")[0]
                if code.lstrip().startswith("#"):
                    continue
                for found in re.finditer(rf"(?<![\w.'\"]){name}(?![\w:])", code):
                    if not re.match(rf"(\.\w+)*{_SETTLED}", code[found.end() :]):
                        yield f"{file.relative_to(ROLES)}:{number}: {line.strip()}"


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir() if path.is_dir()))
def test_an_optional_variable_has_a_default_where_it_is_used(role: str) -> None:
    found = [line for name in sorted(set(optional(ROLES / role))) for line in bare(ROLES / role, name)]
    assert found == []


def test_what_is_taken_for_given_is_found(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    file = tmp_path / "tasks/main.yml"
    file.write_text(
        'a: "{{ x_tags }}"\nb: "{{ x_tags | default({}) }}"\nc: x_tags is defined\nd: x_tags_more\ne: "{{ x_tags.a | default(1) }}"\n'
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(globals(), "ROLES", tmp_path)
        assert [line.split(": ", 1)[1] for line in bare(tmp_path, "x_tags")] == ['a: "{{ x_tags }}"']
