"""python -m sandbox fault add | list | clear | kill: faults from the command line."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ..config import Settings
from .model import KINDS

_EXAMPLES = """examples:
  fault add latency 'ecs:Describe*' --milliseconds 400
  fault add throttle 'elasticloadbalancing:ModifyRule' --count 3
  fault add error 'dynamodb:*' --probability 0.2 --after     carried out, but the answer is lost
  fault add deny 'ecs:UpdateService'
  fault add slow my-target-group --milliseconds 900 --probability 0.1
  fault add erroring TASK-ID --status 503 --health-checks
  fault add vanish my-target-group                           connections refused, health checks too
  fault add zone eu-central-1a                               its tasks die, and none is placed there
  fault add subnet SUBNET-ID                                 nothing reaches its tasks, and they reach nothing
  fault kill my-service                                      SIGKILL to its oldest task, once
"""


class FaultRefused(Exception):
    """The sandbox refused a fault; the text says why."""


def arguments(verbs: Any) -> None:
    """Add the verb `fault` to the command line."""
    fault = verbs.add_parser(
        "fault",
        help="make calls, targets, tasks and zones fail on demand",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = fault.add_subparsers(dest="fault_verb", required=True)
    add = what.add_parser("add", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    add.add_argument("kind", choices=KINDS)
    add.add_argument("subject", help="service:Operation with wildcards; a target group or a task; a zone; a subnet")
    add.add_argument("--probability", type=float, default=1.0)
    add.add_argument("--count", type=int, help="so many calls meet it, then it ends")
    add.add_argument("--milliseconds", type=float, default=0.0)
    add.add_argument("--status", type=int, default=500)
    add.add_argument("--code", default="InternalFailure", help="AWS's error code, of `error`")
    add.add_argument("--after", action="store_true", help="the call is carried out first")
    add.add_argument("--health-checks", action="store_true", help="the target's health checks meet it too")
    what.add_parser("list", help="the faults that are on, and how often each was met")
    clear = what.add_parser("clear", help="end one fault, or all")
    clear.add_argument("id", nargs="?")
    kill = what.add_parser("kill", help="SIGKILL to a task, or to the oldest one of a service")
    kill.add_argument("subject")


def run(settings: Settings, given: argparse.Namespace) -> None:
    """Do what the command line says. Raises FaultRefused."""
    if given.fault_verb == "add":
        names = ("kind", "subject", "probability", "count", "milliseconds", "status", "code", "after", "health_checks")
        made = call(settings, "POST", "/_sandbox/faults", {name: getattr(given, name) for name in names})
        killed = f"; killed: {' '.join(made['killed'])}" if made["killed"] else ""
        print(f"{made['id']}  {given.kind} {made['subject']}{killed}")
    elif given.fault_verb == "kill":
        print("killed", *call(settings, "POST", "/_sandbox/kill", {"subject": given.subject})["killed"])
    elif given.fault_verb == "clear":
        query = f"?{urllib.parse.urlencode({'id': given.id})}" if given.id else ""
        print("cleared", *call(settings, "DELETE", f"/_sandbox/faults{query}")["cleared"])
    else:
        for fault in call(settings, "GET", "/_sandbox/faults")["faults"]:
            print(f"{fault['id']}  {fault['kind']} {fault['subject']}  {_details(fault)}  met {fault['met']} times")


def _details(fault: dict[str, Any]) -> str:
    said = []
    if fault["milliseconds"]:
        said.append(f"{fault['milliseconds']:g} ms")
    if fault["probability"] < 1:
        said.append(f"with probability {fault['probability']:g}")
    if fault["count"]:
        said.append(f"{fault['count']} times")
    if fault["after"]:
        said.append("after the call")
    return ", ".join(said) or "always"


def call(settings: Settings, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Ask the sandbox itself, beside AWS's API."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(settings.endpoint + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as refused:
        raise FaultRefused(json.load(refused)["message"]) from refused
