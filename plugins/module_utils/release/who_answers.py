# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who answers the requests that a release is judged by. Pure.

A check proves something only where this service answers it, and a release helps nobody whom another service answers.
The rules of the listener say who does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws.elbv2_states import Rule
from ..service.location import ServiceLocation
from ..service.rule_match import Request, answering


@dataclass(frozen=True)
class JudgedRequest:
    """A request of a release, or one like those of the service's clients, and the rule that has to answer it."""

    title: str
    path: str
    headers: Mapping[str, str]
    own: Rule | None
    # What is to be corrected beside the service's rules, for a message.
    advice: str = ""


def requests(location: ServiceLocation, options: Mapping[str, Any], *, in_place: bool) -> Iterator[JudgedRequest]:
    """The requests of the options `checks` and `version_probe`, and one to the service's own address."""
    advice = "the check's path, "
    for check in options.get("checks") or ():
        if not check["command"]:
            own = location.production if in_place else location.test
            yield JudgedRequest(f"check {check['name']}", check["path"], check["headers"], own, advice)
    if probe := options.get("version_probe"):
        yield JudgedRequest("the version probe", probe["path"], probe["headers"], location.production, advice)
    if own_address := request_to_own_address(location):
        yield own_address


def request_to_own_address(location: ServiceLocation) -> JudgedRequest | None:
    """None where it is not known what a client sends: a worker has no clients, a network load balancer is sent connections, and some
    conditions cannot be made up."""
    if not location.is_routed or location.of_connections or location.production.conditions.others:
        return None
    return JudgedRequest("the service's own address", location.own_path, {}, location.production)


def answered_by_another(location: ServiceLocation, request: JudgedRequest) -> str:
    """Who answers instead of this service; empty where this service does."""
    # Who connects to a port of a network load balancer gets this service: there are no rules.
    if request.own is None or location.of_connections:
        return ""
    by_test = request.own is location.test
    sent = {**request.headers, **(location.test_headers if by_test else location.headers)}
    rules = location.test_rules if by_test else location.rules
    # From which addresses requests are sent is not known here.
    own_sources = tuple(rule.arn for rule in (location.production, *location.further, location.test) if rule)
    found = answering(rules, Request(location.host, location.path(request.path), sent, own_sources))
    # Only the test rule leads to a candidate; every production rule leads to this service.
    own = {request.own.arn} if by_test else {rule.arn for rule in (location.production, *location.further)}
    if found is not None and found.arn in own:
        return ""
    by = f"the rule of {found.owner} ({found.conditions}, priority {found.priority})" if found else "no rule"
    return (
        f"{request.path} of {location.host} is answered by {by}, not by this service ({request.own.conditions}, "
        f"priority {request.own.priority})"
    )
