# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release under way waits for, and who has to act: a person, its controller, or whoever finds it without one."""

from __future__ import annotations

from .lease import Lease, clock_time
from .model import Fleet, OnInconclusive, Phase, Release, WhenStableIsDown
from .stable_down import no_way_back

_ONCE_HELD = ", once a controller works on it again"


def who_acts(release: Release, lease: Lease | None, now: float, fleet: Fleet | None = None) -> list[str]:
    """A line for the controller, and one for each person that the release waits for."""
    lost = lease is None
    stuck = fleet is not None and bool(no_way_back(fleet, release, lost))
    lines = [_controller(release, lease, stuck)]
    if release.outcome is None:
        lines += [line for line in (_paused(release, lost), _approval(release, now), _stable_down(release)) if line]
    # A promotion is read by a controller, and by nobody else.
    return [lines[0], *(f"{line}{_ONCE_HELD}" if lost else line for line in lines[1:])]


def _controller(release: Release, lease: Lease | None, stuck: bool) -> str:
    if lease is not None:
        return f"held by {lease.owner} since {clock_time(lease.taken_at)}"
    lost = "lost: no controller works on it. Deploy the same version again to go on"
    return lost if stuck else f"{lost}, or roll back: playbooks/rollback.yml -l {release.service}"


def _paused(release: Release, lost: bool) -> str:
    if release.paused_since is None:
        return ""
    resume = f"playbooks/pause.yml -l {release.service} -e resume=true"
    if lost:
        # Its limit is kept by the controller that takes it up.
        return f"paused since {clock_time(release.paused_since)}, and nothing returns its traffic; to resume: {resume}"
    until = clock_time(release.paused_since + release.policy.pause_timeout_seconds)
    return (
        f"paused since {clock_time(release.paused_since)}; it returns traffic at {until} unless somebody resumes: "
        f"{resume}"
    )


def _approval(release: Release, now: float) -> str:
    """The wait for a promotion, as the record tells it: a step that is over and has not been left."""
    if release.phase is not Phase.SHIFTING or release.since is None or release.paused_since is not None:
        return ""
    step = release.plan.steps[release.step]
    held = max(step.duration_seconds, release.policy.settle_seconds)
    if step.approval:
        since, limit, why = release.since + held, step.approval_timeout_seconds, f"step {release.step + 1}"
    elif release.policy.inconclusive is OnInconclusive.APPROVAL:
        since = release.since + held + release.policy.patience_seconds
        limit, why = release.policy.pause_timeout_seconds, f"step {release.step + 1}, which the gates cannot judge"
    else:
        return ""
    if now < since:
        return ""
    return (
        f"waiting for approval of {why} since {clock_time(since)}, until {clock_time(since + limit)}: "
        f"playbooks/promote.yml -l {release.service}, or playbooks/abort.yml"
    )


def _stable_down(release: Release) -> str:
    if release.stable_down_since is None or release.policy.when_stable_is_down is WhenStableIsDown.PROMOTE:
        return ""
    return (
        f"{release.live} has no healthy target since {clock_time(release.stable_down_since)}; to give {release.candidate} all "
        f"traffic: playbooks/promote.yml -l {release.service} -e promote_all=true"
    )
