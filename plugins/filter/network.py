# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layout of a network for roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.network import layout


def network_layout(cidr: str, zones: list[str], **options: Any) -> list[dict[str, str]]:
    """Subnets of a network, or the sentence why there are none."""
    try:
        return layout(cidr, zones, **options)
    except ValueError as refused:
        raise AnsibleFilterError(str(refused)) from refused


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"network_layout": network_layout}
