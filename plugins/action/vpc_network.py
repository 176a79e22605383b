# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vpc_network on the controller, with progress."""

from __future__ import annotations

from ..module_utils.environment.vpc_network import run
from ..modules.vpc_network import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("ec2",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
