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
    description: The certificate, PEM.
    type: str
    required: true
  private_key:
    description: The private key, PEM, without a passphrase.
    type: str
    required: true
  chain:
    description: Intermediate certificates, PEM.
    type: str
  tags:
    description: Tags of a certificate that is imported for the first time.
    type: dict
    default: {}
extends_documentation_fragment:
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
"""

RETURN = r"""
certificate_arn:
  description: ARN of the certificate; null in check mode if it would be imported for the first time.
  returned: always
  type: str
  sample: arn:aws:acm:eu-central-1:123456789012:certificate/6e2b1b1c-3a7f-4f7e-9d42-0c1d2e3f4a5b
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.acm_imported_certificate import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "certificate": {"type": "str", "required": True},
    "private_key": {"type": "str", "required": True, "no_log": True},
    "chain": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
