# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Return traffic: out of a release under way, or to the last good release."""

from __future__ import annotations

from typing import Any

from ..common.invocation import Invocation
from ..service.existing import locate_by
from ..service.location import ServiceLocation
from .controller import Controller
from .dashboard import mark_releases
from .options import colour_order, return_order
from .ports import Ports
from .prediction import predicted, predicted_return
from .report.file import report_file
from .results import Remarks, result
from .runner import lease_owner, ports, run_controller
from .throttled_reads import once_answered


def run(call: Invocation) -> dict[str, Any]:
    # A report that cannot be made is no reason to let users wait: that is told when traffic has returned.
    location = once_answered(call, lambda: locate_by(call.aws, call.params))
    aws_ports = ports(call, location)
    if call.params.get("to_colour"):
        return _to_colour(call, location, aws_ports)
    rollback_order = return_order(call.params, call.clock.now())
    if call.check_mode:
        return predicted(call, aws_ports, None, rollback_order)
    controller = Controller(aws_ports, lease_owner(call))
    ending = run_controller(call, controller, lambda: controller.rollback(rollback_order))
    warnings = [*aws_ports.notices.warnings, *mark_releases(call, location, ending)]
    return result(call, ending, report_file(call, location), Remarks(warnings=warnings))


def _to_colour(call: Invocation, location: ServiceLocation, aws_ports: Ports) -> dict[str, Any]:
    """While the ledger is away a person names the colour."""
    controller = Controller(aws_ports, lease_owner(call))
    order = colour_order(call.params, call.clock.now())
    ending = run_controller(
        call, controller, lambda: controller.without_ledger.return_to_colour(order, call.check_mode)
    )
    return predicted_return(ending) if call.check_mode else result(call, ending, report_file(call, location))
