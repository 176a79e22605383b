# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is against releasing an image without a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..module_utils.operations.converge import objection


def converge_objection(found: Mapping[str, Any], digest: str) -> str:
    """Why a person has to decide, in a sentence; empty if nothing is against it."""
    return objection(found["history"], digest)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"converge_objection": converge_objection}
