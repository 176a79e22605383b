# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the history of a service says: what is live, and what a rollback goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .model import Colour, Fleet, Kind, Outcome, Release


@dataclass(frozen=True)
class Target:
    """The release a rollback goes back to, the one it leaves, and what speaks against it."""

    release: Release
    leaves: Release
    objections: tuple[str, ...]


def good_releases(history: Sequence[Release]) -> list[Release]:
    """The stack of releases that lie under the live one, which is last.

    A success is laid on top; a rollback takes off what it went back over. So rolling back twice goes back two releases,
    and a release made after a rollback never has the bad one under it.
    """
    stack: list[Release] = []
    by_id = {release.id: release for release in history}
    for release in sorted(history, key=lambda one: (one.started_at, one.id)):
        if release.outcome is not Outcome.SUCCEEDED:
            continue
        if release.kind is Kind.DEPLOY:
            stack.append(release)
            continue
        ids = [one.id for one in stack]
        if release.target in ids:
            del stack[ids.index(release.target) + 1 :]
        elif release.target in by_id:
            stack.append(by_id[release.target])
    return stack


def rollback_target(history: Sequence[Release], named: str | None = None) -> Target | str:
    """The release to go back to, or the sentence that says why there is none."""
    stack = good_releases(history)
    if not stack:
        return "no release of this service has succeeded yet, so there is nothing to go back to"
    live = stack[-1]
    if named is None:
        if len(stack) < 2:
            return f"{live.id} is the only release of this service that succeeded: there is nothing before it"
        chosen = stack[-2]
    else:
        matching = [one for one in history if named in (one.id, one.digest) and one.kind is Kind.DEPLOY]
        good = [one for one in matching if one.outcome is Outcome.SUCCEEDED]
        if not good:
            known = ", ".join(one.id for one in reversed(stack[:-1])) or "none"
            return f"{named} is not a release of this service that succeeded; releases to go back to: {known}"
        chosen = good[-1]
        if chosen.id == live.id:
            return f"{chosen.id} is live already"
    return Target(chosen, live, _objections(history, chosen))


def _objections(history: Sequence[Release], chosen: Release) -> tuple[str, ...]:
    return tuple(
        f"release {one.id} after {chosen.id} was marked as a contract step of the database: "
        f"what ran before it may no longer understand the schema"
        for one in history
        if one.contract and one.outcome is Outcome.SUCCEEDED and one.started_at > chosen.started_at
    )


def unfinished(history: Sequence[Release]) -> Release | None:
    """The release that a controller left before its end, if any. A lease makes sure there is at most one."""
    return next((one for one in sorted(history, key=lambda one: -one.started_at) if not one.closed), None)


def resumed(release: Release, now: float) -> Release:
    """The release as it is taken up again: time that passed with nobody watching neither counts against it nor for it."""
    since = None if release.since is None else now
    return replace(release, entered_at=now, since=since)


def live_colour(fleet: Fleet, history: Sequence[Release]) -> Colour | None:
    """Traffic is the truth; where it is split, the last success says which side was home; else the larger share."""
    leader = fleet.weights.leader
    if leader is not None and fleet.weights.of(leader) == 100:
        return leader
    finished = [one for one in history if one.outcome is Outcome.SUCCEEDED]
    return max(finished, key=lambda one: one.started_at).candidate if finished else leader
