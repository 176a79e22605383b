"""Documents: every link within the repository leads somewhere, every playbook and module has its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents()
        for target in _LINK.findall(document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_playbook_has_a_page_and_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for playbook in sorted(ROOT.glob("playbooks/*.yml")):
        assert (ROOT / "docs/playbooks" / f"{playbook.stem}.md").is_file(), playbook.name
        assert f"[`{playbook.name}`]" in readme, playbook.name


def test_every_role_and_module_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    missing = [role.name for role in ROOT.glob("roles/*") if f"[`{role.name}`]" not in readme]
    missing += [module.stem for module in ROOT.glob("plugins/modules/*.py") if f"`{module.stem}`" not in readme]
    assert missing == []


def test_the_documentation_of_every_module_can_be_read() -> None:
    """A colon in a sentence ends it for YAML, and ansible-doc shows nothing at all."""
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        (text,) = re.findall(r'^DOCUMENTATION = r"""(.*?)"""', module.read_text(), re.DOTALL | re.MULTILINE)
        assert yaml.safe_load(text)["module"] == module.stem


def test_every_test_that_a_document_names_exists() -> None:
    sources = "".join(file.read_text() for file in ROOT.glob("tests/**/*.py"))
    missing = [
        f"{document.relative_to(ROOT)}: {name}"
        for document in documents()
        for name in re.findall(r"`(test_\w+)`", document.read_text())
        if f"def {name}(" not in sources
    ]
    assert missing == []


def test_costs_are_what_the_prices_make() -> None:
    done = subprocess.run([sys.executable, "tools/costs.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
