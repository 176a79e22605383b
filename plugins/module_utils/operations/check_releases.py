# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The third check: what was released, by whom, when, and where a rollback would go. Pure."""

from __future__ import annotations

from ..aws.ecs_states import short
from ..rollout.history import Target
from ..rollout.model import Outcome, Phase, Release
from ..rollout.who_acts import who_acts
from .facts import Facts, Releases, Unread
from .findings import Findings, State, Symptom, age, at

NAME = "releases"
_SHOWN = 3


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    releases = facts.releases
    if isinstance(releases, Unread):
        found.say(State.UNKNOWN, releases.why)
        _deployments(found, facts)
        return found
    newest = releases.newest
    if newest is None:
        found.say(State.OK, "no release is on record")
        return found
    _newest(found, facts, newest)
    if releases.under_way is not None:
        _under_way(found, releases, releases.under_way, facts.now)
    else:
        for sentence in releases.disagreements:
            found.say(State.WARNING, sentence, Symptom.DISAGREEMENT)
    found.evidence += [f"{record}. It is left alone" for record in releases.unreadable]
    found.evidence += [_line(release, facts.now) for release in releases.history[:_SHOWN]]
    _way_back(found, releases)
    return found


def _newest(found: Findings, facts: Facts, newest: Release) -> None:
    sentence = _line(newest, facts.now)
    if newest.outcome is Outcome.FAILED:
        found.say(State.PROBLEM, f"{sentence}: {newest.reason}", Symptom.RELEASE_FAILED)
    else:
        found.say(State.OK, sentence)
    if facts.changed_by is not None:
        found.show(sentence, Symptom.CHANGED)


def _under_way(found: Findings, releases: Releases, release: Release, now: float) -> None:
    held = releases.lease if releases.lease and not releases.lease.expired_for_others(now) else None
    controller, *waits = who_acts(release, held, now)
    if held is None:
        found.say(State.WARNING, f"{release.kind} {release.id} is {controller}", Symptom.RELEASE_LOST)
    else:
        found.evidence.append(controller)
    for sentence in waits:
        found.say(State.WARNING, sentence)


def _way_back(found: Findings, releases: Releases) -> None:
    """Whether rollback.yml would do something: end the release under way, or return to a good one."""
    release = releases.under_way
    if release is not None:
        if release.goes_forward and (not release.first or release.phase in (Phase.PREPARING, Phase.STAGING)):
            found.show(f"a rollback ends {release.id} and returns traffic", Symptom.WAY_BACK)
        return
    target = releases.rollback
    if isinstance(target, Target):
        objections = "".join(f"; {objection}" for objection in target.objections)
        sentence = f"a rollback returns to {target.release.label}{objections}"
        found.evidence.append(sentence)
        if not target.objections:
            found.show(sentence, Symptom.WAY_BACK)
    elif target:
        found.evidence.append(f"rollback: {target}")


def _line(release: Release, now: float) -> str:
    ended = (
        f"{release.outcome} {age(now - release.ended_at)} ago"
        if release.outcome and release.ended_at
        else release.phase
    )
    return f"{release.kind} {release.id} of {release.label} by {release.by}, began {at(release.started_at)}: {ended}"


def _deployments(found: Findings, facts: Facts) -> None:
    """Without the ledger, ECS still tells when which version was deployed."""
    if isinstance(facts.tasks, Unread):
        return
    for colour in facts.tasks.colours:
        for deployment in colour.service.deployments if colour.service else ():
            if deployment.created_at is not None:
                found.evidence.append(
                    f"{colour.colour}: ECS deployment of {short(deployment.task_definition)} began {at(deployment.created_at)}, "
                    f"{age(facts.now - deployment.created_at)} ago"
                )
