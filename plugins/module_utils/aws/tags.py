# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags as AWS's services write them: lists of pairs, whose keys ECS alone writes in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import ansible_dict_to_boto3_tag_list


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return ansible_dict_to_boto3_tag_list(dict(sorted(tags.items())))


def lower_case_tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """For ECS."""
    return ansible_dict_to_boto3_tag_list(dict(sorted(tags.items())), "key", "value")


def tag_filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Filters of EC2 for resources that have all of these tags."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]


def tags_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an answer's entry as a dict. A tag may have no value, which amazon.aws's helper does not accept."""
    pairs = entry.get("Tags") or entry.get("tags") or entry.get("TagList") or []
    return {pair.get("Key", pair.get("key")): pair.get("Value", pair.get("value", "")) for pair in pairs}
