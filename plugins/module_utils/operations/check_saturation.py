# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fourth check: what is used up. CPU, memory, autoscaling, file systems, the database. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..rollout.model import Colour
from .facts import Facts, Saturation, Unread, Usage
from .findings import Findings, State, Symptom

NAME = "saturation"
_RECENT = 5
_CPU_PERCENT = 80.0
_MEMORY_PERCENT = 85.0
# Of the newest data points, so many must be above: a peak is no shortage.
_ABOVE = 3
_NEAR = 0.85
# A leak grows from third to third of the time in view, and by this much in all.
_RISING_POINTS = 10.0
_RISING_DATA = 9
_IO_LIMIT_PERCENT = 95.0
# Of the 2.1 TB that a file system begins with. https://docs.aws.amazon.com/efs/latest/ug/performance.html
_FEW_CREDITS_BYTES = 100e9
_FEW_STORAGE_BYTES = 2e9


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    saturation = facts.saturation
    if isinstance(saturation, Unread):
        found.say(State.UNKNOWN, saturation.why)
        return found
    measured = [colour for colour in Colour if saturation.cpu.get(colour, Usage()).points]
    if not measured:
        found.say(State.UNKNOWN, f"CloudWatch has no CPU and memory of it for the last {facts.minutes} minutes")
    serving = _serving(facts, measured)
    for colour in measured:
        if colour not in serving:
            _idle(found, colour, saturation)
            continue
        _share(found, colour, "CPU", saturation.cpu[colour], (_CPU_PERCENT, Symptom.CPU_HIGH))
        _share(found, colour, "memory", saturation.memory.get(colour, Usage()), (_MEMORY_PERCENT, Symptom.MEMORY_HIGH))
        _rising(found, colour, saturation.memory.get(colour, Usage()))
        _maximum(found, facts, saturation, colour)
    _files(found, saturation)
    _database(found, saturation)
    return found


def _serving(facts: Facts, measured: Sequence[Colour]) -> Sequence[Colour]:
    """The colours that users' requests are sent to; all of them where that is unknown, or none is."""
    if isinstance(facts.tasks, Unread):
        return measured
    return [tasks.colour for tasks in facts.tasks.colours if tasks.serves and tasks.colour in measured] or measured


def _idle(found: Findings, colour: Colour, saturation: Saturation) -> None:
    """A warm colour: after a rollback it may hold what its version leaked, and no user is served by it."""
    newest = (saturation.cpu.get(colour, Usage()).last(1), saturation.memory.get(colour, Usage()).last(1))
    shown = [f"{what} {values[0]:.0f} %" for what, values in zip(("CPU", "memory"), newest, strict=True) if values]
    found.evidence.append(f"{colour}, which gets no requests: {', '.join(shown)}")


def _share(found: Findings, colour: Colour, what: str, usage: Usage, limit: tuple[float, Symptom]) -> None:
    percent, symptom = limit
    recent = usage.last(_RECENT)
    if not recent:
        return
    mean, above = sum(recent) / len(recent), sum(value > percent for value in recent)
    sentence = (
        f"{colour}: {what} {mean:.0f} % on average of the newest {len(recent)} minutes, at most {max(recent):.0f} %"
    )
    if above >= min(_ABOVE, len(recent)):
        found.say(State.PROBLEM, f"{sentence} (limit {percent:.0f} %)", symptom)
    elif mean > _NEAR * percent:
        found.say(State.WARNING, f"{sentence}, near the limit of {percent:.0f} %")
    else:
        found.say(State.OK, sentence)


def _rising(found: Findings, colour: Colour, usage: Usage) -> None:
    values = [value for _time, value in usage.points]
    third = len(values) // 3
    if len(values) < _RISING_DATA:
        return
    first, middle, last = (_mean(part) for part in (values[:third], values[third:-third], values[-third:]))
    if first < middle < last and last - first >= _RISING_POINTS:
        found.say(
            State.WARNING,
            f"{colour}: memory grows without falling: {first:.0f} %, then {middle:.0f} %, then {last:.0f} %",
            Symptom.MEMORY_RISING,
        )


def _maximum(found: Findings, facts: Facts, saturation: Saturation, colour: Colour) -> None:
    bounds = saturation.bounds.get(colour)
    if bounds is None or isinstance(facts.tasks, Unread):
        return
    desired = next((tasks.desired for tasks in facts.tasks.colours if tasks.colour is colour), 0)
    if desired >= bounds.maximum > bounds.minimum:
        found.show(f"{colour}: autoscaling is at its maximum of {bounds.maximum} tasks", Symptom.AT_MAXIMUM)
        found.evidence.append(f"{colour}: autoscaling is at its maximum of {bounds.maximum} tasks")


def _files(found: Findings, saturation: Saturation) -> None:
    for file_system, usage in saturation.io_limit.items():
        recent = usage.last(_RECENT)
        if recent and _mean(recent) >= _IO_LIMIT_PERCENT:
            found.say(
                State.PROBLEM,
                f"file system {file_system} is at {_mean(recent):.0f} % of its limit of operations",
                Symptom.FILES_AT_IO_LIMIT,
            )
    for file_system, usage in saturation.burst_credits.items():
        recent = usage.last(1)
        if recent and recent[0] < _FEW_CREDITS_BYTES:
            found.say(
                State.WARNING,
                f"file system {file_system} has burst credits for {recent[0] / 1e9:.1f} GB left",
                Symptom.FILES_WITHOUT_CREDITS,
            )


def _database(found: Findings, saturation: Saturation) -> None:
    cpu, storage = saturation.database_cpu.last(_RECENT), saturation.database_storage.last(1)
    if cpu and sum(value > _CPU_PERCENT for value in cpu) >= min(_ABOVE, len(cpu)):
        found.say(State.PROBLEM, f"the database's CPU is at {_mean(cpu):.0f} %", Symptom.DATABASE_BUSY)
    elif cpu:
        found.evidence.append(f"database: CPU {_mean(cpu):.0f} %")
    if storage and storage[0] < _FEW_STORAGE_BYTES:
        found.say(State.PROBLEM, f"the database has {storage[0] / 1e9:.1f} GB of storage left", Symptom.DATABASE_FULL)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
