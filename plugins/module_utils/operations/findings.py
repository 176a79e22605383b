# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a triage finds: a verdict for each check, and the symptoms that the causes are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


_ORDER = list(State)


class Symptom(StrEnum):
    """What is observed, apart from why."""

    ERRORS = "errors"
    ERRORS_SINCE_RELEASE = "errors_since_release"
    ERRORS_OF_NEW_COLOUR = "errors_of_new_colour"
    ERRORS_WITH_LOAD = "errors_with_load"
    BALANCER_ERRORS = "balancer_errors"
    NO_REQUESTS = "no_requests"
    NOT_REACHED = "not_reached"
    SLOW = "slow"
    SLOW_SINCE_RELEASE = "slow_since_release"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_EXPIRES = "certificate_expires"
    NO_HEALTHY_TARGET = "no_healthy_target"
    TASKS_MISSING = "tasks_missing"
    CRASHES = "crashes"
    CRASHES_OF_RELEASE = "crashes_of_release"
    TASK_KILLED = "task_killed"
    ZONE_LOST = "zone_lost"
    OUT_OF_MEMORY = "out_of_memory"
    IMAGE_NOT_PULLED = "image_not_pulled"
    SECRETS_NOT_READ = "secrets_not_read"
    VOLUME_NOT_MOUNTED = "volume_not_mounted"
    NOT_PLACED = "not_placed"
    NO_ANSWER_TO_HEALTH_CHECK = "no_answer_to_health_check"
    BAD_ANSWER_TO_HEALTH_CHECK = "bad_answer_to_health_check"
    STOPPED_WHILE_STARTING = "stopped_while_starting"
    STILL_STARTING = "still_starting"
    LISTENS_ELSEWHERE = "listens_elsewhere"
    UNHEALTHY_OF_RELEASE = "unhealthy_of_release"
    CHANGED = "changed"
    WAY_BACK = "way_back"
    RELEASE_LOST = "release_lost"
    RELEASE_FAILED = "release_failed"
    DISAGREEMENT = "disagreement"
    CPU_HIGH = "cpu_high"
    MEMORY_HIGH = "memory_high"
    MEMORY_RISING = "memory_rising"
    AT_MAXIMUM = "at_maximum"
    FILES_AT_IO_LIMIT = "files_at_io_limit"
    FILES_WITHOUT_CREDITS = "files_without_credits"
    DATABASE_BUSY = "database_busy"
    DATABASE_FULL = "database_full"
    ERROR_LINES = "error_lines"
    ONE_ROUTE = "one_route"
    FAULTY_TRACES = "faulty_traces"
    DEPENDENCY_SLOW = "dependency_slow"
    DEPENDENCY_FAILS = "dependency_fails"
    THROTTLED = "throttled"


@dataclass(frozen=True)
class Verdict:
    """What one check says: its state, why in a sentence, and the evidence with numbers and times."""

    check: str
    state: State
    why: str
    evidence: tuple[str, ...] = ()


@dataclass
class Findings:
    """Grows while a check is judged: the worst of its sentences becomes the verdict, the others its evidence."""

    check: str
    sentences: list[tuple[State, str]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    symptoms: dict[Symptom, str] = field(default_factory=dict)

    def say(self, state: State, sentence: str, *symptoms: Symptom) -> None:
        self.sentences.append((state, sentence))
        self.show(sentence, *symptoms)

    def show(self, sentence: str, *symptoms: Symptom) -> None:
        """A symptom that alone is nothing bad."""
        for symptom in symptoms:
            self.symptoms.setdefault(symptom, sentence)

    def verdict(self) -> Verdict:
        state = max((state for state, _sentence in self.sentences), key=_ORDER.index, default=State.OK)
        worst = next((sentence for found, sentence in self.sentences if found is state), "")
        others = [sentence for _state, sentence in self.sentences]
        sentences = dict.fromkeys([*others, *self.evidence])
        return Verdict(self.check, state, worst, tuple(sentence for sentence in sentences if sentence != worst))


def worst(states: Iterable[State]) -> State:
    return max(states, key=_ORDER.index, default=State.OK)


def at(moment: float) -> str:
    """The time of day: what a triage speaks of is minutes ago."""
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}Z"


def age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"


def many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
