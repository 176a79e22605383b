"""What documents may name: the texts of files in git, and what playbooks and roles take."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import roles_of_the_collection

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def sources(*patterns: str) -> str:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    return "\n".join(file.read_text(errors="replace") for file in files if file.suffix != ".md" and file.is_file())


def takes(name: str) -> bool:
    options = {option for role in roles_of_the_collection().values() for option in role.known}
    return name in options or bool(re.search(rf"\b{name}\b", sources("playbooks")))
