"""Runs the module of databases as a task does, for the tests against moto and against the sandbox's RDS."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.rds_database import run
from ansible_collections.pear.fargate.plugins.modules.rds_database import ARGUMENT_SPEC

from .clocks import QuickClock

REGION = "eu-central-1"


def invoke(options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock()))
