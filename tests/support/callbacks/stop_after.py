"""A callback that kills ansible-playbook once a number of tasks have ended: what power cuts and impatient people do.

PEAR_STOP_AFTER is that number.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stop_after
type: notification
short_description: Kill the run after a number of tasks
version_added: 0.1.0
description:
  - SIGKILL to ansible-playbook itself, without a chance to clean up.
requirements:
  - enabled in C(callbacks_enabled)
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "stop_after"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.left = int(os.environ["PEAR_STOP_AFTER"])

    def v2_runner_on_ok(self, result: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
