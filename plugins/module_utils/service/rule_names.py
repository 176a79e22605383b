# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of a service's further rules, which their tags hold: by them a rule is found again whatever its conditions were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..aws import elbv2
from ..aws.elbv2_states import Rule
from ..aws.naming import TAG_RULE
from ..aws.session import Aws
from .routing import is_own


def with_names(aws: Aws, rules: Sequence[Rule], blue: str, green: str) -> list[Rule]:
    """The rules, with the names of the service's own. A service with one production rule costs no call."""
    ours = [rule.arn for rule in rules if is_own(rule, blue, green) and rule.conditions.test_value is None]
    tags = elbv2.tags(aws, ours) if len(ours) > 1 else {}
    return [replace(rule, name=tags.get(rule.arn, {}).get(TAG_RULE, "")) for rule in rules]
