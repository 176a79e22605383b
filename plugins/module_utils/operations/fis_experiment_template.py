# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a template of Fault Injection Service: one action, its targets, and the alarms that stop it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import fis
from ..aws.naming import TAG_EXPERIMENT
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.resource import TagCalls, put_tags_right, remove

_TARGET, _ACTION = "target", "fault"
# What of a template counts; FIS adds times, ids and defaults of its own.
_COUNTS = ("description", "roleArn", "stopConditions", "targets", "actions")


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the template that has the name in its tag."""
    params, changes = call.params, Changes(call.check_mode)
    tags = {**params["tags"], TAG_EXPERIMENT: params["name"]}
    # Other tags may change: a template that has earlier ones is the same.
    marks = {key: value for key, value in tags.items() if key.startswith("pear:")}
    found = next(iter(fis.templates(call.aws, marks)), None)
    template = found["id"] if found else ""
    if params["state"] == "absent":
        remove(changes, "template", found is not None, partial(fis.delete_template, call.aws, template))
        return _answer(changes, "")
    desired = request(params)
    if found is None:
        changes.want("template", None, desired, lambda: None)
        if not call.check_mode:
            template = fis.create_template(call.aws, desired, tags)
    else:
        current = {key: found.get(key) for key in _COUNTS}
        changes.want("template", current, desired, partial(fis.update_template, call.aws, template, desired))
        put_tags_right(changes, {**params, "tags": tags}, _tag_calls(call.aws, found, tags))
    return _answer(changes, template)


def _tag_calls(aws: Aws, found: Mapping[str, Any], tags: Mapping[str, str]) -> TagCalls:
    def add(_differ: object) -> None:
        # All of them: a policy may ask for the environment's in the request.
        fis.tag(aws, found["arn"], tags)

    return TagCalls(lambda: found.get("tags", {}), add, partial(fis.untag, aws, found["arn"]))


def _answer(changes: Changes, template: str) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "template_id": template,
    }


def request(params: Mapping[str, Any]) -> dict[str, Any]:
    """What CreateExperimentTemplate and UpdateExperimentTemplate are asked for."""
    given = params["target"]
    target = {"resourceType": given["resource_type"], "selectionMode": given["selection"]}
    if given["parameters"]:
        target["parameters"] = dict(given["parameters"])
    if given["resource_arns"]:
        target["resourceArns"] = list(given["resource_arns"])
    action = {"actionId": params["action"], "targets": {given["key"]: _TARGET}}
    if params["parameters"]:
        action["parameters"] = dict(params["parameters"])
    stops = [{"source": "aws:cloudwatch:alarm", "value": arn} for arn in params["stop_alarm_arns"]]
    return {
        "description": params["description"],
        "roleArn": params["role_arn"],
        "stopConditions": stops or [{"source": "none"}],
        "targets": {_TARGET: target},
        "actions": {_ACTION: action},
    }
