# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ECS needs to start the tasks of a service's registered revisions: of what runs, and of what a rollback returns to.

The role that starts these tasks keeps the right to it while the inventory names other secrets, files, images and log groups already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..aws import ecs
from ..aws.errors import Failure
from ..aws.naming import COLOURS, EnvironmentNames, ServiceNames
from ..common.invocation import Invocation
from ..rollout.history import Target, rollback_target
from ..service.policies import (
    registered_environment_files,
    registered_images,
    registered_log_groups,
    registered_secrets,
)
from .ledger import DynamoLedger
from .ports import PortError

_READ: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "environment_files": registered_environment_files,
    "images": registered_images,
    "log_groups": registered_log_groups,
    "secrets": registered_secrets,
}


def run(call: Invocation) -> dict[str, Any]:
    """Return what they name; nothing for a service that has no ECS service yet."""
    try:
        revisions = sorted(set(_revisions(call)))
    except PortError as failed:
        raise Failure(str(failed)) from failed
    definitions = [ecs.task_definition(call.aws, revision) or {} for revision in revisions]
    found = {
        name: sorted({source for definition in definitions for source in read(definition)})
        for name, read in _READ.items()
    }
    return {"changed": False, "revisions": revisions, **found}


def _revisions(call: Invocation) -> Iterator[str]:
    environment = EnvironmentNames(call.params["environment"])
    names = ServiceNames(call.params["environment"], call.params["service"])
    cluster = call.params["cluster"] or environment.cluster
    services = ecs.services(call.aws, cluster, [names.ecs_service(colour) for colour in COLOURS])
    if not services:
        return
    yield from (state.task_definition for state in services.values() if state.task_definition)
    back = rollback_target(DynamoLedger(call.aws, environment.ledger, names.service).history().releases)
    if isinstance(back, Target) and back.release.task_definition:
        yield back.release.task_definition
