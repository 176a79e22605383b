# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an alarm is a reason to roll back: it speaks of a release, and there is a version to return to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decision:
    """Whether to roll back, and why or why not."""

    act: bool
    reason: str


def decide(found: Mapping[str, Any], alarm_at: float, now: float) -> Decision:
    """`found` is what bluegreen_info returns. Times are in seconds since 1970."""
    under_way = found.get("under_way")
    if under_way:
        if alarm_at < under_way["started_at"]:
            return Decision(
                False, f"The alarm fired before release {under_way['id']} began: a rollback would not end it."
            )
        if under_way["kind"] == "rollback":
            return Decision(False, f"Rollback {under_way['id']} is under way.")
        return Decision(True, f"The alarm fired during release {under_way['id']}: it is ended, and traffic returns.")
    release = found.get("release") or {}
    if not release:
        return Decision(False, "No release is on record: there is nothing to return to.")
    if release["kind"] == "rollback":
        return Decision(False, f"The service was rolled back already ({release['id']}).")
    if alarm_at < release["started_at"]:
        return Decision(False, f"The alarm fired before release {release['id']} began: a rollback would not end it.")
    if (release.get("warm_until") or 0.0) <= now:
        return Decision(False, f"The rollback window of release {release['id']} is over: a person decides.")
    target = found.get("rollback") or {}
    if not target.get("possible"):
        return Decision(False, f"A rollback is not possible: {target.get('reason') or 'no earlier good release'}.")
    return Decision(True, f"The alarm fired within the rollback window of release {release['id']}: traffic returns.")
