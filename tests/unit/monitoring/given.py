"""An environment as its role gives it to monitoring."""

from __future__ import annotations

from typing import Any

REGION = "eu-central-1"
ARN = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"
ENVIRONMENT: dict[str, Any] = {
    "name": "staging",
    "region": REGION,
    "account": "123456789012",
    "caller": "arn:aws:iam::123456789012:user/ci",
    "cluster": {"container_insights": "enabled"},
    "load_balancer": {
        "name": "staging",
        "arn": f"{ARN}:loadbalancer/app/staging/0123",
        "target_groups": {
            f"staging-scores-{colour}": f"{ARN}:targetgroup/staging-scores-{colour}/{number}"
            for number, colour in enumerate(("blue", "green"))
        },
    },
}
