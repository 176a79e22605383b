# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the controller for a module: its ports onto AWS, signals, and what a failed call leaves."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.operator import operator
from ..rollout.model import Outcome
from ..service.location import ListenerPort, ServiceLocation
from ..service.specification import Specification
from .controller import Controller
from .journal import Journal
from .judges import CloudJudges
from .ledger import DynamoLedger
from .loop import Ending
from .metrics import MetricOptions, Metrics
from .notices import Sender
from .notifier import Notifier
from .options import GATES, filled, token
from .ports import Notices, NoTopics, PortError, Ports, Progress, ReadDeadline
from .providers.fleet import ServiceFleet
from .providers.service_provider import ServiceProvider
from .recorded import RecordedJudges, RecordedProgress, RecordedProvider
from .smoke import Endpoint


def ports(
    call: Invocation, location: ServiceLocation, spec: Specification | None = None, in_place: bool = False
) -> Ports:
    """The controller's ports onto AWS. A rollback has no specification."""
    # Neither a call nor a look of several calls may take longer than the lease lasts between two renewals.
    deadline = ReadDeadline()
    aws = call.aws.quick(lambda: call.clock.now() <= deadline.until)
    journal = Journal()
    progress = RecordedProgress(call.progress, journal, call.clock)
    provider = ServiceProvider(ServiceFleet(aws, location, progress, spec, clock=call.clock), in_place)
    gates = filled(call.params.get("gates") or {}, GATES)
    judges = CloudJudges(
        aws,
        location,
        Metrics(aws, location, MetricOptions.of(gates)),
        call.clock,
        progress,
        _endpoint(call, location, location.listener_port),
        {check["name"]: check for check in call.params.get("checks") or []},
        call.params.get("version_probe"),
        spec.network() if spec else {},
        provider.narrator.evidence,
        _endpoint(call, location, location.test_listener_port),
    )
    return Ports(
        RecordedProvider(provider, journal, call.clock),
        RecordedJudges(judges, journal, call.clock),
        # Traffic returns within a minute of its loss: a call that is not answered is given up sooner than others.
        DynamoLedger(call.aws.brief(), location.ledger, location.service, journal),
        call.clock,
        progress,
        _notices(call, location, progress),
        deadline,
    )


def _notices(call: Invocation, location: ServiceLocation, progress: Progress) -> Notices:
    topics = call.params.get("release_topics") or []
    if not topics:
        return NoTopics()
    sender = Sender(
        location.environment or location.cluster,
        tuple(topics),
        call.params.get("report_url") or "",
        by_playbooks=not call.params.get("services"),
    )
    return Notifier(call.aws, sender, call.clock, progress)


def _endpoint(call: Invocation, location: ServiceLocation, listener: ListenerPort) -> Endpoint:
    verify = call.params.get("verify_tls", True)
    return Endpoint(location.load_balancer_host, location.host, verify, listener.port, listener.tls)


def run_controller(call: Invocation, controller: Controller, work: Callable[[], Ending]) -> Ending:
    """Run a release or a rollback; SIGINT and SIGTERM ask for an orderly end."""
    with _signals(controller):
        try:
            return work()
        except PortError as failed:
            stopped = (
                "The ledger holds where this stopped: run the same playbook again to go on, or playbooks/rollback.yml."
            )
            began = controller.loop.has_saved
            raise Failure(
                f"{failed} {stopped if began else 'No release was begun: run the same playbook again once that is mended.'}",
                outcome=str(Outcome.INTERRUPTED),
            ) from failed


def lease_owner(call: Invocation) -> str:
    """One run of one person: two runs of the same person are two owners."""
    return f"{operator(call.params)} [{token()}]"


@contextmanager
def _signals(controller: Controller) -> Iterator[None]:
    """The controller returns traffic, or holds, before it leaves."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        controller.interrupt(f"interrupted by {signal.Signals(number).name}")

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
