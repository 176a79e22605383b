"""CloudWatch Logs: moto keeps groups, streams and events; the scheduler writes them like any other client."""

from __future__ import annotations

from .server import Sandbox


def install(sandbox: Sandbox) -> None:
    """Nothing to add to moto so far."""
