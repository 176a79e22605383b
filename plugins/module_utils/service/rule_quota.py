# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a load balancer has room for the rules that a service needs.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..aws import elbv2
from ..aws.arns import load_balancer_of
from ..aws.elbv2_states import Rule
from ..aws.session import Aws
from .routing import DesiredRules, find_rule, surplus


def findings(aws: Aws, listener: str, rules: Sequence[Rule], desired: DesiredRules) -> Iterator[str]:
    """Nothing is read where no rule has to be made."""
    new = [kind for kind in desired.kinds if find_rule(rules, kind, desired.blue, desired.green) is None]
    yield from no_room(aws, listener, len(rules) - len(surplus(rules, desired)), new, len(surplus(rules, desired)))


def no_room(aws: Aws, listener: str, kept: int, new: Sequence[str], going: int = 0) -> Iterator[str]:
    """Of a listener that keeps so many rules, and gets new ones in place of those that go."""
    if len(new) <= going:
        return
    balancer = load_balancer_of(listener)
    others = [found["ListenerArn"] for found in elbv2.listeners(aws, balancer) if found["ListenerArn"] != listener]
    held = kept + sum(len(elbv2.rules(aws, other)) for other in others)
    allowed = elbv2.rules_allowed(aws)
    if allowed is not None and held + len(new) > allowed:
        yield (
            f"the load balancer has {held} rules, this service needs {len(new)} more ({', '.join(new)}), and the account's quota is "
            f"{allowed}: raise it (Service Quotas, Rules per Application Load Balancer), or use another load balancer"
        )
