"""What ECS reads to start what runs and what a rollback returns to is known, whatever the inventory names by now."""

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


def registered(ledger: DynamoLedger, name: str) -> str:
    secrets = [{"name": key, "valueFrom": f"/app/{source}"} for key, source in (("OWN", name), ("BOTH", "both"))]
    app = {
        "name": "app",
        "image": f"web@{name}",
        "memory": 1,
        "secrets": secrets,
        "environmentFiles": [{"type": "s3", "value": f"arn:aws:s3:::{name}/app.env"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": f"/{name}"}},
    }
    sidecar = {"name": "proxy", "image": f"proxy@{name}", "memory": 1}
    answer = ledger.aws.client("ecs").register_task_definition(family="f", containerDefinitions=[app, sidecar])
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_a_service_without_an_ecs_service_needs_none(ledger: DynamoLedger) -> None:
    nothing = {
        "changed": False,
        "revisions": [],
        "secrets": [],
        "environment_files": [],
        "images": [],
        "log_groups": [],
    }
    assert found(ledger) == nothing
    ledger.aws.client("ecs").create_cluster(clusterName="local")
    assert found(ledger) == nothing


def test_those_of_the_live_revision_and_of_the_rollbacks_are_found_and_older_ones_are_not(ledger: DynamoLedger) -> None:
    revisions = [registered(ledger, name) for name in ("oldest", "before", "live")]
    for number, revision in enumerate(revisions):
        made = replace(RELEASE, id=f"r{number}", started_at=1000.0 + number, task_definition=revision)
        item = release_item(replace(made, outcome=Outcome.SUCCEEDED, closed=True))
        dynamodb.put(ledger.aws, ledger.table, item)
    ecs = ledger.aws.client("ecs")
    ecs.create_cluster(clusterName="local")
    ecs.create_service(cluster="local", serviceName="scoreboard-blue", taskDefinition=revisions[2], desiredCount=1)
    answer = found(ledger)
    assert answer["secrets"] == ["/app/before", "/app/both", "/app/live"]
    assert answer["environment_files"] == ["arn:aws:s3:::before/app.env", "arn:aws:s3:::live/app.env"]
    assert answer["images"] == ["proxy@before", "proxy@live", "web@before", "web@live"]
    assert answer["log_groups"] == ["/before", "/live"]
    assert answer["revisions"] == revisions[1:]
