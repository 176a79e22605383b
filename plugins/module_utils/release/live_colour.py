# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which colour is live: what the production rule's weights say, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..aws import elbv2
from ..aws.elbv2_states import Rule
from ..aws.errors import Failure
from ..aws.naming import COLOURS
from ..common.invocation import Invocation
from ..service.routing import PRODUCTION, find_rule
from ..service.specification import Specification

_UNKNOWN = "(to be created)"


@dataclass(frozen=True)
class Routes:
    """Where the production rule sends traffic: the live colour, and per colour its target group and health check."""

    live: str
    weights: Mapping[str, int]
    target_groups: Mapping[str, str]
    health_checks: Mapping[str, str]
    production: Rule | None = None


def find_routes(call: Invocation, spec: Specification) -> Routes:
    names = {colour: spec.names.target_group(colour) for colour in COLOURS}
    groups = elbv2.target_groups(call.aws, list(names.values()))
    listener = call.params["listener_arn"]
    missing = [name for name in names.values() if name not in groups]
    if missing or not listener:
        return _not_provisioned(call, spec, [*missing, *([] if listener else ["an https listener"])])
    arns = {colour: groups[name].arn for colour, name in names.items()}
    rule = find_rule(elbv2.rules(call.aws, listener), PRODUCTION, arns["blue"], arns["green"])
    if rule is None:
        return _not_provisioned(call, spec, ["a production rule"])
    weights = {colour: rule.weights.get(arn, 0) for colour, arn in arns.items()}
    checks = {colour: str(groups[name].health_check) for colour, name in names.items()}
    return Routes(live_colour(spec.service, weights), weights, arns, checks, rule)


def live_colour(service: str, weights: Mapping[str, int]) -> str:
    """Return the colour that has all traffic."""
    holders = [colour for colour, weight in weights.items() if weight > 0]
    if len(holders) != 1:
        raise Failure(
            f"Service {service}: its production rule sends traffic to {' and '.join(holders) or 'no colour'} "
            f"({', '.join(f'{colour} {weight}' for colour, weight in weights.items())}). A rolling release needs one live "
            "colour: finish or abort the release that is shifting traffic first.",
            weights=dict(weights),
        )
    return holders[0]


def _not_provisioned(call: Invocation, spec: Specification, missing: list[str]) -> Routes:
    """In check mode on an environment that is not there yet, blue would be the first live colour."""
    if not call.check_mode:
        raise Failure(
            f"Service {spec.service} is not provisioned: missing {', '.join(missing)}. Run playbooks/provision.yml "
            f"-l {spec.service} (or deploy.yml, which does both) first."
        )
    unknown = dict.fromkeys(COLOURS, _UNKNOWN)
    return Routes("blue", {"blue": 100, "green": 0}, unknown, unknown)
