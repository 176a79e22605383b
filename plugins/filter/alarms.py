# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an alarm means for the release of its service."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.operations.alarm_rollback import decide


def alarm_rollback(found: Mapping[str, Any], alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Whether to roll back, and the reason in a sentence."""
    try:
        at = float(alarm["at"])
    except (KeyError, TypeError, ValueError) as wrong:
        raise AnsibleFilterError("rollback_alarm has no time: at is when it fired, in seconds since 1970") from wrong
    return asdict(decide(found, at, time.time()))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"alarm_rollback": alarm_rollback}
