# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between what is and what is wanted, collected while it is put right: the result, the diff, check mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Changes:
    """What differs, in words, and the calls that make it right. Nothing is called in check mode."""

    check_mode: bool
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def want(self, what: str, is_now: Any, wanted: Any, apply: Callable[[], object]) -> None:
        if is_now == wanted:
            return
        self.before[what], self.after[what] = is_now, wanted
        if not self.check_mode:
            apply()
