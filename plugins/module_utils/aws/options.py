# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Region, profile, credentials and endpoint: the common options of AWS modules, as amazon.aws defines them.

Written down here and not imported: amazon.aws brings boto3 along, a fifth of a second for each task of each host.
tests/unit/aws/test_aws_adapters.py compares the two.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback


def _from(*variables: str) -> tuple[Any, list[str]]:
    return env_fallback, list(variables)


AWS_OPTIONS: dict[str, dict[str, Any]] = {
    "region": {"aliases": ["aws_region"], "fallback": _from("AWS_REGION", "AWS_DEFAULT_REGION")},
    "profile": {"aliases": ["aws_profile"], "fallback": _from("AWS_PROFILE", "AWS_DEFAULT_PROFILE")},
    "access_key": {
        "aliases": ["aws_access_key_id", "aws_access_key"],
        "fallback": _from("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
        "no_log": False,
    },
    "secret_key": {
        "aliases": ["aws_secret_access_key", "aws_secret_key"],
        "fallback": _from("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
        "no_log": True,
    },
    "session_token": {"aliases": ["aws_session_token"], "fallback": _from("AWS_SESSION_TOKEN"), "no_log": True},
    "endpoint_url": {"aliases": ["aws_endpoint_url"], "fallback": _from("AWS_URL")},
    "aws_ca_bundle": {"type": "path", "fallback": _from("AWS_CA_BUNDLE")},
    "validate_certs": {"type": "bool", "default": True},
    "aws_config": {"type": "dict"},
    "debug_botocore_endpoint_logs": {
        "type": "bool",
        "default": False,
        "fallback": _from("ANSIBLE_DEBUG_BOTOCORE_LOGS"),
    },
}
