# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ecs_scheduled_tasks on the controller, with progress."""

from __future__ import annotations

from ..module_utils.service.ecs_scheduled_tasks import run
from ..modules.ecs_scheduled_tasks import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
