# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove the resources of an environment in dependency order, a partly created one too. Data is kept unless it is listed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from ..aws import sts
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.removal import delete
from . import teardown_deployers, teardown_find, teardown_others, teardown_remove, teardown_service
from . import teardown_rds as rds_teardown
from .teardown_order import Plan, Resource, plan

# Once they are asked for, these go on for minutes; what comes after them asks until they are gone.
_LOOKS = 3


def run(call: Invocation) -> dict[str, Any]:
    """Return what was removed and what was kept."""
    service = call.params["service"]
    name = service or call.params["environment"]
    if not call.check_mode and call.params["confirm"] != name:
        what = f"service {name} of environment {call.params['environment']}" if service else f"environment {name}"
        raise Failure(
            f"confirm is {call.params['confirm']!r}; to remove {what} it must be {name!r} (-e confirm={name}). "
            "Nothing was changed; check mode lists what would go."
        )
    sts.caller(call.aws)
    planned = _look(call)
    removed: list[str] = []
    if not call.check_mode:
        if planned.refusals:
            raise Failure(f"Nothing was removed. {'; '.join(planned.refusals)}.", refusals=list(planned.refusals))
        # What was still being made, or came back, while the rest was going, shows at the second look.
        for _attempt in range(_LOOKS):
            removed += _remove_all(call, planned.remove)
            planned_next = _look(call)
            if not planned_next.remove:
                break
            planned = planned_next
        else:
            left = ", ".join(str(resource) for resource in planned.remove)
            raise Failure(
                f"Resources reappeared after {_LOOKS} rounds of removal: {left}. Find out what creates them, then run again."
            )
    gone = removed if not call.check_mode else [str(resource) for resource in planned.remove]
    return {
        "changed": bool(gone),
        "diff": {"before": {"resources": gone}, "after": {"resources": []}} if gone else {"before": {}, "after": {}},
        "removed": gone,
        "kept": [str(resource) for resource in planned.keep],
        "refusals": list(planned.refusals),
    }


def _look(call: Invocation) -> Plan:
    name, params = call.params["environment"], call.params
    if params["service"]:
        zones = sorted(set(filter(None, params["zones"])))
        scope = teardown_service.Scope(name, params["service"], params["names"], zones, params["clusters"])
        return plan(teardown_service.resources(call.aws, scope), params["data"])
    found = teardown_find.everything(call.aws, name, set(params["services"]), params["clusters"])
    certificates = [resource.id for resource in found if resource.kind == "certificate"]
    checks = teardown_find.health_checks(call.aws, name)
    zones = sorted(set(filter(None, params["zones"])))
    found += checks
    found += teardown_deployers.find(call.aws, name, params["deployer_name_prefix"])
    # Only who has names has health checks: others may not even be allowed that region.
    if checks or zones:
        found += teardown_find.beside_health_checks(call.aws, name)
    for zone in zones:
        found += teardown_find.names_in_dns(call.aws, name, zone, certificates)
    if not params["final_snapshot"]:
        found = [rds_teardown.without_snapshot(resource) for resource in found]
    return plan(teardown_others.guarded(call.aws, found), params["data"])


def _remove_all(call: Invocation, resources: Iterable[Resource]) -> list[str]:
    removed = []
    for resource in resources:
        if _remove(call, resource):
            call.progress.line(f"{resource} removed")
            removed.append(str(resource))
    return removed


def _remove(call: Invocation, resource: Resource) -> bool:
    return delete(call, resource, call.params["timeout_seconds"], partial(teardown_remove.remove, call.aws, resource))
