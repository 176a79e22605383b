"""CloudWatch Logs: moto keeps groups, streams and events; lines in the embedded metric format become metrics too."""

from __future__ import annotations

from typing import Any

from ..metrics.emf import points
from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.logs.models import LogsBackend

    @patch(LogsBackend, "put_log_events", ("self", "log_group_name", "log_stream_name", "log_events"))
    def put_log_events(
        original: Any, self: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]
    ) -> Any:
        answer = original(self, log_group_name, log_stream_name, log_events)
        for event in log_events:
            for point in points(event["message"]):
                sandbox.metrics.of(self.region_name).add(
                    point.metric, point.at, point.samples, point.unit, point.resolution
                )
        return answer
