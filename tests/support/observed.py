"""What `make faults` saw, kept as each case ends well: a run that was interrupted goes on where it stopped.

What was seen of other code counts for nothing: the file begins anew whenever plugins, roles or playbooks differ.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from .plays import ROOT

KEPT = ROOT / "build" / "faults.json"
_TRIED = ("plugins", "roles", "playbooks")


def fingerprint(root: Path = ROOT) -> str:
    """Of all files that the cases try."""
    found = hashlib.sha256()
    for folder in _TRIED:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return found.hexdigest()


@dataclass
class Observed:
    """Outcomes by case. Nothing of an earlier run counts where `resumes` is false."""

    path: Path = KEPT
    code: str = field(default_factory=fingerprint)
    resumes: bool = True

    def cases(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        kept = json.loads(self.path.read_text())
        return dict(kept["cases"]) if kept["code"] == self.code else {}

    def has(self, case: str) -> bool:
        return self.resumes and case in self.cases()

    def keep(self, case: str, outcome: str) -> None:
        self.path.parent.mkdir(exist_ok=True)
        cases = {**self.cases(), case: outcome}
        self.path.write_text(json.dumps({"code": self.code, "cases": cases}, indent=2) + "\n")
