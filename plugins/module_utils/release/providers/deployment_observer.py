# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a watcher looks at on AWS: one ECS service, its targets, its stopped tasks and their logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...aws import ecs, elbv2, logs
from ...aws.ecs_states import ServiceState
from ...aws.errors import Failure
from ...aws.session import Aws
from ...aws.tasks import TaskState
from ..rolling import Observation


@dataclass
class EcsDeploymentObserver:
    aws: Aws
    cluster: str
    service: str
    target_group_arn: str
    log_group: str
    deployment_id: str
    # ECS's record of the deployment before ours, and of ours once it is known.
    earlier_record: str = ""
    _record: str = ""

    def observe(self) -> Observation:
        state = self._read()
        targets = elbv2.target_health(self.aws, self.target_group_arn)
        record = self._record_of(state)
        return Observation(state, targets, ecs.service_deployment(self.aws, record) if record else None)

    def stopped_tasks(self) -> Sequence[TaskState]:
        return ecs.tasks(self.aws, self.cluster, self.service, "STOPPED")

    def log_lines(self, task: TaskState) -> Sequence[str]:
        culprit = task.culprit
        return logs.last_lines(self.aws, self.log_group, culprit.name, task.id) if culprit else []

    def _read(self) -> ServiceState:
        found = ecs.services(self.aws, self.cluster, [self.service]).get(self.service)
        if found is None:
            raise Failure(f"ECS service {self.service} was deleted while its deployment was followed. Run this again.")
        return found

    def _record_of(self, state: ServiceState) -> str:
        """Return ours: the first record that is current while ours is the primary deployment."""
        ours = state.primary is not None and state.primary.id == self.deployment_id
        if not self._record and ours and state.current_service_deployment != self.earlier_record:
            self._record = state.current_service_deployment
        return self._record
