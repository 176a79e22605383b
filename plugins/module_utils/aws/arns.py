# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon Resource Names of one account and region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArnScope:
    """Where ARNs point to."""

    region: str
    account: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}"

    def policy(self, name: str) -> str:
        """A managed policy of the account."""
        return f"arn:{self.partition}:iam::{self.account}:policy/{name}"


def load_balancer_of(arn: str) -> str:
    """The ARN of a load balancer, from its own or from one of its listeners'."""
    head, listener, rest = arn.partition(":listener/")
    return f"{head}:loadbalancer/{'/'.join(rest.split('/')[:3])}" if listener else arn


def target_group_name(arn: str) -> str:
    return arn.split("/")[1] if "/" in arn else arn
