# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rolling release in the ledger: under the service's lease while it goes on, on record once it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..aws.errors import Failure
from ..aws.naming import EnvironmentNames
from ..common.clock import Clock
from ..common.invocation import Invocation
from ..common.operator import operator
from ..rollout.history import unfinished
from ..rollout.lease import Held
from ..rollout.model import Colour, Kind, Outcome, Phase, Plan, Release
from ..service.specification import Specification
from . import rolling
from .lease_holder import LeaseHolder
from .ledger import DynamoLedger
from .ledger_items import new_id
from .options import fingerprint, image_digest, token
from .ports import LeaseLostError, PortError, Progress

# ECS's own ends, in the words of the ledger. A release that ECS goes on with has not ended as far as anybody knows.
_OUTCOMES = {
    rolling.Outcome.SUCCEEDED: Outcome.SUCCEEDED,
    rolling.Outcome.ROLLED_BACK: Outcome.ROLLED_BACK,
    rolling.Outcome.FAILED: Outcome.ROLLED_BACK,
    rolling.Outcome.SUPERSEDED: Outcome.SUPERSEDED,
}


@dataclass(frozen=True)
class LeasePorts:
    ledger: DynamoLedger
    clock: Clock
    progress: Progress


@dataclass
class Recorder:
    """Writes how the release ended, once."""

    lease_holder: LeaseHolder
    ledger: DynamoLedger
    release: Release
    clock: Clock

    def ended(self, outcome: rolling.Outcome | None, reason: str, task_definition: str) -> None:
        ended = _OUTCOMES.get(outcome, Outcome.INTERRUPTED) if outcome else Outcome.INTERRUPTED
        done = replace(
            self.release,
            outcome=ended,
            reason=reason,
            task_definition=task_definition,
            ended_at=self.clock.now(),
            closed=True,
        )
        self.lease_holder.with_retries(lambda: self.ledger.save(done, self.lease_holder.lease))


@contextmanager
def on_record(call: Invocation, spec: Specification, colour: str) -> Iterator[Recorder]:
    """Hold the service's lease around a rolling release; Failure where another release is under way."""
    now = call.clock.now()
    ledger = DynamoLedger(call.aws, EnvironmentNames(call.params["environment"]).ledger, spec.service)
    release = Release(
        id=new_id(Kind.DEPLOY, now, token()),
        service=spec.service,
        kind=Kind.DEPLOY,
        digest=image_digest(call.params),
        fingerprint=fingerprint(spec),
        live=Colour(colour),
        candidate=Colour(colour),
        plan=Plan("rolling", ()),
        started_at=now,
        entered_at=now,
        by=operator(call.params),
        phase=Phase.SHIFTING,
    )
    lease_holder = LeaseHolder(LeasePorts(ledger, call.clock, call.progress), f"{release.by} [{token()}]")
    try:
        taken = lease_holder.take(release.id, force=False)
        if isinstance(taken, Held):
            raise Failure(f"refused: {taken.reason}.", outcome=str(Outcome.REFUSED))
        left = unfinished(ledger.history())
        if left is not None:
            lease_holder.give_back()
            raise Failure(
                f"refused: {left.kind} {left.id} of {left.by} has not ended. Go on with it by its own strategy, or bring traffic home "
                "with playbooks/rollback.yml first.",
                outcome=str(Outcome.REFUSED),
            )
        try:
            yield Recorder(lease_holder, ledger, release, call.clock)
        finally:
            lease_holder.give_back()
    except PortError as failed:
        raise Failure(str(failed)) from failed
    except LeaseLostError as lost:
        raise Failure("Another controller took the lease: a rollback, most likely. ECS goes on by itself.") from lost
