# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make an image live, by any strategy: from the module's options to the controller, and back to a result."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

from ..common.invocation import Invocation
from ..rollout.begin import Order
from ..service.existing import locate_existing, registered_version
from ..service.location import NotProvisionedError, ServiceLocation, locate_in_environment
from ..service.specification import Specification
from .controller import Controller
from .dashboard import mark_releases
from .options import order
from .prediction import predicted, predicted_first
from .preflight import preflight
from .report.file import report_file, require_report
from .results import Remarks, result
from .runner import lease_owner, ports, run_controller
from .throttled_reads import once_answered


def run(call: Invocation) -> dict[str, Any]:
    """Return how the release ended; Failure with the same keys where it is not what serves."""
    require_report(call)
    if call.params.get("services"):
        location = locate_existing(call.aws, call.params)
        version = registered_version(call.aws, call.params, location)
        adopting = replace(call, params=version.params)
        return _release(adopting, location, version, order(version.params, version, call.clock.now()))
    spec = Specification(call.params, call.aws.region)
    release_order = order(call.params, spec, call.clock.now())
    try:
        location = once_answered(
            call, lambda: locate_in_environment(call.aws, call.params, call.params["listener_arn"])
        )
    except NotProvisionedError as missing:
        if call.check_mode:
            return predicted_first(call, spec, release_order, str(missing))
        raise
    return _release(call, location, spec, release_order)


def _release(call: Invocation, location: ServiceLocation, spec: Specification, release_order: Order) -> dict[str, Any]:
    aws_ports = ports(call, location, spec, release_order.plan.in_place)
    # It may be made under the lease, and no call of it may last longer than that.
    look_ahead = partial(preflight, replace(call, aws=call.aws.quick()), location, spec, release_order)
    if call.check_mode:
        return predicted(call, aws_ports, spec, release_order, look_ahead)
    controller = Controller(aws_ports, lease_owner(call), bool(call.params.get("stage_only")))
    # Made before the lease is taken and again under it: what it finds does not change that fast.
    findings = cache(lambda fleet: tuple(map(str, look_ahead(fleet))))
    ending = run_controller(call, controller, lambda: controller.deploy(release_order, findings))
    compared = aws_ports.judges.response_times(ending.release) if ending.release else {}
    warnings = [*aws_ports.notices.warnings, *mark_releases(call, location, ending)]
    return result(call, ending, report_file(call, location), Remarks(compared, warnings))
