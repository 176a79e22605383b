#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_imported_certificate
short_description: Manage an imported certificate in ACM
version_added: 0.1.0
description:
  - Imports a certificate into AWS Certificate Manager, and re-imports it under the same ARN when it changes.
  - O(state=absent) waits while a listener still uses the certificate.
  - A certificate of the same O(name) that lacks the tag C(pear:environment) of O(tags) is left alone.
  - Unlike M(community.aws.acm_certificate) it needs no chain, so that a self-signed certificate works.
seealso:
  - module: pear.fargate.acm_validated_certificate
  - module: community.aws.acm_certificate
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Tag V(Name) of the certificate, by which it is found again.
    type: str
    required: true
  certificate:
    description: The certificate, PEM. Required with O(state=present).
    type: str
  private_key:
    description: The private key, PEM, without a passphrase. Required with O(state=present).
    type: str
  chain:
    description: Intermediate certificates, PEM.
    type: str
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.attributes.no_diff
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: The certificate of our own authority
  pear.fargate.acm_imported_certificate:
    name: staging
    certificate: "{{ lookup('ansible.builtin.file', 'staging.pem') }}"
    private_key: "{{ vault_staging_key }}"
    chain: "{{ lookup('ansible.builtin.file', 'authority.pem') }}"

- name: Remove the certificate of staging
  pear.fargate.acm_imported_certificate:
    name: staging
    state: absent
    tags: {pear:environment: staging}
"""

RETURN = r"""
certificate_arn:
  description: ARN of the certificate; null in check mode if it would be imported for the first time.
  returned: always
  type: str
  sample: arn:aws:acm:eu-central-1:123456789012:certificate/6e2b1b1c-3a7f-4f7e-9d42-0c1d2e3f4a5b
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.acm_imported_certificate import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "certificate": {"type": "str"},
    "private_key": {"type": "str", "no_log": True},
    "chain": {"type": "str"},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("certificate", "private_key"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
