"""Each line of the table in docs/beside-what-you-have.md is accepted by the roles' specifications and by the preflight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings
from ansible_collections.pear.fargate.plugins.plugin_utils import nested_options
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import read_roles, unknown, validate

from .service.given import GOOD

PAGE = Path(__file__).resolve().parents[2] / "docs/beside-what-you-have.md"
ROLES = read_roles(DataLoader())
ARN = "arn:aws:{}:eu-central-1:123456789012:{}".format
KEY = ARN("kms", "key/1")
LISTENER = ARN("elasticloadbalancing", "listener/app/corp/50dc6c495c0c9188/f2f7dc8efc522ab2")
ROLE = "arn:aws:iam::123456789012:role/theirs"
# What somebody writes where the page names a variable or an option without its value.
EXAMPLES: dict[str, Any] = {
    "cluster_existing": "corp",
    "data_subnet_ids": ["subnet-e", "subnet-f"],
    "dns_zone": "example.com",
    "file_system_existing": "fs-0123456789abcdef0",
    "file_system_kms_key_arn": KEY,
    "load_balancer_certificate_arn": ARN("acm", "certificate/1"),
    "load_balancer_existing": LISTENER,
    "monitoring_topic_arns": [ARN("sns", "alarms")],
    "private_subnet_ids": ["subnet-c", "subnet-d"],
    "public_subnet_ids": ["subnet-a", "subnet-b"],
    "registry_kms_key_arn": KEY,
    "registry_repository": "corp/web",
    "service_execution_role_arn": ROLE,
    "service_further_target_groups": [
        {"name": "internal", "port": 8080, "listener_arn": LISTENER, "hosts": ["web.corp.example"]}
    ],
    "service_headers": {"X-Tenant": ["acme"]},
    "service_image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.27",
    "service_infrastructure_role_arn": ROLE,
    "service_log_group": "/corp/web",
    "service_log_kms_key_arn": KEY,
    "service_login": {
        "cognito": {
            "user_pool_arn": ARN("cognito-idp", "userpool/p"),
            "user_pool_client_id": "c",
            "user_pool_domain": "d",
        }
    },
    "service_managed_policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    "service_query_strings": [{"key": "beta", "value": "1"}],
    "service_secret_kms_key_arns": [KEY],
    "service_security_group_ids": ["sg-0123456789abcdef0"],
    "service_source_ips": ["203.0.113.0/24"],
    "service_subnet_ids": ["subnet-c", "subnet-d"],
    "service_task_role_arn": ROLE,
    "vpc_id": "vpc-0123456789abcdef0",
}


def rows() -> Iterator[Any]:
    """What you have, and the code of the cell beside it, of the lines that say to write something."""
    _before, _begin, table = PAGE.read_text().partition("| what you have | what to write |")
    for line in table.partition("\n\n")[0].splitlines()[2:]:
        have, cell, _done = line.strip("| ").split(" | ", 2)
        if not cell.startswith("nothing"):
            yield pytest.param(re.findall(r"`([^`]+)`", cell), id=have)


def written(code: str) -> dict[str, Any]:
    """One piece of code as variables; a name alone and a name without its value get an example."""
    said = yaml.safe_load(code)
    given: dict[str, Any] = {said: None} if isinstance(said, str) else said
    return {name: _filled(name, value) for name, value in given.items()}


def _filled(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {option: _filled(option, inner) for option, inner in value.items()}
    return EXAMPLES[name] if value is None else value


@pytest.mark.parametrize("codes", list(rows()))
def test_what_the_page_says_to_write_is_accepted(codes: list[str]) -> None:
    variables = {name: value for code in codes for name, value in written(code).items()}
    assert variables
    assert unknown(variables, ROLES) == []
    for name in variables:
        roles = [role for role in ROLES.values() if name in role.options]
        assert roles, name
        for role in roles:
            alone = replace(role, options={name: role.options[name]})
            assert validate(alone, {name: variables[name]})[1] == [], role.name
    service = {name: value for name, value in variables.items() if name.startswith(("service_", "registry_"))}
    assert nested_options.findings(service) == []
    # A rule holds five values, which the page says.
    assert findings({**GOOD, "service_paths": [], **service}) == []


def test_the_table_has_lines_and_every_example_is_of_one() -> None:
    codes = [code for row in rows() for code in row.values[0]]
    assert len(codes) > 25
    assert {word for code in codes for word in re.findall(r"\w+", code)} >= set(EXAMPLES)
