# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The roles of those who run the playbooks, found by name and tag, and the account's identity provider where no role else trusts it."""

from __future__ import annotations

from ..aws import iam, sts
from ..aws.arns import ArnScope
from ..aws.naming import TAG_COMPONENT, DeployerNames
from ..aws.session import Aws
from ..aws.tags import tags_of
from .github_trust import HOST
from .teardown_order import Resource

_OURS = "deployer"


def find(aws: Aws, environment: str, prefix: str) -> list[Resource]:
    """They stay unless they are asked for: they are an administrator's, and one of them may be the caller."""
    names = DeployerNames(environment, aws.region, prefix)
    found = {name: role for name in names.roles if (role := iam.role(aws, name)) is not None}
    ours = [name for name, role in found.items() if tags_of(role).get(TAG_COMPONENT) == _OURS]
    return [
        *(Resource("deployer role", name, name) for name in ours),
        *_policies(aws, names),
        *_identity_provider(aws, set(ours)),
    ]


def _policies(aws: Aws, names: DeployerNames) -> list[Resource]:
    caller = sts.caller(aws)
    place = ArnScope(aws.region, caller["account"], caller["arn"].split(":")[1])
    arns = {name: place.policy(name) for name in names.policies}
    return [
        Resource("deployer policy", arn, name)
        for name, arn in arns.items()
        if (iam.managed_policy_tags(aws, arn) or {}).get(TAG_COMPONENT) == _OURS
    ]


def _identity_provider(aws: Aws, roles: set[str]) -> list[Resource]:
    """One for all environments of the account."""
    found = iam.oidc_provider(aws, HOST)
    if found is None or found.tags.get(TAG_COMPONENT) != _OURS or set(iam.roles_trusting(aws, found.arn)) - roles:
        return []
    return [Resource("identity provider", found.arn, HOST)]
