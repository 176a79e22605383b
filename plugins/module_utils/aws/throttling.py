# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends a throttled call again until AWS takes it: many services share a quota such as three PutMetricAlarm a second.

botocore repeats it three times, which takes seconds; fifty services that are made in one run need minutes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from .error_codes import Meaning, meaning

# Two hundred services with their alarms need nineteen minutes of PutMetricAlarm.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
_PATIENCE_SECONDS = 1800.0
_LONGEST_PAUSE_SECONDS = 10.0
# Where a request keeps the time of its first attempt.
_SINCE = "pear_throttled_since"


class Patience:
    """Listens to the clients of a task, and says what it waits for."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def watch(self, client: Any) -> None:
        # For all operations: botocore asks its own handler first, which knows the service.
        client.meta.events.register("needs-retry", self._pause)

    def _pause(
        self, response: Any, attempts: int, operation: Any, request_dict: Mapping[str, Any], **_event: Any
    ) -> float | None:
        """Seconds until the call is sent again; None where that would not help."""
        code = response[1].get("Error", {}).get("Code", "") if response else ""
        if meaning(code) is not Meaning.THROTTLED:
            return None
        now = time.monotonic()
        if now - request_dict["context"].setdefault(_SINCE, now) > _PATIENCE_SECONDS:
            return None
        longest = min(_LONGEST_PAUSE_SECONDS, float(attempts))
        self._say(f"AWS takes no more calls of {operation.name} now ({code}): waiting for its quota")
        return random.uniform(longest / 2, longest)
