# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""bluegreen_request on the controller, with progress."""

from __future__ import annotations

from ..module_utils.release.bluegreen_request import run
from ..modules.bluegreen_request import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("dynamodb",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
