# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cloudwatch_dashboard on the controller."""

from __future__ import annotations

from ..module_utils.monitoring.cloudwatch_dashboard import run
from ..modules.cloudwatch_dashboard import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("cloudwatch",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
