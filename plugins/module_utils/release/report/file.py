# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a report: the answer as JSON, a page, or a summary, as each file's name says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.invocation import Invocation
from ...service.location import ServiceLocation
from ..loop import Ending
from ..options import token
from .facts import Facts
from .page import is_page, page, require_libraries
from .reader import Reader
from .summary import is_summary, summary_page


@dataclass(frozen=True)
class ReportFile:
    """What a run's report holds: `read` adds to the facts of a page what can be read about the release."""

    read: Callable[[Facts], Facts]
    service: str
    environment: str

    def content(self, path: str, ending: Ending, answer: Mapping[str, Any]) -> str:
        if is_summary(path):
            return summary_page(self.environment, answer)
        if not is_page(path):
            return json.dumps(answer, indent=2, default=str) + "\n"
        known = Facts(
            self.service,
            self.environment,
            answer["outcome"],
            answer["reason"],
            ending.release,
            evidence=answer["evidence"],
        )
        return page(self.read(known))


def require_report(call: Invocation) -> None:
    """Refuse a report that cannot be made before anything is changed."""
    if any(map(is_page, call.params.get("report") or [])):
        require_libraries()


def report_file(call: Invocation, location: ServiceLocation) -> ReportFile:
    reader = Reader(call.aws, location, call.clock)
    return ReportFile(reader.facts, location.service, location.environment or location.cluster)


def write(target: Path, content: str) -> None:
    """All at once, so that no reader sees half of it. Raises OSError."""
    partial = target.with_name(f".{target.name}.{token()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
