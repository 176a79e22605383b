"""CloudWatch: what the load balancers really did, as AWS/ApplicationELB metrics."""

from __future__ import annotations

from .server import Sandbox


def install(sandbox: Sandbox) -> None:
    """moto keeps metrics and alarms; the measurements of the load balancers come with api/elbv2.py's reports."""
