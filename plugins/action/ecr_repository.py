# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ecr_repository on the controller, with progress."""

from __future__ import annotations

from ..module_utils.image.ecr_repository import run
from ..modules.ecr_repository import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("ecr",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
