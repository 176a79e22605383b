# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A triage as one screen, as plain data, and as an incident note in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..common.text import one_line
from ..rollout.lease import clock_time
from .findings import State, Verdict
from .triage import Report

_EVIDENCE_SHOWN = 4
_CAUSES_SHOWN = 3
_WHY_SHOWN = 3
_LINE = 220
_FENCE = "```"


def screen(report: Report) -> list[str]:
    """Lines for a person: as much as fits on a screen. All of it is in the data."""
    lines = [
        f"{report.service} in {report.environment}, {clock_time(report.at)}, the last {report.minutes} minutes",
        f"  {report.headline}",
        "",
    ]
    width = max(len(verdict.check) for verdict in report.verdicts)
    for verdict in report.verdicts:
        lines.append(f"  {verdict.check:{width}}  {verdict.state:7}  {verdict.why}")
        shown = verdict.evidence if verdict.state is State.PROBLEM else verdict.evidence[: _EVIDENCE_SHOWN // 2]
        lines += [f"  {'':{width}}           {line}" for line in shown[:_EVIDENCE_SHOWN]]
    if report.alarms:
        lines += ["", f"  alarms: {'; '.join(report.alarms)}"]
    if report.causes:
        lines += ["", "  likely causes"]
        for number, cause in enumerate(report.causes[:_CAUSES_SHOWN], 1):
            lines.append(f"  {number}. {cause.cause}")
            lines += [f"     {line}" for line in cause.why[:_WHY_SHOWN]]
    if report.next:
        lines += ["", f"  next: {report.next}"]
        lines += [f"        {report.advice}"] if report.advice else []
    return [one_line(line, _LINE).rstrip() for line in lines]


def as_data(report: Report) -> dict[str, Any]:
    """The whole report as results and JSON hold it."""
    return {
        "service": report.service,
        "environment": report.environment,
        "at": clock_time(report.at),
        "minutes": report.minutes,
        "state": str(report.state),
        "headline": report.headline,
        "checks": [
            {
                "check": verdict.check,
                "state": str(verdict.state),
                "why": verdict.why,
                "evidence": list(verdict.evidence),
            }
            for verdict in report.verdicts
        ],
        "causes": [
            {
                "cause": cause.cause,
                "score": cause.score,
                "why": list(cause.why),
                "command": cause.command,
                "advice": cause.advice,
            }
            for cause in report.causes
        ],
        "alarms": list(report.alarms),
        "next": report.next,
        "advice": report.advice,
    }


def note(report: Report) -> str:
    """An incident note in Markdown: what was known at this moment, to be continued by whoever handles the incident."""
    return "\n".join(_note(report)) + "\n"


def _note(report: Report) -> Iterator[str]:
    yield f"# {report.service} in {report.environment}: {report.headline}"
    yield ""
    yield f"Triage at {clock_time(report.at)} over the last {report.minutes} minutes."
    yield ""
    yield "| check | verdict | why |"
    yield "|---|---|---|"
    for verdict in report.verdicts:
        yield f"| {verdict.check} | {verdict.state} | {_cell(verdict.why)} |"
    for alarm in report.alarms:
        yield f"| alarm | firing | {_cell(alarm)} |"
    yield from _note_causes(report)
    yield from _note_evidence(report.verdicts)
    yield ""
    yield "## Timeline"
    yield ""
    yield f"* {clock_time(report.at)} triage: {report.headline}"


def _note_causes(report: Report) -> Iterator[str]:
    yield ""
    yield "## Likely causes"
    yield ""
    if not report.causes:
        yield "None found."
    for number, cause in enumerate(report.causes, 1):
        yield f"{number}. {cause.cause}"
        for sentence in cause.why:
            yield f"   * {one_line(sentence)}"
    if report.next:
        yield ""
        yield "Next" + (f" ({report.advice}):" if report.advice else ":")
        yield ""
        yield f"{_FENCE}bash"
        yield report.next
        yield _FENCE


def _note_evidence(verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    yield ""
    yield "## Evidence"
    for verdict in verdicts:
        if verdict.evidence:
            yield ""
            yield f"{verdict.check}:"
            yield ""
            # A log line may hold anything, so it is no Markdown.
            yield f"{_FENCE}text"
            yield from (one_line(line).replace(_FENCE, "'''") for line in verdict.evidence)
            yield _FENCE


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
