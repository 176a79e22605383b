# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who runs a playbook: what the ledger, the lease and started tasks name."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from typing import Any


def operator(params: Mapping[str, Any]) -> str:
    """Who asks, for the ledger and for whoever waits for the lease."""
    if params.get("by"):
        return str(params["by"])
    return f"{user()}@{socket.gethostname()}"


def user() -> str:
    """Who runs this, by name; by number in a container that knows no such user."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
