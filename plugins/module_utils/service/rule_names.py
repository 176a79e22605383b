# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tags of a service's rules hold: the names of further ones, by which they are found again whatever their conditions were,
and whether the collection made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..aws import elbv2
from ..aws.elbv2_states import Rule
from ..aws.naming import TAG_ENVIRONMENT, TAG_RULE
from ..aws.session import Aws
from .routing import is_own


def with_names(aws: Aws, rules: Sequence[Rule], blue: str, green: str) -> list[Rule]:
    """The rules, with names and marks of the service's own. A service with one production rule costs no call."""
    ours = [rule.arn for rule in rules if is_own(rule, blue, green) and rule.conditions.test_value is None]
    tags = elbv2.tags(aws, ours) if len(ours) > 1 else {}
    return [
        replace(
            rule,
            name=tags[rule.arn].get(TAG_RULE, ""),
            marked=bool({TAG_RULE, TAG_ENVIRONMENT} & tags[rule.arn].keys()),
        )
        if rule.arn in tags
        else rule
        for rule in rules
    ]
