# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ecs_fargate_cluster on the controller, with progress."""

from __future__ import annotations

from ..module_utils.environment.ecs_fargate_cluster import run
from ..modules.ecs_fargate_cluster import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("ecs",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
