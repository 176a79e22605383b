# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop of a release: observe, decide, apply, wait; and how it takes up what another controller left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .ports import LeaseLostError, PortError, Ports
from .rollout import lease as leases
from .rollout.actions import (
    CancelScaleIn,
    Collect,
    Decision,
    Done,
    Prove,
    Record,
    Register,
    ScaleIn,
    ScheduleScaleIn,
    Shift,
    Stage,
    Stop,
    Wait,
)
from .rollout.begin import Order, Refused, ReturnOrder, Unchanged, begin_deploy, begin_rollback
from .rollout.decide import decide
from .rollout.history import unfinished
from .rollout.lease import Held, Lease
from .rollout.model import Fleet, Kind, Observed, Outcome, Phase, Readings, Release, Wish, WishKind

TRIES = 5
BACKOFF_SECONDS = 1.0
LATE_WRITE_SECONDS = 5.0


@dataclass(frozen=True)
class Ending:
    """How a run ended. Without an outcome nothing had to be done."""

    outcome: Outcome | None
    reason: str
    release: Release | None = None
    changed: bool = False


class Controller:
    """Runs one release or rollback of one service; the ledger makes sure that no other one writes meanwhile."""

    def __init__(self, ports: Ports, owner: str) -> None:
        self.ports = ports
        self.owner = owner
        self.interruption: str | None = None
        self._lease: Lease | None = None
        self._said = ""

    def interrupt(self, reason: str) -> None:
        """Ask for an orderly end from a signal handler: traffic goes home, then the run ends as interrupted."""
        self.interruption = reason

    # --- what can be asked for ---

    def deploy(self, order: Order, preflight: Callable[[Fleet], Sequence[str]] = lambda fleet: ()) -> Ending:
        """Make the order's image live. An unfinished release of the same is gone on with; another is brought home."""

        def start(fleet: Fleet, history: Sequence[Release], now: float) -> Release | Unchanged | Refused:
            begun = begin_deploy(order, fleet, history, now)
            if not isinstance(begun, Release):
                return begun
            findings = preflight(fleet)
            return Refused("nothing was changed: " + "; ".join(findings)) if findings else begun

        left = unfinished(self.ports.ledger.history())
        if left is None:
            # Looking comes before locking: what is live already costs no write.
            begun = start(self.ports.fleets.read(), self.ports.ledger.history(), self.ports.clock.now())
            if not isinstance(begun, Release):
                return _not_begun(begun)
        return self._under_lease(order.id, False, lambda: self._deploy(order, start))

    def _deploy(
        self, order: Order, start: Callable[[Fleet, Sequence[Release], float], Release | Unchanged | Refused]
    ) -> Ending:
        left = unfinished(self.ports.ledger.history())
        if left is not None:
            same = left.kind is Kind.DEPLOY and left.fingerprint == order.fingerprint and left.outcome is None
            if same and left.phase is not Phase.RETURNING:
                self.ports.progress.line(
                    f"going on with release {left.id}, left by {left.by} in its {left.phase} phase"
                )
                return self._run(left)
            self._settle(left, f"release {order.id} of {order.by} takes its place")
        return self._start(start)

    def rollback(self, order: ReturnOrder) -> Ending:
        """Return traffic: out of a release under way to its live colour, otherwise to the last good release."""
        return self._under_lease(order.id, True, lambda: self._rollback(order))

    def _rollback(self, order: ReturnOrder) -> Ending:
        left = unfinished(self.ports.ledger.history())
        if left is not None and left.outcome is None and left.kind is Kind.DEPLOY and order.named is None:
            ended = self._settle(left, f"rollback {order.id} of {order.by}")
            home = ended.outcome is Outcome.SUPERSEDED
            outcome = Outcome.SUCCEEDED if home else ended.outcome
            return Ending(outcome, f"release {left.id} was stopped: {ended.reason}", ended, changed=True)
        if left is not None:
            self._settle(left, f"rollback {order.id} of {order.by}")
        return self._start(lambda fleet, history, now: begin_rollback(order, fleet, history, now))

    # --- lease ---

    def _under_lease(self, release_id: str, force: bool, work: Callable[[], Ending]) -> Ending:
        ledger, now = self.ports.ledger, self.ports.clock.now()
        service_claim = leases.Claim(ledger.service, self.owner, release_id, force)
        answer = leases.take(ledger.lease(), service_claim, now)
        if isinstance(answer, Held):
            return Ending(Outcome.REFUSED, answer.reason)
        if not ledger.take(answer.lease, answer.over):
            return Ending(Outcome.REFUSED, "another controller took the lease in this very moment: run it again")
        self._lease = answer.lease
        self.ports.progress.line(answer.reason)
        try:
            ending = work()
            if answer.from_living:
                self._await_late_writes(ending.release)
        except LeaseLostError:
            return Ending(Outcome.SUPERSEDED, "another controller took the lease: this one left without a write")
        self._give_back()
        return ending

    def _await_late_writes(self, release: Release | None) -> None:
        """A controller that was overtaken between its renewal and its write may still move traffic once: undo that."""
        if release is None:
            return
        wanted = release.goal if release.outcome is Outcome.SUCCEEDED else release.home
        until = self.ports.clock.now() + LATE_WRITE_SECONDS
        while self.ports.clock.now() < until:
            fleet = self.ports.fleets.read()
            colour = wanted.leader
            if fleet.weights != wanted and colour and fleet.side(colour).healthy >= release.policy.minimum_healthy:
                self.ports.progress.line(f"a late write of the overtaken controller set {fleet.weights}: undone")
                self._renew()
                self.ports.traffic.shift(wanted)
            self.ports.clock.sleep(1.0)

    def _give_back(self) -> None:
        if self._lease is None:
            return
        try:
            self.ports.ledger.renew(leases.give_back(self._lease, self.ports.clock.now()))
        except LeaseLostError:
            self.ports.progress.line("the lease had been taken over before it was given back")

    def _renew(self) -> None:
        """Every write comes after this: it fails for a controller whose lease another one has taken."""
        if self._lease is None:
            raise LeaseLostError
        self._lease = leases.renew(self._lease, self.ports.clock.now())
        self.ports.ledger.renew(self._lease)

    # --- the loop ---

    def _start(self, start: Callable[[Fleet, Sequence[Release], float], Release | Unchanged | Refused]) -> Ending:
        ports = self.ports
        begun = start(ports.fleets.read(), ports.ledger.history(), ports.clock.now())
        if not isinstance(begun, Release):
            return _not_begun(begun)
        self._save(begun)
        return self._run(begun)

    def _settle(self, left: Release, reason: str) -> Release:
        """Bring a release that is not ours to its end: traffic home, evidence kept, outcome recorded."""
        self.ports.progress.line(f"release {left.id} of {left.by} was left unfinished: bringing it to its end")
        stop = Wish(left.id, WishKind.ABORT, left.step, self.owner, Outcome.SUPERSEDED, reason)
        ending = self._run(left, stop)
        return ending.release or left

    def _run(self, release: Release, stop: Wish | None = None) -> Ending:
        failures = 0
        while True:
            try:
                now = self.ports.clock.now()
                decision = decide(self._observe(release, stop, now), release, now)
                self._say(release, decision)
                if isinstance(decision.action, (Done, Stop)):
                    outcome = decision.action.outcome if isinstance(decision.action, Done) else Outcome.SUPERSEDED
                    return Ending(outcome, decision.reason, release, changed=True)
                release = self._apply(decision)
                failures = 0
            except PortError as failure:
                failures += 1
                self.ports.progress.line(f"{failure} (failure {failures} in a row)")
                if failures < TRIES and failure.transient:
                    self.ports.clock.sleep(BACKOFF_SECONDS * 2 ** (failures - 1))
                elif stop is None and release.phase is not Phase.RETURNING and release.outcome is None:
                    failures = 0
                    stop = Wish(release.id, WishKind.ABORT, release.step, "a failed call", reason=str(failure))
                else:
                    raise

    def _observe(self, release: Release, stop: Wish | None, now: float) -> Observed:
        ports = self.ports
        self._keep_lease(now)
        fleet = ports.fleets.read()
        shifting = release.outcome is None and release.phase in (Phase.SHIFTING, Phase.BAKING)
        exposed = shifting and release.kind is Kind.DEPLOY
        if stop is None and self.interruption is not None:
            stop = Wish(release.id, WishKind.ABORT, release.step, "a signal", reason=self.interruption)
        return Observed(
            fleet=fleet,
            readings=ports.judges.readings(release, fleet, now) if exposed and stop is None else Readings(),
            wish=stop or (ports.ledger.wish() if release.outcome is None and release.kind is Kind.DEPLOY else None),
            probe=ports.judges.probe(release) if exposed and fleet.weights == release.goal and stop is None else None,
        )

    def _keep_lease(self, now: float) -> None:
        if self._lease is None or now > self._lease.expires_at - leases.SECONDS / 2:
            self._renew()

    def _say(self, release: Release, decision: Decision) -> None:
        text = f"{release.service}: {decision.reason}"
        if isinstance(decision.action, Wait):
            self.ports.progress.heartbeat(text)
        elif text != self._said:
            self.ports.progress.line(text)
            self._said = text

    def _apply(self, decision: Decision) -> Release:
        ports, action, release = self.ports, decision.action, decision.release
        if isinstance(action, Wait):
            ports.clock.sleep(action.seconds)
            return release
        if isinstance(action, Record):
            return self._save(release)
        self._renew()
        match action:
            case Shift():
                ports.traffic.shift(action.weights)
            case Stage() | ScaleIn() | ScheduleScaleIn() | CancelScaleIn():
                ports.fleets.apply(action)
            case Register():
                return self._save(replace(release, task_definition=ports.fleets.register(release)))
            case Prove():
                verdict = ports.judges.prove(release, action.check)
                return self._save(replace(release, proofs={**release.proofs, action.check: verdict}))
            case Collect():
                evidence = ports.judges.collect(release, ports.fleets.read())
                return self._save(replace(release, evidence=evidence))
        return release

    def _save(self, release: Release) -> Release:
        if self._lease is None:
            raise LeaseLostError
        self.ports.ledger.save(release, self._lease)
        return release


def _not_begun(begun: Unchanged | Refused) -> Ending:
    return Ending(Outcome.REFUSED if isinstance(begun, Refused) else None, begun.reason)
