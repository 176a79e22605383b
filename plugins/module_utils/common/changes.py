# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Differences between the current and the desired state: collected for result and diff, applied unless in check mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Changes:
    """Compares properties and applies what differs. Nothing is applied in check mode."""

    check_mode: bool
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def want(self, what: str, current: Any, desired: Any, apply: Callable[[], object]) -> None:
        if current == desired:
            return
        self.before[what], self.after[what] = current, desired
        if not self.check_mode:
            apply()
