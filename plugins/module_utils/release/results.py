# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a release or a rollback ended, as a task's result, its message, and a report file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.text import harmless, printable
from ..rollout.model import Outcome, Release
from ..rollout.record import to_plain
from .loop import Ending
from .report.file import ReportFile, write

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
RETURNED = {Outcome.ROLLED_BACK, Outcome.INCONCLUSIVE, Outcome.APPROVAL_EXPIRED}


@dataclass(frozen=True)
class Remarks:
    """What a run knows beside how it ended."""

    response_times: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


_NO_REMARKS = Remarks()


def result(call: Invocation, ending: Ending, report: ReportFile, remarks: Remarks = _NO_REMARKS) -> dict[str, Any]:
    """Return the task's result; Failure with the same keys where the release is not what serves."""
    release = ending.release
    evidence = dict(release.evidence or {}) if release else {}
    answer = harmless(
        {
            "changed": ending.changed,
            "outcome": str(ending.outcome) if ending.outcome else ("staged" if ending.release else "unchanged"),
            "reason": ending.reason,
            "release": summary(release) if release else None,
            # Those of the look that decided are in the evidence, also of a release that another run ends.
            "response_times": evidence.pop("response_times", None) or dict(remarks.response_times),
            "evidence": evidence,
            **({"warnings": list(remarks.warnings)} if remarks.warnings else {}),
        }
    )
    _write_report(call, ending, answer, report)
    if ending.outcome in (None, Outcome.SUCCEEDED):
        return answer
    message = printable(_message(ending, answer, by_playbooks=not call.params.get("services")))
    if call.verbosity:
        raise Failure(message, **answer)
    # Ansible prints the whole result of a failed task: the message has to be seen among it. The rest is in the ledger and the report.
    raise Failure(
        message,
        changed=ending.changed,
        outcome=answer["outcome"],
        release={"id": release.id, "version": release.label} if release else None,
        **({"warnings": answer["warnings"]} if remarks.warnings else {}),
    )


def summary(release: Release) -> dict[str, Any]:
    """A release as results and playbooks show it."""
    plain: dict[str, Any] = to_plain(release)
    return {key: plain[key] for key in plain if key not in ("evidence", "gates", "policy")}


def _message(ending: Ending, answer: Mapping[str, Any], by_playbooks: bool = True) -> str:
    """What was seen first; last the outcome and its cause, what serves now, and what to do."""
    service = f"{ending.release.service}: " if ending.release else ""
    cause = ending.reason.rstrip(".")
    lines = [*_seen(answer["evidence"], cause), f"{service}{_head(ending)}: {cause}."]
    release = ending.release
    if release is not None and ending.outcome is not Outcome.REFUSED:
        lines += [
            line
            for line in (serves_now(ending.outcome, release), next_step(ending.outcome, release, by_playbooks))
            if line
        ]
    return "\n".join(lines)


def _seen(evidence: Mapping[str, Any], reason: str) -> list[str]:
    # What the reason says already is not said twice.
    lines = [f"  {cause}" for cause in evidence.get("causes", []) if cause not in reason]
    tasks = evidence.get("tasks", [])
    for task in tasks[:1]:
        # What earlier versions kept knows the first container only.
        for log in task.get("containers") or [task]:
            lines += _log(f"{log['container']}, task {task['task'][:12]}", log["log_lines"])
    if "logs" in evidence and not tasks and not evidence.get("unread"):
        lines += _log("the candidate", evidence["logs"][-_LINES_SHOWN:])
    return lines


def _log(whose: str, log_lines: Sequence[str]) -> list[str]:
    if not log_lines:
        return [f"the log of {whose} is empty"]
    return [f"last log lines of {whose}:", *(f"  {line}" for line in log_lines)]


def serves_now(outcome: Outcome | None, release: Release) -> str:
    """Who has the traffic at the end, where the outcome alone decides it."""
    if outcome in RETURNED and not release.first:
        if release.in_place:
            return f"Now {release.stable_task_definition.rpartition('/')[2]}, the version before, serves on {release.live}."
        return f"Now {release.live} serves all traffic with the version before."
    return ""


def next_step(outcome: Outcome | None, release: Release, by_playbooks: bool = True) -> str:
    """What to do: by playbook, or by module where the services are not the playbooks'."""
    status = f"playbooks/status.yml -l {release.service}" if by_playbooks else "pear.fargate.bluegreen_info"
    again, back = ("playbooks/release.yml", "playbooks/rollback.yml")
    report = "service_report"
    if not by_playbooks:
        again, back, report = "pear.fargate.bluegreen_cutover", "pear.fargate.bluegreen_rollback", "report"
    if outcome is Outcome.SUPERSEDED:
        return f"Next: {status} shows who works on it."
    if outcome is Outcome.INTERRUPTED:
        return f"Next: {status}, then {again} with the same version to go on, or {back}."
    return (
        f"Next: correct it and release again. All evidence: run with -v, or set {report}; {release.id} is its release."
    )


def _head(ending: Ending) -> str:
    outcome = ending.outcome or Outcome.INTERRUPTED
    if outcome not in RETURNED or ending.release is None:
        return _HEADS[outcome]
    return _HEADS[outcome] + (", there is no version before it" if ending.release.first else "")


def _write_report(call: Invocation, ending: Ending, answer: Mapping[str, Any], file: ReportFile) -> None:
    """The whole answer as a file, where one is asked for."""
    path = call.params.get("report")
    if not path:
        return
    target = Path(path).expanduser()
    try:
        write(target, file.content(path, ending, answer))
    except (OSError, Failure) as cause:
        why = str(cause) if isinstance(cause, Failure) else f"{cause.strerror}. Name a path that can be written to."
        raise Failure(
            f"It ended as {answer['outcome']} ({answer['reason']}), but its report could not be written to {target}: {why}",
            **answer,
        ) from cause
