# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a whole set of alarms: one read for all, a write for each that differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..aws import cloudwatch
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim, is_ours
from .alarms import is_composite, named_in, plan, problems, request


def run(call: Invocation) -> dict[str, Any]:
    """Return the names of the alarms that are there, those put and those deleted."""
    alarms, prefix = call.params["alarms"], call.params["purge_prefix"]
    names = [alarm["name"] for alarm in alarms]
    elsewhere = sorted(set().union(*(named_in(alarm["rule"] or "") for alarm in alarms)) - {*names})
    there = {alarm["AlarmName"] for alarm in cloudwatch.alarms_named(call.aws, elsewhere)} if elsewhere else set()
    refused = problems(alarms) + [
        f"a rule names the alarm {name}, which is not there" for name in elsewhere if name not in there
    ]
    if refused:
        raise Failure(f"{'; '.join(refused)}. Nothing was changed.", findings=refused)
    found = cloudwatch.alarms(call.aws, prefix) if prefix else []
    known = {alarm["AlarmName"] for alarm in found}
    found += cloudwatch.alarms_named(call.aws, [name for name in names if name not in known])
    desired = [request(alarm) for alarm in alarms]
    planned = plan(found, desired, prefix)
    foreign = _foreign(call, {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in found}, [*planned.before])
    # An alarm of others that has the prefix, but the name of none of ours, stays and is named.
    left = [] if call.params.get("adopt") else [a.name for a in foreign.values() if a.name in planned.delete]
    planned = plan([alarm for alarm in found if alarm["AlarmName"] not in left], desired, prefix)
    foreign = {arn: alarm for arn, alarm in foreign.items() if alarm.name not in left}
    claim(call, run, call.params["tags"], foreign.values())
    if not call.check_mode:
        for arn in foreign:
            # PutMetricAlarm ignores the tags of an alarm that exists.
            cloudwatch.tag(call.aws, arn, call.params["tags"])
        in_alarm = {alarm["name"] for alarm in alarms if alarm["starts_in_alarm"]}
        for alarm in planned.put:
            name = alarm["AlarmName"]
            is_new = planned.before[name] is None
            put = cloudwatch.create_in_alarm if is_new and name in in_alarm else cloudwatch.put_alarm
            put(call.aws, name, alarm, call.params["tags"])
            call.progress.line(f"alarm {name} {'created' if is_new else 'changed'}")
        if planned.delete:
            composites = [alarm["AlarmName"] for alarm in found if is_composite(alarm)]
            cloudwatch.delete_alarms(call.aws, planned.delete, composites)
            call.progress.line(f"alarms deleted: {', '.join(planned.delete)}")
    return {
        "changed": bool(planned.put or planned.delete),
        "diff": {"before": dict(planned.before), "after": dict(planned.after)},
        "alarms": names,
        "put": [alarm["AlarmName"] for alarm in planned.put],
        "deleted": list(planned.delete),
        "foreign": left,
        "warnings": [
            f"Alarm {name} has a name like ours and no tag of ours: others made it, and it stays." for name in left
        ],
    }


def _foreign(call: Invocation, arns: Mapping[str, str], names: Sequence[str]) -> dict[str, Existing]:
    """By ARN, the alarms among those to be changed or deleted that others made: one call each, so no other is looked at."""
    found = {
        arns[name]: Existing("alarm", name, cloudwatch.tags(call.aws, arns[name])) for name in names if name in arns
    }
    return {arn: alarm for arn, alarm in found.items() if not is_ours(alarm.tags, call.params["tags"])}
