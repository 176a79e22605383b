# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""state=absent of a module whose resource has parts: they go in the order of environment_teardown, and data stays unless it is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.removal import SECONDS, delete
from . import teardown_remove
from .teardown_order import Resource, plan

# Documented by the fragment pear.fargate.resource.data.
DATA_ARGUMENTS: dict[str, Any] = {"delete_data": {"type": "bool", "default": False}}


def remove_all(call: Invocation, found: Iterable[Resource], data: Sequence[str] = ()) -> tuple[Changes, list[str]]:
    """Remove the resources that are no data, and the data that is named. Return the differences, and what is kept."""
    changes, planned = Changes(call.check_mode), plan(found, data)
    if planned.refusals:
        raise Failure(f"Nothing was removed. {'; '.join(planned.refusals)}.", refusals=list(planned.refusals))
    seconds = call.params.get("timeout_seconds", SECONDS)
    for resource in planned.remove:
        request = partial(teardown_remove.remove, call.aws, resource)
        changes.want(str(resource), "present", "absent", partial(delete, call, resource, seconds, request))
    kept = [str(resource) for resource in planned.keep]
    if kept:
        call.progress.line(f"kept, since they hold data: {', '.join(kept)}. delete_data removes them")
    return changes, kept
