# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a release of the past, from the ledger, CloudWatch and ECS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..rollout.history import reported
from ..rollout.model import Release
from ..service.existing import locate_by
from .ledger import DynamoLedger
from .ports import PortError
from .report.facts import Facts
from .report.file import write
from .report.page import page, require_libraries
from .report.reader import Reader
from .results import summary


def run(call: Invocation) -> dict[str, Any]:
    """Write the page; changed where the file had another content, or was not there."""
    require_libraries()
    location = locate_by(call.aws, call.params)
    try:
        history = DynamoLedger(call.aws, location.ledger, location.service).history()
    except PortError as failed:
        raise Failure(str(failed)) from failed
    release = reported(history.releases, call.params["release"])
    if isinstance(release, str):
        raise Failure(f"{release}. All of them: playbooks/history.yml -l {location.service}")
    begun = Facts(
        location.service,
        location.environment or location.cluster,
        str(release.outcome or f"under way: {release.phase}"),
        release.reason,
        release,
        unread=tuple(map(str, history.unreadable)),
    )
    content = page(Reader(call.aws, location, call.clock).facts(begun))
    path = _path(call, release)
    changed = _differs(path, content)
    if changed and not call.check_mode:
        try:
            write(path, content)
        except OSError as cause:
            raise Failure(
                f"The report could not be written to {path}: {cause.strerror}. Name a path that can be written to."
            ) from cause
    return {"changed": changed, "path": str(path), "release": summary(release)}


def _path(call: Invocation, release: Release) -> Path:
    path = call.params["path"] or f"report-{release.service}-{release.id}.html"
    return Path(path).expanduser().absolute()


def _differs(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") != content
    except (FileNotFoundError, UnicodeDecodeError):
        return True
    except OSError as cause:
        raise Failure(f"{path} cannot be read: {cause.strerror}. Name another path.") from cause
