"""The secrets of what runs and of what a rollback returns to are known, whatever the inventory names by now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import release_item
from ansible_collections.pear.fargate.plugins.module_utils.release.service_secrets_info import run
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome
from ansible_collections.pear.fargate.plugins.modules.service_secrets_info import ARGUMENT_SPEC

from .given import RELEASE


def found(ledger: DynamoLedger) -> dict[str, Any]:
    options = {"environment": "local", "service": "scoreboard"}
    given = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options).validated_parameters
    return run(Invocation(given, ledger.aws))


def registered(ledger: DynamoLedger, *sources: str) -> str:
    secrets = [{"name": f"KEY_{number}", "valueFrom": source} for number, source in enumerate(sources)]
    container = {"name": "app", "image": "i", "memory": 1, "secrets": secrets}
    answer = ledger.aws.client("ecs").register_task_definition(family="f", containerDefinitions=[container])
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_a_service_without_an_ecs_service_needs_none(ledger: DynamoLedger) -> None:
    assert found(ledger)["secrets"] == []
    ledger.aws.client("ecs").create_cluster(clusterName="local")
    assert found(ledger)["secrets"] == []


def test_those_of_the_live_revision_and_of_the_rollbacks_are_found_and_older_ones_are_not(ledger: DynamoLedger) -> None:
    revisions = [registered(ledger, f"/app/{name}", "/app/both") for name in ("oldest", "before", "live")]
    for number, revision in enumerate(revisions):
        made = replace(RELEASE, id=f"r{number}", started_at=1000.0 + number, task_definition=revision)
        item = release_item(replace(made, outcome=Outcome.SUCCEEDED, closed=True))
        dynamodb.put(ledger.aws, ledger.table, item)
    ecs = ledger.aws.client("ecs")
    ecs.create_cluster(clusterName="local")
    ecs.create_service(cluster="local", serviceName="scoreboard-blue", taskDefinition=revisions[2], desiredCount=1)
    answer = found(ledger)
    assert answer["secrets"] == ["/app/before", "/app/both", "/app/live"]
    assert answer["revisions"] == revisions[1:]
