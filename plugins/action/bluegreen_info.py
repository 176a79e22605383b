# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""bluegreen_info on the controller, with progress."""

from __future__ import annotations

from ..module_utils.release.bluegreen_info import run
from ..modules.bluegreen_info import ARGUMENT_SPEC
from ..plugin_utils.in_process import RELEASE, InProcessAction


class ActionModule(InProcessAction):
    services = RELEASE
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
