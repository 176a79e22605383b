"""Whether a tag is the version that this tree would be released as; the sentences say what is missing otherwise.

usage: tools/release_version.py TAG
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def problems(tag: str, root: Path = ROOT) -> Iterator[str]:
    """A sentence for each reason not to release the tree under that tag."""
    version = yaml.safe_load((root / "galaxy.yml").read_text())["version"]
    if tag != version:
        yield f"the tag is {tag}, and version in galaxy.yml {version}: set the tag on the commit that has its version"
    if version not in yaml.safe_load((root / "changelogs/changelog.yaml").read_text())["releases"]:
        yield f"CHANGELOG.rst has no release {version}: run antsibull-changelog release --version {version}"
    fragments = [path.name for path in (root / "changelogs/fragments").glob("*.y*ml")]
    if fragments:
        yield f"{len(fragments)} fragments are in no release yet, {min(fragments)} among them: antsibull-changelog release takes them"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = [*problems(arguments[0])]
    print("\n".join(f"release-version: {problem}." for problem in found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
