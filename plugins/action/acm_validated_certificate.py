# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""acm_validated_certificate on the controller, with progress."""

from __future__ import annotations

from ..module_utils.environment.acm_validated_certificate import run
from ..modules.acm_validated_certificate import ARGUMENT_SPEC
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    services = ("acm", "route53")
    argument_spec = ARGUMENT_SPEC
    module_run = staticmethod(run)
