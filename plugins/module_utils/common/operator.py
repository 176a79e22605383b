# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The operator: the name in the ledger, in the lease and on started tasks."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import Any


def operator(params: Mapping[str, Any]) -> str:
    """The operator's name, from the option by or from user and host."""
    if params.get("by"):
        return str(params["by"])
    return f"{user()}@{socket.gethostname()}"


def user() -> str:
    """The user's name, or the user id in a container without that user."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
