# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sixth check: what traces say. Faults of the service, and what it waits for. Pure."""

from __future__ import annotations

from ..aws.xray import Calls, ServiceNode
from .facts import Facts, Unread
from .findings import Findings, State, Symptom, many

NAME = "traces"
_FAULTS_PERCENT = 2.0
_ENOUGH = 3
# A dependency is slow where the service spends half of its time on it, and that is long for a user.
_HALF = 0.5
_LONG_SECONDS = 0.3
_SHOWN = 3


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    traces = facts.traces
    if isinstance(traces, Unread):
        found.say(State.UNKNOWN, traces.why)
        return found
    if traces.node is None:
        found.say(
            State.OK, f"tracing is not set up, or nothing was traced: X-Ray has no {facts.service} in these minutes"
        )
        return found
    calls = traces.node.calls
    percent = 100 * calls.faults / calls.count if calls.count else 0.0
    faulty = calls.faults >= _ENOUGH and percent > _FAULTS_PERCENT
    found.say(
        State.WARNING if faulty else State.OK,
        f"{calls.faults:,} of {many(calls.count, 'traced request')} failed, {calls.mean_seconds:.2f} s on average",
        *((Symptom.FAULTY_TRACES,) if faulty else ()),
    )
    for edge in sorted(traces.node.dependencies, key=lambda edge: -edge.seconds):
        _dependency(found, traces.node, edge)
    found.evidence += [f"failed: trace {trace}" for trace in traces.faulty[:_SHOWN]]
    return found


def _dependency(found: Findings, node: ServiceNode, edge: Calls) -> None:
    said = f"{edge.name}: {edge.mean_seconds:.2f} s on average of {many(edge.count, 'call')}"
    spent = edge.seconds / node.calls.seconds if node.calls.seconds else 0.0
    if edge.faults >= _ENOUGH and 100 * edge.faults / edge.count > _FAULTS_PERCENT:
        found.say(
            State.WARNING,
            f"{edge.name} answers {edge.faults:,} of {edge.count:,} calls with faults",
            Symptom.DEPENDENCY_FAILS,
        )
    elif edge.mean_seconds >= _LONG_SECONDS and spent >= _HALF:
        found.say(State.WARNING, f"{said}: {100 * spent:.0f} % of the time", Symptom.DEPENDENCY_SLOW)
    else:
        found.evidence.append(said)
