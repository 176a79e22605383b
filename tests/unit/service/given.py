"""Variables of a service that is right, and options as a module gets them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

GOOD: dict[str, Any] = {
    "environment_name": "production",
    "service_name": "scoreboard",
    "service_cpu": 256,
    "service_memory": 512,
    "service_port": 8080,
    "service_priority": 10,
    "service_desired_count": 2,
    "service_hosts": ["scores.example.com"],
    "service_paths": ["/*"],
    "service_health_check": {"path": "/healthz", "interval_seconds": 10, "timeout_seconds": 5},
    "service_environment": {"LOG_LEVEL": "info"},
    "service_secrets": {"KEY": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf", "B": "/app/b"},
}


def checked(spec: Any, options: dict[str, Any]) -> dict[str, Any]:
    validated = ArgumentSpecValidator(spec).validate(options)
    assert not validated.error_messages
    return validated.validated_parameters
