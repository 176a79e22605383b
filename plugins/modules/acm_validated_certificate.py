#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_validated_certificate
short_description: Manage a public ACM certificate that is validated by DNS
version_added: 0.1.0
description:
  - Finds the issued certificate of AWS Certificate Manager that covers a domain and exactly the given alternative names.
  - If there is none, requests one, writes the validation records into a hosted zone of Route 53, and waits until it is issued.
  - O(state=absent) removes the certificates with these names that have the tag C(pear:environment) of O(tags). It waits while a
    listener uses one. The validation records stay, since certificates of the same name share them.
  - Tags of a certificate that others requested are left unchanged.
  - ACM renews such a certificate automatically while the validation records exist.
seealso:
  - module: pear.fargate.acm_imported_certificate
  - module: pear.fargate.route53_service_records
author:
  - pear.fargate contributors (@pear-fargate)
options:
  domain:
    description: Fully qualified domain name; may begin with V(*.).
    type: str
    required: true
  alternative_names:
    description: Additional names of the certificate.
    type: list
    elements: str
    default: []
  zone:
    description:
      - Name of the public hosted zone that the validation records are written into.
      - If omitted, the records are only returned, for DNS that is managed elsewhere.
    type: str
  key_algorithm:
    description: Algorithm of the certificate's key.
    type: str
    choices: [RSA_2048, EC_prime256v1, EC_secp384r1]
    default: EC_prime256v1
  wait:
    description: Whether to wait until the certificate is issued.
    type: bool
    default: true
  timeout_seconds:
    description: Maximum time to wait. ACM usually takes some minutes.
    type: int
    default: 900
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: A certificate for the environment's domain
  pear.fargate.acm_validated_certificate:
    domain: scores.example.com
    alternative_names: ["*.scores.example.com"]
    zone: example.com
  register: certificate

- name: Remove the certificate of staging
  pear.fargate.acm_validated_certificate:
    domain: staging.example.com
    state: absent
    tags: {pear:environment: staging}
"""

RETURN = r"""
certificate_arn:
  description: ARN of the certificate; null in check mode if one would be requested.
  returned: always
  type: str
  sample: arn:aws:acm:eu-central-1:123456789012:certificate/6e2b1b1c-3a7f-4f7e-9d42-0c1d2e3f4a5b
status:
  description: ACM's status of the certificate.
  returned: always
  type: str
  sample: ISSUED
validation_records:
  description: CNAME records that validate the names.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the record.
      type: str
    value:
      description: Value of the record.
      type: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.acm_validated_certificate import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "domain": {"type": "str", "required": True},
    "alternative_names": {"type": "list", "elements": "str", "default": []},
    "zone": {"type": "str"},
    "key_algorithm": {
        "type": "str",
        "choices": ["RSA_2048", "EC_prime256v1", "EC_secp384r1"],
        "default": "EC_prime256v1",
    },
    "wait": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "int", "default": 900},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
