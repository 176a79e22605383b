"""An environment as its role gives it to monitoring."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_alarms

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
# With all that alarms may watch.
WHOLE: dict[str, Any] = {
    **ENVIRONMENT,
    "load_balancer": {
        **ENVIRONMENT["load_balancer"],
        "certificate_arn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
    },
    "file_system": {"id": "fs-1", "throughput_mode": "bursting"},
    "database": {"is_cluster": False},
}


def validated(alarms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = ArgumentSpecValidator(cloudwatch_alarms.ARGUMENT_SPEC).validate({"alarms": alarms})
    assert not found.error_messages
    checked: list[dict[str, Any]] = found.validated_parameters["alarms"]
    return checked
