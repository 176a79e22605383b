#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_oidc_provider
short_description: Manage the OpenID Connect identity provider of an account
version_added: 0.2.0
description:
  - Lets roles of the account trust the tokens of an issuer, such as GitHub Actions.
  - An account has one identity provider for each issuer. One that others made, without the tag C(pear:component) of O(tags), is used as it
    is and never changed; a missing audience is then an error.
  - Audiences that O(audiences) does not name are left unchanged.
  - With O(state=absent) it is removed unless a role of the account trusts it. RV(trusted_by) names those roles.
seealso:
  - module: pear.fargate.ecs_task_role
author:
  - pear.fargate contributors (@pear-fargate)
options:
  url:
    description: URL of the issuer, as the tokens' claim C(iss) has it.
    type: str
    default: https://token.actions.githubusercontent.com
  audiences:
    description: Audiences (claim C(aud)) of the tokens that are accepted.
    type: list
    elements: str
    default: [sts.amazonaws.com]
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Roles of this account may trust GitHub's tokens
  pear.fargate.iam_oidc_provider:
    tags: {"pear:component": deployer}

- name: And an issuer of our own, whose provider has a path
  pear.fargate.iam_oidc_provider:
    url: https://ci.example.com/oidc
    audiences: [https://ci.example.com]

# A provider that others made without this audience fails the task, and is not changed:
#   The account has an identity provider token.actions.githubusercontent.com that others made, without the audience sts.amazonaws.com. …
"""

RETURN = r"""
arn:
  description: ARN of the identity provider; null in check mode if it would be created, and where it does not exist.
  returned: always
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
managed:
  description: Whether it is this collection's. False for one that others made.
  returned: always
  type: bool
  sample: true
trusted_by:
  description: With O(state=absent), the roles that trust it and for which it was kept.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.iam_oidc_provider import run

ARGUMENT_SPEC = {
    "url": {"type": "str", "default": "https://token.actions.githubusercontent.com"},
    "audiences": {"type": "list", "elements": "str", "default": ["sts.amazonaws.com"]},
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
