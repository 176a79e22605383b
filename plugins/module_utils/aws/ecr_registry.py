# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ECR keeps for a whole registry, which is an account in a region: replication and pull-through caches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import aws_call
from .session import Aws


@aws_call("read the registry")
def describe(aws: Aws) -> tuple[str, list[dict[str, Any]]]:
    """Id of the registry, which is the account's, and its rules of replication."""
    found = aws.client("ecr").describe_registry()
    return found["registryId"], found.get("replicationConfiguration", {}).get("rules", [])


@aws_call("set the rules of replication of the registry")
def set_replication(aws: Aws, rules: Sequence[dict[str, Any]]) -> None:
    """All rules at once: there is no call for one."""
    aws.client("ecr").put_replication_configuration(replicationConfiguration={"rules": list(rules)})


@aws_call("read the pull-through caches")
def caches(aws: Aws, prefixes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Rules by the prefix of their repositories."""
    client = aws.client("ecr")
    found: dict[str, dict[str, Any]] = {}
    pages = client.get_paginator("describe_pull_through_cache_rules").paginate()
    for page in pages:
        rules = page["pullThroughCacheRules"]
        found |= {one["ecrRepositoryPrefix"]: one for one in rules if one["ecrRepositoryPrefix"] in prefixes}
    return found


@aws_call("create pull-through cache {prefix}")
def create_cache(aws: Aws, prefix: str, upstream: str, credential_arn: str | None) -> None:
    secret = {"credentialArn": credential_arn} if credential_arn else {}
    aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=upstream, **secret)


@aws_call("change the credentials of pull-through cache {prefix}")
def set_credential(aws: Aws, prefix: str, credential_arn: str) -> None:
    aws.client("ecr").update_pull_through_cache_rule(ecrRepositoryPrefix=prefix, credentialArn=credential_arn)
