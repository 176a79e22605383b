# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a release is aborted, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from .model import Outcome


@dataclass(frozen=True)
class AbortReason:
    """Why a release cannot go on, and the outcome it will have."""

    outcome: Outcome
    reason: str
