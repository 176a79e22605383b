# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what the inventory names may be released without a person: not what failed, and not what traffic was returned from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..rollout.model import Kind, Outcome

_ENDED = {str(outcome) for outcome in Outcome}
# The release ended for a reason that was not its version.
_MAY_BE_TRIED_AGAIN = {str(Outcome.SUCCEEDED), str(Outcome.INTERRUPTED)}


def objection(history: Sequence[Mapping[str, Any]], digest: str) -> str:
    """Why a person has to decide about this image; empty if nothing is against it. `history` is that of bluegreen_info, newest first."""
    last = next((at for at, row in enumerate(history) if row["digest"] == digest and not _is_lost_rollback(row)), None)
    # What others deployed is on record without a digest.
    if last is None or not digest:
        return ""
    row = history[last]
    if row["outcome"] in _ENDED - _MAY_BE_TRIED_AGAIN:
        return f"{row['kind']} {row['id']} of this image ended as {row['outcome']}: {row['reason']}"
    for at, newer in enumerate(history[:last]):
        if _is_rollback(newer) and _succeeded(newer) and _left_by(history[at + 1 :]) == digest:
            return f"{newer['id']} of {newer['by']} returned traffic from this image"
    return ""


def _left_by(before: Sequence[Mapping[str, Any]]) -> str:
    """The image that served before a rollback: that of the last success."""
    return next((str(row["digest"]) for row in before if _succeeded(row)), "")


def _is_rollback(row: Mapping[str, Any]) -> bool:
    return bool(row["kind"] == str(Kind.ROLLBACK))


def _succeeded(row: Mapping[str, Any]) -> bool:
    return bool(row["outcome"] == str(Outcome.SUCCEEDED))


def _is_lost_rollback(row: Mapping[str, Any]) -> bool:
    """A rollback that did not succeed says nothing about the version that it was to return to."""
    return _is_rollback(row) and not _succeeded(row)
