# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the history of a service says: what is live, and what a rollback goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .model import Colour, Fleet, Kind, Outcome, Release

# A list of releases in a message is cut after so many characters.
_LISTED = 1000


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
    for release in sorted(history, key=lambda release: (release.started_at, release.id)):
        if release.outcome is not Outcome.SUCCEEDED:
            continue
        if release.kind is Kind.DEPLOY:
            if release.restart and stack and stack[-1].task_definition == release.task_definition:
                # No version of its own: a rollback goes back further.
                stack.pop()
            stack.append(release)
            continue
        ids = [release.id for release in stack]
        if release.target in ids:
            del stack[ids.index(release.target) + 1 :]
        elif release.target in by_id:
            stack.append(by_id[release.target])
    return stack


def rollback_target(history: Sequence[Release], named: str | None = None, serving: str = "") -> Target | str:
    """The release to go back to, or the sentence that says why there is none.

    `serving` is the task definition that has the traffic. Where no release that can be read made it, the last good one is gone back to.
    """
    stack = good_releases(history)
    if not stack:
        return "no release of this service has succeeded yet, so there is nothing to go back to"
    live = stack[-1]
    unknown = bool(serving) and all(release.task_definition != serving for release in history)
    if named is None and unknown:
        return Target(live, live, _objections(history, live))
    if named is None:
        return (
            Target(stack[-2], live, _objections(history, stack[-2]))
            if len(stack) > 1
            else _nothing_before(history, live)
        )
    chosen = _named(history, named, live)
    if isinstance(chosen, str):
        return chosen
    if chosen.id == live.id and not unknown:
        return f"{chosen.id} ({chosen.label}) is live already"
    return Target(chosen, live, _objections(history, chosen))


def _deployed(history: Sequence[Release]) -> list[Release]:
    """Every release that succeeded, the newest first: what can be gone back to, or forward."""
    good = [release for release in history if release.kind is Kind.DEPLOY and release.outcome is Outcome.SUCCEEDED]
    return sorted(good, key=lambda release: (release.started_at, release.id), reverse=True)


def roll_forward(history: Sequence[Release]) -> Release | None:
    """The next release that succeeded after the live one: what the last rollback went back over."""
    stack = good_releases(history)
    newer = [release for release in _deployed(history) if stack and release.started_at > stack[-1].started_at]
    return newer[-1] if newer else None


def _nothing_before(history: Sequence[Release], live: Release) -> str:
    newer = roll_forward(history)
    if newer is None:
        return (
            f"{live.id} ({live.label}) is the only release of this service that succeeded: there is nothing before it"
        )
    return (
        f"{live.id} ({live.label}) serves, and no release that succeeded lies before it; "
        f"roll forward to {newer.label} with -e rollback_to={newer.id}"
    )


def _named(history: Sequence[Release], named: str, live: Release) -> Release | str:
    """The release that a person means by an id, a digest, a tag or a revision, or by the beginning of one."""
    good = _deployed(history)
    exact = [release for release in good if named in _names(release)]
    found = exact or [release for release in good if is_named(release, named)]
    others = (
        ", ".join(f"{release.id} ({release.label})" for release in good if release.id != live.id)[:_LISTED] or "none"
    )
    if not found:
        return f"{named} names no release of this service that succeeded; releases to go back to: {others}"
    if len({(release.digest, release.task_definition) for release in found}) > 1:
        listed = ", ".join(f"{release.id} ({release.label})" for release in found)
        return f"{named} names {len(found)} releases of this service, so more of the name is needed: {listed}"
    return found[0]


def is_named(release: Release, named: str) -> bool:
    return any(name.startswith(named) for name in _names(release))


def reported(history: Sequence[Release], named: str | None = None) -> Release | str:
    """The release that is meant, whatever its kind and outcome: by default the newest, or the sentence that says why none is.

    A version that was released more than once is the newest of its releases.
    """
    newest = sorted(history, key=lambda release: (release.started_at, release.id), reverse=True)
    if not newest:
        return "no release of this service is on record"
    if named is None:
        return newest[0]
    own = [release for release in newest if release.id == named]
    exact = own or [release for release in newest if named in _names(release)]
    found = exact or [release for release in newest if release.id.startswith(named) or is_named(release, named)]
    listed = ", ".join(f"{release.id} ({release.label})" for release in found or newest)[:_LISTED]
    if not found:
        return f"{named} names no release of this service; the releases on record: {listed}"
    if not exact and len({(release.digest, release.task_definition) for release in found}) > 1:
        return f"{named} names {len(found)} releases of this service, so more of the name is needed: {listed}"
    return found[0]


def _names(release: Release) -> list[str]:
    """A rollback goes by the name of the release that it returns to."""
    digest = release.digest.removeprefix("sha256:")
    return [
        name
        for name in (release.target or release.id, release.digest, digest, release.version, release.revision)
        if name
    ]


def _objections(history: Sequence[Release], chosen: Release) -> tuple[str, ...]:
    return tuple(
        f"release {release.id} after {chosen.id} was marked as a contract step of the database: "
        f"what ran before it may no longer understand the schema"
        for release in history
        if release.contract and release.outcome is Outcome.SUCCEEDED and release.started_at > chosen.started_at
    )


def unfinished(history: Sequence[Release]) -> Release | None:
    """The release that a controller left before its end, if any. A lease makes sure there is at most one."""
    return next(
        (release for release in sorted(history, key=lambda release: -release.started_at) if not release.closed), None
    )


def resumed(release: Release, now: float) -> Release:
    """The release as it is taken up again: time that passed unobserved neither counts against it nor for it."""
    since = None if release.since is None else now
    return replace(release, entered_at=now, since=since)


def forced(rollback: Release) -> Release:
    """A rollback under way that a person forces now. Once its version was ready, it takes tasks that run, as one that begins so does."""
    policy = replace(rollback.policy, minimum_healthy=0) if rollback.is_rewriting else rollback.policy
    return replace(rollback, forced=True, policy=policy)


def serving_definition(fleet: Fleet, history: Sequence[Release]) -> str:
    """The task definition of the live colour; empty where that is not known."""
    live = live_colour(fleet, history)
    return fleet.state(live).task_definition if live else ""


def live_colour(fleet: Fleet, history: Sequence[Release]) -> Colour | None:
    """Traffic is the truth; where it is split, the colour of the last success; else the colour with the larger share."""
    leader = fleet.weights.leader
    if leader is not None and fleet.weights.of(leader) == 100:
        return leader
    finished = [release for release in history if release.outcome is Outcome.SUCCEEDED]
    return max(finished, key=lambda release: release.started_at).candidate if finished else leader
