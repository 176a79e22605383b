# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that the blue/green modules share, and the orders that they become. Documented by the fragment pear.fargate.bluegreen."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from ..aws.errors import Failure
from ..common.operator import operator
from ..monitoring.objectives import objectives, problems
from ..rollout.begin import Order, ReturnOrder
from ..rollout.colour_return import ColourOrder
from ..rollout.model import (
    Bound,
    Colour,
    ErrorGate,
    Gates,
    Kind,
    LatencyGate,
    MissingData,
    OldColour,
    OnInconclusive,
    Plan,
    Policy,
    WhenStableIsDown,
)
from ..rollout.strategy import STRATEGIES, metrics_seconds
from ..rollout.strategy import plan as plan_of
from ..service.block_storage import findings as volume_findings
from ..service.containers import findings as container_findings
from ..service.discovery import discovery_findings, has_names
from ..service.existing import EXISTING_ARGUMENTS
from ..service.further_targets import release_findings
from ..service.location import WORKER
from ..service.specification import Specification
from ..service.worker import worker_findings
from .check_options import CHECK, check_findings
from .ledger_items import new_id

# ECS calls a deployment complete once its tasks run: a worker that starts and then dies is found by watching it.
_WORKER_BAKE_SECONDS = 60
_DIMENSIONS = {"type": "dict", "default": {}}
METRIC = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "metric": {"type": "str", "required": True},
    "statistic": {"type": "str", "default": "Average"},
    "dimensions": _DIMENSIONS,
    "minimum": {"type": "float"},
    "maximum": {"type": "float"},
    "missing": {"type": "str", "choices": [str(choice) for choice in MissingData], "default": "inconclusive"},
}
GATES = {
    "alarms": {"type": "list", "elements": "str", "default": []},
    "errors": {
        "type": "dict",
        "options": {
            "tolerance_percent": {"type": "float", "default": 1.0},
            "significance": {"type": "float", "default": 0.01},
            "minimum_requests": {"type": "int", "default": 100},
            "ceiling_percent": {"type": "float"},
        },
    },
    "latency": {
        "type": "dict",
        "options": {
            "maximum_ratio": {"type": "float", "default": 1.5},
            "significance": {"type": "float", "default": 0.01},
            "minimum_requests": {"type": "int", "default": 100},
            "ceiling_seconds": {"type": "float"},
        },
    },
    "metrics": {"type": "list", "elements": "dict", "default": [], "options": METRIC},
    "period_seconds": {"type": "int", "default": 60},
    "delay_seconds": {"type": "int", "default": 120},
}
STRATEGY: dict[str, Any] = {
    "strategy": {
        "type": "str",
        "choices": [strategy for strategy in STRATEGIES if strategy != "rolling"],
        "default": "all_at_once",
    },
    "percent": {"type": "int"},
    "duration_seconds": {"type": "int"},
    "step_percent": {"type": "int"},
    "interval_seconds": {"type": "int"},
    "bake_seconds": {"type": "int"},
    "steps": {
        "type": "list",
        "elements": "dict",
        "options": {
            "weight": {"type": "int", "required": True},
            "duration_seconds": {"type": "int"},
            "approval": {"type": "bool"},
            "approval_timeout_seconds": {"type": "int"},
        },
    },
}
POLICY = {
    "minimum_healthy": {"type": "int", "default": 1},
    "capacity_percent": {"type": "int", "default": 100},
    "stage_timeout_seconds": {"type": "int", "default": 900},
    "inconclusive": {"type": "str", "choices": ["return", "approval", "continue"], "default": "return"},
    "patience_seconds": {"type": "int", "default": 300},
    "pause_timeout_seconds": {"type": "int", "default": 3600},
    "return_timeout_seconds": {"type": "int", "default": 600},
    "window_seconds": {"type": "int", "default": 3600},
    "old_colour": {"type": "str", "choices": ["auto", *map(str, OldColour)], "default": "auto"},
    "settle_seconds": {"type": "int", "default": 0},
    "hold_when_interrupted": {"type": "bool", "default": False},
    "when_stable_is_down": {
        "type": "str",
        "choices": [str(choice) for choice in WhenStableIsDown],
        "default": "promote",
    },
}
# What every blue/green module needs to find its service.
PLACE_ARGUMENTS: dict[str, Any] = {
    "environment": {"type": "str"},
    "service": {"type": "str", "required": True},
    "by": {"type": "str"},
    **EXISTING_ARGUMENTS,
}
# The error budgets of a service: the gate of a release and the status read them.
SLOS_ARGUMENT: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "target_percent": {"type": "float", "required": True},
        "threshold_seconds": {"type": "float"},
        "window_days": {"type": "int", "default": 28},
        "minimum_requests": {"type": "int", "default": 100},
    },
}
# Who is told what becomes of a release, and where it is shown.
NOTICE_ARGUMENTS: dict[str, Any] = {
    "release_topics": {"type": "list", "elements": "str", "default": []},
    "report_url": {"type": "str", "default": ""},
    "dashboard": {"type": "str", "default": ""},
}
RELEASE_ARGUMENTS: dict[str, Any] = {
    **NOTICE_ARGUMENTS,
    "by": {"type": "str"},
    "plan": {"type": "dict", "options": STRATEGY, "default": {}},
    "gates": {"type": "dict", "options": GATES, "default": {}},
    "checks": {"type": "list", "elements": "dict", "default": [], "options": CHECK},
    "version_probe": {"type": "dict", "options": CHECK},
    "policy": {"type": "dict", "options": POLICY, "default": {}},
    "verify_tls": {"type": "bool", "default": True},
    "contract": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str", "default": [], "choices": ["schedule_group", "task_definition"]},
    "restart": {"type": "bool", "default": False},
    "report": {"type": "list", "elements": "path"},
    "slos": SLOS_ARGUMENT,
    "budget": {"type": "str", "choices": ["enforce", "override"], "default": "enforce"},
    "budget_reason": {"type": "str", "default": ""},
    "version": {"type": "str"},
}


def filled(options: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A dictionary option with the defaults of its suboptions: Ansible fills those in only where the option is given."""
    return {
        name: options[name] if options.get(name) is not None else option.get("default") for name, option in spec.items()
    }


def order(params: Mapping[str, Any], spec: Specification, now: float) -> Order:
    """The release that the options describe; Failure with everything that is wrong with them."""
    gates = _gates(filled(params["gates"], GATES))
    plan = _plan(params, gates)
    before, after = _checks(params, plan)
    wrong = [*_wrong_budget(params), *_wrong_topics(params, spec.region)]
    if wrong:
        raise Failure("; ".join(wrong))
    return Order(
        id=new_id(Kind.DEPLOY, now, token()),
        service=spec.service,
        by=operator(params),
        digest=_digest(params, spec),
        fingerprint=fingerprint(spec),
        plan=plan,
        gates=gates,
        policy=policy(params),
        checks=before,
        verifications=after,
        desired_count=spec.desired_count,
        contract=params["contract"],
        restart=params["restart"],
        single_writer=params["single_writer"],
        version=params["version"] or "",
        budget_override=params["budget_reason"].strip() if params.get("budget") == "override" else "",
        adopts=bool(spec.registered),
    )


def _wrong_topics(params: Mapping[str, Any], region: str) -> list[str]:
    """A topic that could never be told. A rollback does not look: it is no reason to let users wait."""
    return [
        f"release_topics: {topic!r} is neither the name nor the ARN of a standard topic of SNS in {region}"
        for topic in params.get("release_topics") or []
        if not re.fullmatch(rf"(arn:[a-z-]+:sns:{re.escape(region)}:\d{{12}}:)?[A-Za-z0-9_-]{{1,256}}", topic)
    ]


def _wrong_budget(params: Mapping[str, Any]) -> list[str]:
    found = list(problems(objectives(params.get("slos") or [])))
    if params.get("budget") == "override" and not params["budget_reason"].strip():
        found.append(
            "budget is override, which needs a reason that the ledger keeps: set budget_reason (service_budget_reason)"
        )
    return found


def _checks(params: Mapping[str, Any], plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the checks before the version has traffic, and after.

    In place there is no candidate that could be asked: tasks such as migrations run before, requests are made after.
    """
    names = [check["name"] for check in params["checks"]]
    if not plan.in_place:
        return tuple(names), ()
    tasks = {check["name"] for check in params["checks"] if check["command"]}
    return tuple(name for name in names if name in tasks), tuple(name for name in names if name not in tasks)


def return_order(params: Mapping[str, Any], now: float) -> ReturnOrder:
    return ReturnOrder(
        id=new_id(Kind.ROLLBACK, now, token()),
        service=params["service"],
        by=operator(params),
        policy=policy(params),
        named=params["to"] or None,
        force=params["force"],
        only_abandoned=params["only_abandoned"],
    )


def colour_order(params: Mapping[str, Any], now: float) -> ColourOrder:
    return ColourOrder(
        id=new_id(Kind.ROLLBACK, now, token()),
        service=params["service"],
        by=operator(params),
        colour=Colour(params["to_colour"]),
        minimum_healthy=policy(params).minimum_healthy,
    )


def policy(params: Mapping[str, Any]) -> Policy:
    given = filled(params["policy"], POLICY)
    # Desired counts of services that others made are theirs.
    default = OldColour.KEEP if params.get("services") else OldColour.SCALE_IN
    return Policy(
        **{
            **given,
            "inconclusive": OnInconclusive(given["inconclusive"]),
            "when_stable_is_down": WhenStableIsDown(given["when_stable_is_down"]),
            "old_colour": default if given["old_colour"] == "auto" else OldColour(given["old_colour"]),
        }
    )


def token() -> str:
    """A few random characters: keeps two of the same second apart."""
    return secrets.token_hex(2)


def fingerprint(spec: Specification) -> str:
    """Stands for everything that a task of this version is made from."""
    if spec.registered:
        return spec.registered
    content = json.dumps(spec.task_definition(), sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _digest(params: Mapping[str, Any], spec: Specification) -> str:
    """A task definition of others may name its image by a tag. Its revision identifies the version then."""
    digest = image_digest(params)
    return digest if digest.startswith("sha256:") or not spec.registered else ""


def image_digest(params: Mapping[str, Any]) -> str:
    """Digest of the service's own container; its whole reference where that names none."""
    image: str = next(
        container["image"] for container in params["containers"] if container["name"] == params["container"]
    )
    return image.rpartition("@")[2]


def _plan(params: Mapping[str, Any], gates: Gates) -> Plan:
    given = filled(params["plan"], STRATEGY)
    if params.get("kind") == WORKER and given["bake_seconds"] is None:
        given["bake_seconds"] = _WORKER_BAKE_SECONDS
    timing = filled(params["gates"], GATES)
    made = plan_of(given, gates, metrics_seconds(timing["period_seconds"], timing["delay_seconds"]))
    findings = [] if isinstance(made, Plan) else made
    findings += check_findings(params)
    if given["strategy"] == "rolling":
        why = "the strategy rolling has no second colour: leave it out, or choose another strategy"
        read = _OF_ROLLBACK if _rolls_back_to_other_colour(params) else ()
        findings += _of_two_colours({**params["policy"], **dict.fromkeys(read)}, why)
    elif params["single_writer"]:
        findings += _of_two_colours(params["policy"], "single_writer lets no second colour run: leave it out")
    findings += container_findings(params["containers"])
    findings += volume_findings(params)
    if params.get("kind") == WORKER:
        findings += worker_findings({**params, "strategy": given["strategy"]}, "")
    elif not params.get("port") and not params.get("services"):
        findings.append("port is missing: the load balancer sends requests to it")
    findings += discovery_findings({**params, "strategy": given["strategy"]})
    findings += release_findings({**params, "strategy": given["strategy"]})
    if params["single_writer"] and isinstance(made, Plan):
        findings += _more_than_one_writer(params, made)
    if findings or not isinstance(made, Plan):
        raise Failure(f"{_counted(findings)}, and nothing was changed: " + "; ".join(findings), findings=findings)
    return made


# Settings of the colour without traffic, with the values that change nothing.
_OF_TWO_COLOURS: dict[str, tuple[Any, ...]] = {
    "capacity_percent": (100,),
    "window_seconds": (3600,),
    "old_colour": ("auto", OldColour.SCALE_IN),
    "when_stable_is_down": (WhenStableIsDown.PROMOTE,),
}
# Those of them that the rollback of a rolling release reads: it goes to the other colour, by the same variables.
_OF_ROLLBACK = ("window_seconds", "old_colour")


def _rolls_back_to_other_colour(params: Mapping[str, Any]) -> bool:
    in_place = params.get("kind") == WORKER or params.get("further_target_groups") or has_names(params)
    return not in_place and not params["single_writer"]


def _of_two_colours(given: Mapping[str, Any], why: str) -> list[str]:
    """Settings that speak of a second colour, where they were set to something."""
    return [
        f"policy.{name} is {given[name]}, but {why}"
        for name, neutral in _OF_TWO_COLOURS.items()
        if given.get(name) not in (None, *neutral)
    ]


def _more_than_one_writer(params: Mapping[str, Any], made: Plan) -> list[str]:
    """Settings that need two tasks at once, or tasks of both versions, and so contradict single_writer."""
    findings = []
    if params["desired_count"] > 1:
        findings.append(f"desired_count is {params['desired_count']}, but single_writer allows 1 task")
    shares = [step.weight for step in made.steps if step.weight < 100]
    if shares:
        findings.append(
            f"the strategy {made.strategy} gives the candidate {shares[0]} % of traffic while live has the rest, but single_writer stops "
            "live before the candidate starts: choose all_at_once or rolling"
        )
    least = params["policy"].get("minimum_healthy") or 1
    if least > 1:
        findings.append(f"policy.minimum_healthy is {least}, but single_writer allows 1 task")
    if params["policy"].get("hold_when_interrupted"):
        findings.append(
            "policy.hold_when_interrupted is true, but with single_writer it would leave the service without a task"
        )
    if params.get("stage_only"):
        findings.append("stage_only starts a candidate beside live, which single_writer does not allow")
    return findings


def _counted(findings: list[str]) -> str:
    return "1 finding" if len(findings) == 1 else f"{len(findings)} findings"


def _gates(given: Mapping[str, Any]) -> Gates:
    errors, latency = given["errors"], given["latency"]
    return Gates(
        alarms=tuple(given["alarms"]),
        errors=ErrorGate(**errors) if errors else None,
        latency=LatencyGate(**latency) if latency else None,
        bounds=tuple(
            Bound(metric["name"], metric["minimum"], metric["maximum"], MissingData(metric["missing"]))
            for metric in given["metrics"]
        ),
    )
