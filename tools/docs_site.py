"""Lay out the sources of the documentation site: the guides of docs/, the roles' pages and the generated reference, for Sphinx.

usage: docs_site.py SOURCES      SOURCES/reference is made by antsibull-docs already
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/pear/fargate/blob/main"
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_FENCE = re.compile(r"^(\s*)```(\w+) [^\n]*$", re.MULTILINE)
_FRONT = (
    ("Begin", ("getting-started", "requirements", "session", "sample-app", "glossary")),
    (
        "Guides",
        (
            *(
                "own-repository",
                "second-service",
                "workers",
                "further-target-groups",
                "network-services",
                "canary",
                "rollback",
                "database",
                "own-domain",
            ),
            *(
                "existing-vpc",
                "beside-what-you-have",
                "two-regions",
                "what-to-write",
                "costs",
                "upgrade",
                "troubleshooting",
            ),
        ),
    ),
    ("Release", ("strategies", "how-a-release-decides", "tasks", "slos", "bluegreen-on-its-own", "failures")),
    ("Operate", ("observability", "operations", "runbooks/README", "backups")),
    ("From where you work", ("github-actions", "awx", "gitops", "eda", "inventory-plugin", "molecule")),
    ("About", ("architecture", "api", "security", "benchmarks", "compatibility", "certification", "reference")),
)
_CONF = """
project = "pear.fargate"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext", "sphinxcontrib.mermaid"]
myst_fence_as_directive = ["mermaid"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 4
html_theme = "sphinx_ansible_theme"
html_title = "pear.fargate"
html_show_sphinx = False
html_theme_options = {"display_version": False, "collapse_navigation": False}
highlight_language = "YAML+Jinja"
default_role = "any"
nitpicky = True
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest", "ansible.inv")}
"""


def pages() -> dict[str, str]:
    """Markdown of the repository, by the path of its page in the site."""
    found = {f"docs/{path.relative_to(ROOT / 'docs').as_posix()}" for path in (ROOT / "docs").rglob("*.md")}
    made = {name: f"guide/{name.removeprefix('docs/')}" for name in found}
    made |= {
        f"roles/{path.parent.name}/README.md": f"roles/{path.parent.name}.md" for path in ROOT.glob("roles/*/README.md")
    }
    return made | {"sandbox/README.md": "sandbox.md", "CONTRIBUTING.md": "contributing.md"}


def rewritten(text: str, source: str, known: dict[str, str]) -> str:
    """A page whose links lead to pages of the site, to files that it takes along, or to the repository."""
    folder, own = posixpath.dirname(source), posixpath.dirname(known[source])

    def link(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        path, mark, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return match[0]
        named = posixpath.normpath(posixpath.join(folder, path))
        if named.startswith("docs/images/"):
            place = posixpath.relpath(f"guide/images/{posixpath.basename(named)}", own)
        elif named in known:
            place = posixpath.relpath(known[named], own)
        elif (ROOT / named / "README.md").is_file() and f"{named}/README.md" in known:
            place = posixpath.relpath(known[f"{named}/README.md"], own)
        else:
            place = f"{REPOSITORY}/{named}"
        return f"{before}{place}{mark}{anchor}{after}"

    # How a block is known to work is for the tests of this repository.
    return _LINK.sub(link, _FENCE.sub(r"\1```\2", text))


def inventory(reference: Path) -> bytes:
    """Where Ansible's own site has what the reference links to, as its objects.inv would say: the site is built without a network.

    Labels of pear.fargate are not among them: one that is missing is a warning.
    """
    texts = [path.read_text() for path in sorted(reference.glob("*.rst"))]
    labels = {label for text in texts for label in re.findall(r":ref:`[^`<]*<([^>`]+)>`", text)}
    escaped = {name for text in texts for name in re.findall(r"envvar\w*:`(ANSIBLE[A-Z_\\]+)`", text)}
    variables = {name.replace("\\", "") for name in escaped}
    places = {
        "action_plugins": "plugins/action.html",
        "ansible_configuration_settings": "reference_appendices/config.html",
        "callback_plugins": "plugins/callback.html",
        "common_return_values": "reference_appendices/common_return_values.html",
    }
    for label in labels:
        if match := re.fullmatch(r"ansible_collections\.((?!pear\.)\w+)\.(\w+)\.(\w+)", label):
            places[label] = "collections/{}/{}/{}.html".format(*match.groups())
    lines = [f"{label} std:label -1 {place} {label}" for label, place in sorted(places.items())]
    lines += [f"{name} std:envvar -1 reference_appendices/config.html#envvar-{name} -" for name in sorted(variables)]
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# The remainder of this file is compressed using zlib.\n"
    return head.encode() + zlib.compress(("\n".join(lines) + "\n").encode())


def index(known: dict[str, str]) -> str:
    """The front page: the README as far as a first try, and the guides by what one wants to do."""
    beginning = (ROOT / "README.md").read_text().partition("\n## ")[0].strip()
    introduction = rewritten(beginning, "README.md", known | {"README.md": "index.md"})
    playbooks = sorted(path.stem for path in (ROOT / "docs/playbooks").glob("*.md"))
    runbooks = sorted(path.stem for path in (ROOT / "docs/runbooks").glob("*.md") if path.stem != "README")
    roles = sorted(path.parent.name for path in ROOT.glob("roles/*/README.md"))
    trees = [(caption, [f"guide/{name}" for name in names]) for caption, names in _FRONT]
    trees += [
        ("Playbooks", [f"guide/playbooks/{name}" for name in playbooks]),
        ("Runbooks", [f"guide/runbooks/{name}" for name in runbooks]),
        ("Roles", [f"roles/{name}" for name in roles]),
        ("Reference", ["reference/index", "reference/environment_variables"]),
        ("The project", ["contributing", "sandbox"]),
    ]
    parts = [introduction]
    for caption, names in trees:
        listed = "\n".join(names)
        parts.append(f"```{{toctree}}\n:caption: {caption}\n:maxdepth: 1\n\n{listed}\n```")
    return "\n\n".join(parts) + "\n"


def main(arguments: list[str]) -> None:
    (target,) = map(Path, arguments)
    known = pages()
    for source, page in known.items():
        place = target / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(rewritten((ROOT / source).read_text(), source, known))
    shutil.copytree(ROOT / "docs/images", target / "guide/images", dirs_exist_ok=True)
    (target / "index.md").write_text(index(known))
    (target / "conf.py").write_text(_CONF)
    (target / "ansible.inv").write_bytes(inventory(target / "reference"))
    program = str(Path(sys.executable).with_name("sphinx-build"))
    options = ["-b", "html", "-W", "--keep-going", "-q", "-j", "auto"]
    sys.exit(subprocess.run([program, *options, str(target), str(ROOT / "build/site")], check=False).returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
