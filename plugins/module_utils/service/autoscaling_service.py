# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the autoscaling of a service's live colour. The other colour's belongs to releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..aws import autoscaling, ecs
from ..aws.autoscaling import OWN, Bounds, is_scale_in
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT, TAG_SERVICE, EnvironmentNames, ServiceNames
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..monitoring import cloudwatch_alarms
from ..rollout.model import Colour
from . import step_scaling
from .location import NotProvisionedError, ServiceLocation, agreed_weights, locate_in_environment
from .scaling import Plan, Scaled, Scaling, foreign, known_policies, known_schedules, plan, policy, problems, schedule


def run(call: Invocation) -> dict[str, Any]:
    """Return the live colour, and what was written."""
    if call.params["state"] == "absent":
        nothing: dict[str, Any] = {
            "minimum": None,
            "maximum": None,
            "policies": [],
            "step_policies": [],
            "schedules": [],
        }
        call = replace(call, params={**call.params, **nothing})
    found = [*problems(call.params), *step_scaling.findings(call.params["step_policies"], "step_policies")]
    if found:
        raise Failure(f"Autoscaling of {call.params['service']}: {'; '.join(found)}. Nothing was changed.")
    changes = Changes(call.check_mode)
    if call.params["minimum"] is None and not _scaled(call):
        return _answer(changes, None, "Nothing scales it, and nothing should.")
    location = _location(call)
    if location is None:
        return _answer(changes, None, "The service is not provisioned yet.")
    weights = agreed_weights(location)
    live = next((colour for colour in Colour if weights.of(colour) == 100), None)
    if live is None:
        return _answer(changes, None, "A release is shifting traffic; run again when it has ended.")
    name = location.ecs_services[live]
    if name not in ecs.services(call.aws, location.cluster, [name]):
        return _answer(changes, live, "The first release makes the ECS service; run again after it.")
    _require_insights(call, location.cluster)
    current = _observe(call, location.cluster, name)
    if call.params["minimum"] is None:
        _remove(call, changes, location.cluster, name, current)
    else:
        planned = plan(current, _desired(call, location, live))
        _tell(changes, planned, current)
        if not call.check_mode:
            _apply(call, location.cluster, name, planned)
    _call_steps(call, changes, location, name)
    return _answer(changes, live, foreign_names=current.foreign)


def _require_insights(call: Invocation, cluster: str) -> None:
    """The number of running tasks is a metric of Container Insights: without it no backlog for each task is known."""
    policies = [*call.params["policies"], *call.params["step_policies"]]
    names = [policy["name"] for policy in policies if policy["metric"] == "backlog"]
    found = ecs.cluster(call.aws, cluster) if names else None
    if found and all(setting.get("value") == "disabled" for setting in found.get("settings", [])):
        raise Failure(
            f"Autoscaling of {call.params['service']}: the policy {names[0]} needs the number of running tasks, which Container Insights "
            f"counts, and that is off in cluster {cluster}. Set cluster_container_insights to enabled. Nothing was changed."
        )


def _scaled(call: Invocation) -> bool:
    """One read for the many services that never scale."""
    names = ServiceNames(call.params["environment"], call.params["service"])
    cluster = call.params["cluster"] or EnvironmentNames(call.params["environment"]).cluster
    return bool(autoscaling.scalable_targets(call.aws, cluster, [names.ecs_service(colour) for colour in Colour]))


def _location(call: Invocation) -> ServiceLocation | None:
    try:
        return locate_in_environment(call.aws, call.params)
    except NotProvisionedError:
        # Any other failure, such as a missing permission, fails check mode too.
        if call.check_mode:
            return None
        raise


def _observe(call: Invocation, cluster: str, name: str) -> Scaling:
    bounds = autoscaling.scalable_targets(call.aws, cluster, [name]).get(name)
    if bounds is None:
        return Scaling()
    policies = autoscaling.policies(call.aws, cluster, name)
    actions = autoscaling.scheduled_actions(call.aws, cluster, name)
    return Scaling(
        bounds.minimum,
        bounds.maximum,
        known_policies(policies, OWN),
        known_schedules(actions, OWN, leave=is_scale_in),
        foreign(
            [policy["PolicyName"] for policy in policies] + [action["ScheduledActionName"] for action in actions], OWN
        ),
    )


def _desired(call: Invocation, location: ServiceLocation, live: Colour) -> Scaling:
    label = f"{location.load_balancer_dimension}/{location.target_group_dimension(live)}" if location.is_routed else ""
    scaled = Scaled(location.cluster, location.ecs_services[live], label)
    return Scaling(
        call.params["minimum"],
        call.params["maximum"],
        {
            **{options["name"]: policy(options, scaled) for options in call.params["policies"]},
            **{options["name"]: step_scaling.policy(options) for options in call.params["step_policies"]},
        },
        {options["name"]: schedule(options) for options in call.params["schedules"]},
    )


def _call_steps(call: Invocation, changes: Changes, location: ServiceLocation, name: str) -> None:
    """The alarms that call step policies: AWS makes none for them. Those of policies that are gone are deleted."""
    if location.is_routed:
        # Without a worker's one ECS service there are none.
        return
    options = call.params["step_policies"]
    environment, service = call.params["environment"], call.params["service"]
    prefix = ServiceNames(environment, service).step_alarm_prefix
    arns = {
        found["PolicyName"]: found["PolicyARN"]
        for found in (autoscaling.policies(call.aws, location.cluster, name) if options else [])
    }
    scaled = Scaled(location.cluster, name)
    alarms = [
        step_scaling.alarm(
            option,
            prefix + option["name"],
            step_scaling.metrics(option, scaled),
            # Unknown in check mode, where the policy would be made.
            arns.get(OWN + option["name"], "(to be created)"),
        )
        for option in options
    ]
    tags = {TAG_ENVIRONMENT: environment, TAG_SERVICE: service}
    written = cloudwatch_alarms.run(
        replace(call, params={"alarms": alarms, "purge_prefix": prefix, "adopt": False, "tags": tags})
    )
    for alarm, after in written["diff"]["after"].items():
        changes.want(f"alarm {alarm}", written["diff"]["before"][alarm], after, lambda: None)


def _remove(call: Invocation, changes: Changes, cluster: str, name: str, current: Scaling) -> None:
    """Bounds without a policy or a schedule are how releases keep a colour warm: those stay.

    Deregistering would delete what others made with ours, so beside theirs only ours go.
    """
    if current.foreign:
        _tell(changes, ours := plan(current, Scaling(*current.bounds)), current)
        if not call.check_mode:
            _apply(call, cluster, name, ours)
    elif current.policies or current.schedules:
        autoscaled = {
            "bounds": list(current.bounds),
            "policies": sorted(current.policies),
            "schedules": sorted(current.schedules),
        }
        changes.want(name, autoscaled, None, partial(autoscaling.deregister, call.aws, cluster, name))


def _tell(changes: Changes, planned: Plan, current: Scaling) -> None:
    if planned.bounds:
        changes.want("bounds", list(current.bounds), list(planned.bounds), lambda: None)
    for name, desired in planned.put_policies.items():
        changes.want(f"policy {name}", current.policies.get(name), desired, lambda: None)
    for name, desired in planned.put_schedules.items():
        changes.want(f"schedule {name}", current.schedules.get(name), desired, lambda: None)
    for name in planned.delete_policies:
        changes.want(f"policy {name}", current.policies[name], None, lambda: None)
    for name in planned.delete_schedules:
        changes.want(f"schedule {name}", current.schedules[name], None, lambda: None)


def _apply(call: Invocation, cluster: str, name: str, planned: Plan) -> None:
    aws = call.aws
    if planned.bounds:
        autoscaling.register(aws, cluster, name, Bounds(*planned.bounds))
        call.progress.line(f"{name} scales between {planned.bounds[0]} and {planned.bounds[1]} tasks")
    for policy_name in planned.delete_policies:
        autoscaling.delete_policy(aws, cluster, name, OWN + policy_name)
    for schedule_name in planned.delete_schedules:
        autoscaling.unschedule(aws, cluster, name, OWN + schedule_name)
    for policy_name, configuration in planned.put_policies.items():
        autoscaling.put_policy(aws, cluster, name, OWN + policy_name, configuration)
        call.progress.line(f"policy {policy_name} of {name} put")
    for schedule_name, action in planned.put_schedules.items():
        autoscaling.put_schedule(aws, cluster, name, OWN + schedule_name, action)
        call.progress.line(f"schedule {schedule_name} of {name} put")


def _answer(changes: Changes, live: Colour | None, note: str = "", foreign_names: Sequence[str] = ()) -> dict[str, Any]:
    left = (
        f"Left unchanged, since their names do not begin with {OWN}: {', '.join(foreign_names)}. They scale the service too; delete "
        "those that you do not want."
    )
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "colour": str(live) if live else None,
        "note": note,
        "foreign": list(foreign_names),
        **({"warnings": [left]} if foreign_names else {}),
    }
