# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict of an experiment, and its report as data and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..rollout.model import Outcome
from .experiments import CALLS, Experiment


@dataclass(frozen=True)
class Watched:
    """What happened after the fault began, in seconds since then; None for what did not happen."""

    know_seconds: float | None = None
    cause_seconds: float | None = None
    cause: str = ""
    # Every alarm that fired, by kind, with the seconds until it did.
    alarms: Mapping[str, float] = field(default_factory=dict)
    aborted_by: str = ""
    refusal: str = ""
    # Of the release that was refused.
    outcome: str = ""


@dataclass(frozen=True)
class Mended:
    """How it ended, in seconds since the fault began."""

    mended_seconds: float | None = None
    quiet_seconds: float | None = None
    left: str = ""


def is_judged(outcome: str) -> bool:
    """Whether a release came to an end by what its version did. One that never began says nothing of the version."""
    return outcome in (Outcome.ROLLED_BACK, Outcome.FAILED)


def problems(experiment: Experiment, deadline_seconds: float, watched: Watched, mended: Mended) -> list[str]:
    """A sentence for each way in which the experiment differs from what must be."""
    found = []
    if watched.refusal and not (experiment.refused and is_judged(watched.outcome)):
        if experiment.fault == CALLS:
            return [f"the release did not go through: {watched.refusal}"]
        return [f"nothing was broken, as the release failed: {watched.refusal}"]
    if watched.aborted_by:
        found.append(f"the abort condition {watched.aborted_by} fired, and the experiment was ended")
    elif experiment.refused and not watched.refusal:
        found.append("the release of the bad version succeeded, and should have been refused")
    elif experiment.is_quiet and watched.alarms:
        found.append(f"no alarm should have fired; {', '.join(watched.alarms)} did")
    elif experiment.alarm and watched.know_seconds is None:
        found.append(f"the alarm {' or '.join(experiment.noticed_by)} did not fire within {deadline_seconds:.0f} s")
    # A version that was not refused is no case for what the triage says of one that was.
    asked = not watched.aborted_by and (watched.refusal or not experiment.refused)
    if asked and watched.cause_seconds is None:
        right = "nothing" if experiment.or_no_cause else repr(experiment.causes[0])
        found.append(f"the triage said {watched.cause or 'nothing'!r}, and should have said {right}")
    if mended.quiet_seconds is None:
        found.append(f"the service did not become steady again: {mended.left}")
    return found


def as_data(experiment: Experiment, watched: Watched, mended: Mended, found: Sequence[str]) -> dict[str, Any]:
    return {
        "experiment": experiment.as_dict(),
        "succeeded": not found,
        "problems": list(found),
        **vars(watched),
        "alarms": dict(watched.alarms),
        **vars(mended),
    }


def markdown(experiment: Experiment, watched: Watched, mended: Mended, found: Sequence[str]) -> str:
    """The report for people."""
    lines = [
        f"# {experiment.name}: {'failed' if found else 'as expected'}",
        "",
        experiment.hypothesis,
        "",
        f"* Blast radius: {experiment.blast_radius}.",
        f"* Must notice: {_must_notice(experiment)}.",
        f"* Noticed after: {shown(watched.know_seconds)}.",
        f"* Cause after: {shown(watched.cause_seconds)}: {watched.cause or 'none named'}.",
        f"* Mended after: {shown(mended.mended_seconds)}; steady after: {shown(mended.quiet_seconds)}.",
        f"* Alarms: {', '.join(f'{kind} after {shown(at)}' for kind, at in watched.alarms.items()) or 'none'}.",
    ]
    if watched.refusal:
        lines.append(f"* The release said: {watched.refusal}")
    return "\n".join(
        [*lines, *(["", "Not as expected:", ""] if found else []), *(f"* {problem}" for problem in found), ""]
    )


def moments(experiment: Experiment, began: float, watched: Watched, mended: Mended) -> list[tuple[float, str]]:
    """What happened when, oldest first."""
    found = [(began, f"{experiment.name} began")]
    found += [(began + at, f"alarm {kind} fired") for kind, at in watched.alarms.items()]
    if watched.refusal:
        found.append((began + (watched.know_seconds or 0.0), f"the release said: {watched.refusal}"))
    if watched.cause_seconds is not None:
        found.append((began + watched.cause_seconds, f"the triage said: {watched.cause or 'no cause'}"))
    if mended.mended_seconds is not None:
        found.append((began + mended.mended_seconds, "what was broken is mended"))
    if mended.quiet_seconds is not None:
        found.append((began + mended.quiet_seconds, "the service is steady again"))
    return sorted(found, key=lambda happened: happened[0])


def details(experiment: Experiment, watched: Watched, mended: Mended) -> dict[str, str]:
    """What the report says of it, by name."""
    return {
        "hypothesis": experiment.hypothesis,
        "blast radius": experiment.blast_radius,
        "ended at once by": experiment.abort_alarm or "no alarm",
        "must notice": _must_notice(experiment),
        "noticed after": shown(watched.know_seconds),
        "cause after": f"{shown(watched.cause_seconds)}: {watched.cause or 'none named'}",
        "mended after": shown(mended.mended_seconds),
        "steady after": shown(mended.quiet_seconds),
    }


def _must_notice(experiment: Experiment) -> str:
    return " or ".join(experiment.noticed_by) or ("the release itself" if experiment.refused else "no alarm")


def shown(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"
