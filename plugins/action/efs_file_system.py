# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""efs_file_system on the controller, with progress."""

from __future__ import annotations

from ..module_utils.environment.efs_file_system import run
from ..modules.efs_file_system import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("efs",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
