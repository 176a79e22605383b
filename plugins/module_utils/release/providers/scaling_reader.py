# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Application Auto Scaling holds of both colours, read again only where it may have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...aws import autoscaling
from ...aws.autoscaling import Bounds, ScaleIn
from ...aws.session import Aws
from ...common.clock import Clock
from ...service.location import ServiceLocation

# It changes by this run, which forgets what was read, or by a write that arrived late.
_SECONDS = 5.0


@dataclass(frozen=True)
class Scaling:
    """By ECS service: the scale-ins that are scheduled, and what autoscaling may do."""

    scale_ins: Mapping[str, tuple[ScaleIn, ...]] = field(default_factory=dict)
    targets: Mapping[str, Bounds] = field(default_factory=dict)

    def suspended(self, service: str) -> bool | None:
        target = self.targets.get(service)
        return None if target is None else target.scale_in_suspended


@dataclass
class ScalingReader:
    aws: Aws
    location: ServiceLocation
    clock: Clock
    _last: Scaling | None = None
    _read_at: float = 0.0

    def read(self) -> Scaling:
        now = self.clock.now()
        if self._last is None or now - self._read_at >= _SECONDS:
            self._read_at = now
            cluster, names = self.location.cluster, list(self.location.ecs_services.values())
            targets = autoscaling.scalable_targets(self.aws, cluster, names)
            # A scheduled action belongs to a scalable target and goes with it.
            scale_ins = {name: autoscaling.scale_ins(self.aws, cluster, name) for name in targets}
            self._last = Scaling(scale_ins, targets)
        return self._last

    def forget(self) -> None:
        self._last = None
