# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""service_routing on the controller, with progress."""

from __future__ import annotations

from ..module_utils.service.service_routing import run
from ..modules.service_routing import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("elbv2",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
