# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blue/green on AWS: what a module was asked for, handed to the controller; how it ended, as the task's result."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.operator import operator
from ..rollout.model import Outcome, Release
from ..rollout.record import to_plain
from ..service.location import NotProvisionedError, ServiceLocation, locate
from ..service.specification import Specification
from .controller import Controller, Ending
from .judges import CloudJudges
from .ledger import DynamoLedger
from .metrics import MetricOptions, Metrics
from .options import GATES, filled, order, return_order, token
from .ports import PortError, Ports
from .prediction import predicted, predicted_first
from .preflight import preflight
from .providers.listener import ListenerFleets, ListenerTraffic
from .smoke import Endpoint

# What a message tells of the evidence; all of it is in the result, in the ledger and in the report.
_LINES_TOLD = 12


def cutover(call: Invocation, stage_only: bool = False) -> dict[str, Any]:
    """Make an image live by shifting traffic to it; Failure with the same keys where it is not what serves."""
    spec = Specification(call.params, call.aws.region)
    wanted = order(call.params, spec, call.clock.now())
    try:
        location = locate(call.aws, call.params["environment"], spec.service, call.params["listener_arn"])
    except NotProvisionedError as missing:
        if call.check_mode:
            return predicted_first(call, spec, wanted, str(missing))
        raise
    ports = _ports(call, location, spec)
    if call.check_mode:
        return predicted(call, ports, spec, wanted, partial(preflight, call, location, spec, wanted))
    controller = Controller(ports, _owner(call), stage_only)
    # Asked before the lease is taken and again under it: what it finds does not change that fast.
    findings = cache(lambda fleet: tuple(preflight(call, location, spec, wanted, fleet)))
    with _signals(controller):
        ending = _asked(lambda: controller.deploy(wanted, findings))
    return _result(call, ports, ending)


def stage(call: Invocation) -> dict[str, Any]:
    """Bring an image up beside the live one, prove it, and leave it without traffic for a cutover to go on with."""
    return cutover(call, stage_only=True)


def rollback(call: Invocation) -> dict[str, Any]:
    """Return traffic: out of a release under way, or to the last good release."""
    location = locate(call.aws, call.params["environment"], call.params["service"])
    ports = _ports(call, location, None)
    wanted = return_order(call.params, call.clock.now())
    if call.check_mode:
        return predicted(call, ports, None, wanted)
    controller = Controller(ports, _owner(call))
    with _signals(controller):
        ending = _asked(lambda: controller.rollback(wanted))
    return _result(call, ports, ending)


def _owner(call: Invocation) -> str:
    """One run of one person: two runs of the same person are two owners."""
    return f"{operator(call.params)} [{token()}]"


def _ports(call: Invocation, location: ServiceLocation, spec: Specification | None) -> Ports:
    gates = filled(call.params.get("gates") or {}, GATES)
    verify = call.params.get("verify_tls", True)
    hosts = location.production.conditions.hosts
    host = hosts[0].replace("*", "pear") if hosts else location.load_balancer_host
    judges = CloudJudges(
        call.aws,
        location,
        Metrics(call.aws, location, MetricOptions.of(gates)),
        call.clock,
        call.progress,
        Endpoint(location.load_balancer_host, host, verify),
        {one["name"]: one for one in call.params.get("checks") or []},
        call.params.get("version_probe"),
        spec.network() if spec else {},
    )
    ledger = DynamoLedger(call.aws, location.ledger, location.service)
    fleets = ListenerFleets(call.aws, location, call.progress, spec)
    return Ports(fleets, ListenerTraffic(call.aws, location), judges, ledger, call.clock, call.progress)


def _asked(work: Callable[[], Ending]) -> Ending:
    try:
        return work()
    except PortError as failed:
        raise Failure(
            f"{failed} What the ledger holds says where this stopped: run the same playbook again to go on, or playbooks/rollback.yml.",
            outcome=str(Outcome.INTERRUPTED),
        ) from failed


@contextmanager
def _signals(controller: Controller) -> Iterator[None]:
    """SIGINT and SIGTERM ask for an orderly end: the controller returns traffic, or holds, before it leaves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        controller.interrupt(f"interrupted by {signal.Signals(number).name}")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _result(call: Invocation, ports: Ports, ending: Ending) -> dict[str, Any]:
    release = ending.release
    answer = {
        "changed": ending.changed,
        "outcome": str(ending.outcome) if ending.outcome else ("staged" if ending.changed else "unchanged"),
        "reason": ending.reason,
        "release": told(release) if release else None,
        "evidence": dict(release.evidence or {}) if release else {},
    }
    _report(call, answer)
    if ending.outcome in (None, Outcome.SUCCEEDED):
        return answer
    raise Failure(_message(ending, answer), **answer)


def told(release: Release) -> dict[str, Any]:
    """A release as results and playbooks show it."""
    plain: dict[str, Any] = to_plain(release)
    return {key: plain[key] for key in plain if key not in ("evidence", "gates", "policy")}


def _message(ending: Ending, answer: Mapping[str, Any]) -> str:
    """The outcome first, then the cause, then what was seen."""
    head = {
        Outcome.ROLLED_BACK: "rolled back, the version before serves",
        Outcome.SUPERSEDED: "superseded",
        Outcome.INCONCLUSIVE: "inconclusive, and so returned",
        Outcome.APPROVAL_EXPIRED: "nobody approved in time, and so returned",
        Outcome.INTERRUPTED: "interrupted",
        Outcome.REFUSED: "refused",
    }[ending.outcome or Outcome.INTERRUPTED]
    service = f"{ending.release.service}: " if ending.release else ""
    lines = [f"{service}{head}: {ending.reason}."]
    evidence = answer["evidence"]
    lines += [f"  {one}" for one in evidence.get("causes", [])]
    for task in evidence.get("tasks", [])[:1]:
        lines += [f"last log lines of {task['container']}, task {task['task'][:12]}:"]
        lines += [f"  {line}" for line in task["log_lines"]]
    if not evidence.get("tasks"):
        logs = evidence.get("logs", [])[-_LINES_TOLD:]
        lines += [*(["last log lines of the candidate:"] if logs else []), *(f"  {line}" for line in logs)]
    return "\n".join(lines)


def _report(call: Invocation, answer: Mapping[str, Any]) -> None:
    """The whole answer as a JSON file, where one is wanted; all at once, so that nobody reads half of it."""
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
