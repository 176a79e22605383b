# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the containers of a release write their log: the service's log group, or what a task definition of others says."""

from __future__ import annotations

from collections.abc import Sequence

from ..aws import ecs, logs, task_definition
from ..aws.session import Aws
from ..aws.tasks import TaskState
from ..service.location import ServiceLocation


def last_lines(aws: Aws, location: ServiceLocation, task: TaskState, container: str) -> Sequence[str]:
    """The newest log lines of a task's container, oldest first; empty where it wrote none, or logs elsewhere."""
    if location.given is None:
        return logs.last_lines(aws, location.log_group, container, task.id)
    definition = ecs.task_definition(aws, task.task_definition)
    found = task_definition.log_stream(definition, container) if definition else None
    if found is None:
        return ()
    group, prefix = found
    return logs.last_lines(aws, group, container, task.id, stream_prefix=prefix)
