# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cloudwatch_log_group on the controller."""

from __future__ import annotations

from ..module_utils.monitoring.cloudwatch_log_group import run
from ..modules.cloudwatch_log_group import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("logs",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
