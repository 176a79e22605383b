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
from ..rollout.model import Fleet, Kind, Outcome, Release
from ..rollout.record import to_plain
from ..rollout.stable_down import unserved
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
    message = printable(_message(call, ending, answer))
    if call.verbosity:
        raise Failure(message, **answer)
    # Ansible prints the whole result of a failed task: the message has to be seen among it. The rest is in the ledger and the report.
    raise Failure(
        message,
        changed=ending.changed,
        outcome=answer["outcome"],
        release=harmless({"id": release.id, "version": release.label}) if release else None,
        **({"warnings": answer["warnings"]} if remarks.warnings else {}),
    )


def summary(release: Release) -> dict[str, Any]:
    """A release as results and playbooks show it."""
    plain: dict[str, Any] = to_plain(release)
    return {key: plain[key] for key in plain if key not in ("evidence", "gates", "policy")}


def _message(call: Invocation, ending: Ending, answer: Mapping[str, Any]) -> str:
    """What was seen first; last the outcome and its cause, what serves now, and what to do."""
    by_playbooks = not call.params.get("services")
    release = ending.release
    service = f"{release.service}: " if release else ""
    cause = ending.reason.rstrip(".")
    lines = [*_evidence_lines(answer["evidence"], cause), f"{service}{_head(ending)}: {cause}."]
    if release is not None and ending.outcome is not Outcome.REFUSED:
        lines += [serves_now(ending.outcome, release, ending.fleet), next_step(ending.outcome, release, by_playbooks)]
    elif ending.outcome is Outcome.SUPERSEDED:
        # The lease was lost: what this run saw last may not be so any more.
        lines += ["Now the other controller decides what serves.", _who_works(call.params.get("service"), by_playbooks)]
    return "\n".join(line for line in lines if line)


def _evidence_lines(evidence: Mapping[str, Any], reason: str) -> list[str]:
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


def serves_now(outcome: Outcome | None, release: Release, fleet: Fleet | None = None) -> str:
    """Who has the traffic at the end: as the last look saw it, or, without one, where the outcome alone decides it."""
    if fleet is not None:
        return _in_place_serves(release, fleet) if release.in_place else _traffic_serves(release, fleet)
    if outcome in RETURNED and not release.first:
        if release.in_place:
            return f"Now {_short(release.stable_task_definition)}, the version before, serves on {release.live}."
        return f"Now {release.live} serves all traffic with the version before."
    return ""


def _in_place_serves(release: Release, fleet: Fleet) -> str:
    state = fleet.state(release.live)
    running, before = state.task_definition, release.stable_task_definition
    if not state.running:
        return f"Now no task of {release.live} runs: {state}."
    version = _short(running) + (", the version before," if running == before != release.task_definition else "")
    if state.settled:
        return f"Now {version} serves on {release.live}."
    return f"Now {release.live} still changes to {version.rstrip(',')}: {state}."


def _traffic_serves(release: Release, fleet: Fleet) -> str:
    down = unserved(fleet)
    if release.first and not fleet.state(release.candidate).healthy:
        return "Now no version serves: there is none before this one."
    if fleet.is_at(release.stable_weights) and not release.first:
        return (
            f"Now {release.live} has all traffic, and {down}."
            if down
            else f"Now {release.live} serves all traffic with the version before."
        )
    return f"Now the traffic is {fleet.traffic}; {release.candidate} runs {release.label}" + (
        f". {down}." if down else "."
    )


def _short(task_definition: str) -> str:
    """family:revision of an ARN."""
    return task_definition.rpartition("/")[2]


def next_step(outcome: Outcome | None, release: Release, by_playbooks: bool = True) -> str:
    """What to do: by playbook, or by module where the services are not the playbooks'."""
    service = release.service
    if outcome is Outcome.SUPERSEDED:
        return _who_works(service, by_playbooks)
    again, back, story = (
        "pear.fargate.bluegreen_cutover",
        "pear.fargate.bluegreen_rollback",
        "pear.fargate.release_report",
    )
    if by_playbooks:
        again, back = f"playbooks/release.yml -l {service}", f"playbooks/rollback.yml -l {service}"
        story = f"playbooks/report.yml -l {service} -e report_of={release.id}"
    else:
        story = f"{story} with release {release.id}"
    if outcome is Outcome.INTERRUPTED and release.kind is Kind.ROLLBACK:
        return f"Next: {back} again. What was seen: {story}"
    if outcome is Outcome.INTERRUPTED and release.outcome is None:
        # Left as it is: another run goes on with it.
        return f"Next: {again} with the same version to go on, or {back}."
    if outcome is Outcome.INTERRUPTED:
        return f"Next: {again} begins again; {back} where another version has to serve. What was seen: {story}"
    return f"Next: correct it and release again. What was seen: {story}"


def _who_works(service: str | None, by_playbooks: bool) -> str:
    limit = f" -l {service}" if service else ""
    return f"Next: {f'playbooks/status.yml{limit}' if by_playbooks else 'pear.fargate.bluegreen_info'} shows who works on it."


def _head(ending: Ending) -> str:
    outcome = ending.outcome or Outcome.INTERRUPTED
    if outcome not in RETURNED or ending.release is None:
        return _HEADS[outcome]
    return _HEADS[outcome] + (", there is no version before it" if ending.release.first else "")


def _write_report(call: Invocation, ending: Ending, answer: Mapping[str, Any], file: ReportFile) -> None:
    """Each file that is asked for, also where another one fails."""
    failures = []
    for path in call.params.get("report") or []:
        target = Path(path).expanduser()
        try:
            write(target, file.content(path, ending, answer))
        except (OSError, Failure) as cause:
            why = str(cause) if isinstance(cause, Failure) else f"{cause.strerror}. Name a path that can be written to."
            failures.append(f"{target}: {why}")
    if failures:
        raise Failure(
            f"It ended as {answer['outcome']} ({answer['reason']}), but its report could not be written to {'; '.join(failures)}",
            **answer,
        )
