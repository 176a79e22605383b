# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a release or a rollback ended, as a task's result, its message, and a report file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..rollout.model import Outcome, Release
from ..rollout.record import to_plain
from .controller import Ending
from .options import token

# What a message shows of the evidence; all of it is in the result, in the ledger and in the report.
_LINES_SHOWN = 12
_HEADS = {
    Outcome.ROLLED_BACK: "rolled back",
    Outcome.FAILED: "failed",
    Outcome.SUPERSEDED: "superseded",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.APPROVAL_EXPIRED: "not approved in time",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.REFUSED: "refused",
}
# What these end with is that the version before serves; a first release has none before it.
_RETURNED = {Outcome.ROLLED_BACK, Outcome.INCONCLUSIVE, Outcome.APPROVAL_EXPIRED}


def result(call: Invocation, ending: Ending) -> dict[str, Any]:
    """Return the task's result; Failure with the same keys where the release is not what serves."""
    release = ending.release
    answer = {
        "changed": ending.changed,
        "outcome": str(ending.outcome) if ending.outcome else ("staged" if ending.changed else "unchanged"),
        "reason": ending.reason,
        "release": summary(release) if release else None,
        "evidence": dict(release.evidence or {}) if release else {},
    }
    _write_report(call, answer)
    if ending.outcome in (None, Outcome.SUCCEEDED):
        return answer
    raise Failure(_message(ending, answer), **answer)


def summary(release: Release) -> dict[str, Any]:
    """A release as results and playbooks show it."""
    plain: dict[str, Any] = to_plain(release)
    return {key: plain[key] for key in plain if key not in ("evidence", "gates", "policy")}


def _message(ending: Ending, answer: Mapping[str, Any]) -> str:
    """The outcome first, then the cause, then the evidence."""
    head = _head(ending)
    service = f"{ending.release.service}: " if ending.release else ""
    lines = [f"{service}{head}: {ending.reason}."]
    evidence = answer["evidence"]
    lines += [f"  {cause}" for cause in evidence.get("causes", [])]
    for task in evidence.get("tasks", [])[:1]:
        lines += [f"last log lines of {task['container']}, task {task['task'][:12]}:"]
        lines += [f"  {line}" for line in task["log_lines"]]
    if not evidence.get("tasks"):
        logs = evidence.get("logs", [])[-_LINES_SHOWN:]
        lines += [*(["last log lines of the candidate:"] if logs else []), *(f"  {line}" for line in logs)]
    return "\n".join(lines)


def _head(ending: Ending) -> str:
    outcome = ending.outcome or Outcome.INTERRUPTED
    if outcome not in _RETURNED or ending.release is None:
        return _HEADS[outcome]
    first = ending.release.first
    return f"{_HEADS[outcome]}, {'there is no version before it' if first else 'the version before serves'}"


def _write_report(call: Invocation, answer: Mapping[str, Any]) -> None:
    """The whole answer as a JSON file, where one is asked for; all at once, so that no reader sees half of it."""
    path = call.params.get("report")
    if not path:
        return
    target = Path(path).expanduser()
    partial = target.with_name(f".{target.name}.{token()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(answer, indent=2, default=str) + "\n")
        partial.replace(target)
    except OSError as cause:
        raise Failure(
            f"It ended as {answer['outcome']} ({answer['reason']}), but its report could not be written to {target}: "
            f"{cause.strerror}. Name a path that can be written to.",
            **answer,
        ) from cause
