# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sns_alarm_topic on the controller, with progress."""

from __future__ import annotations

from ..module_utils.monitoring.sns_alarm_topic import run
from ..modules.sns_alarm_topic import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("sns",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
