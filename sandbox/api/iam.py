"""IAM: AWS's own policies, in the partition that a sandbox has.

moto makes all of them for each of seven partitions when it first looks an access key up: seconds of every start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.models import IAMBackend
from moto.utilities.utils import get_partition

from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    """Make no policies of other partitions."""
    own = get_partition(sandbox.settings.region)

    @patch(IAMBackend, "_init_aws_policies", ("self",))
    def only_of_its_own_partition(original: Callable[..., Any], self: Any) -> Any:
        return original(self) if get_partition(self.region_name) == own else []
