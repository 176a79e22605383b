# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""route53_service_records on the controller, with progress."""

from __future__ import annotations

from ..module_utils.service.route53_service_records import run
from ..modules.route53_service_records import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("route53",)
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
