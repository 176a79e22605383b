"""The cluster against moto: made once, put right in place; capacity providers of others stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.ecs_fargate_cluster import run
from ansible_collections.pear.fargate.plugins.modules.ecs_fargate_cluster import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"
TAGS = {"pear:environment": "staging"}


@pytest.fixture(autouse=True)
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("ecs", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"name": "staging", "tags": TAGS, **options})
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def test_it_is_made_once() -> None:
    assert invoke(True)["cluster_arn"] is None
    assert invoke()["changed"]
    again = invoke()
    assert not again["changed"], again["diff"]


def test_capacity_providers_of_others_stay(ecs: Any) -> None:
    invoke()
    (made,) = ecs.describe_clusters(clusters=["staging"])["clusters"]
    ecs.put_cluster_capacity_providers(
        cluster="staging",
        capacityProviders=[*made["capacityProviders"], "corp-gpu"],
        defaultCapacityProviderStrategy=made["defaultCapacityProviderStrategy"],
    )
    assert not invoke()["changed"]
    spot = [{"capacity_provider": "FARGATE_SPOT", "weight": 1}]
    assert invoke(capacity_provider_strategy=spot)["changed"]
    (found,) = ecs.describe_clusters(clusters=["staging"])["clusters"]
    assert sorted(found["capacityProviders"]) == ["FARGATE", "FARGATE_SPOT", "corp-gpu"]
    assert found["defaultCapacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
