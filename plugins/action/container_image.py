# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""container_image on the controller, with progress."""

from __future__ import annotations

from ..module_utils.image.container_image import run
from ..modules.container_image import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("ecr",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
