# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marks the releases of the ledger on the service's dashboard, once one has ended. That it cannot be is a warning."""

from __future__ import annotations

import json

from ..aws import cloudwatch
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..monitoring.release_markers import marked, markers
from ..service.location import ServiceLocation
from .ledger import DynamoLedger
from .loop import Ending
from .ports import PortError


def mark_releases(call: Invocation, location: ServiceLocation, ending: Ending) -> list[str]:
    """What stood in the way, if anything did. A service without this dashboard has none to be marked."""
    name = call.params.get("dashboard")
    if not name or ending.outcome is None or ending.release is None:
        return []
    # The release is over: who waits for its result does not wait long for this.
    aws = call.aws.brief()
    try:
        written = cloudwatch.dashboard(aws, name)
        if written is None:
            return []
        body = json.loads(written.body)
        history = DynamoLedger(aws, location.ledger, location.service).history()
        desired = marked(body, markers(history.releases))
        if desired != body:
            cloudwatch.put_dashboard(aws, name, json.dumps(desired, sort_keys=True))
    except (Failure, PortError) as failed:
        return [f"release {ending.release.id} is not marked on dashboard {name}: {failed}"]
    except (ValueError, AttributeError):
        return [f"release {ending.release.id} is not marked on dashboard {name}, whose body is no JSON object"]
    return []
