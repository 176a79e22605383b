# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cloudwatch_alarms on the controller, with progress."""

from __future__ import annotations

from ..module_utils.monitoring.cloudwatch_alarms import run
from ..modules.cloudwatch_alarms import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("cloudwatch",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
