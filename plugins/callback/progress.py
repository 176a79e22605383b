# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible's own output, with the header of a task above its progress lines also where skipped tasks are not shown."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: Ansible's own output, with headers above progress lines
version_added: 0.2.0
description:
  - Prints what P(ansible.builtin.default#callback) prints, with the same options.
  - Where O(display_skipped_hosts) or O(display_ok_hosts) is V(false), that callback prints the header of a task with its first result.
    Progress lines of a task come before its result, and would stand under the header of another task. This callback prints the header
    of a task of pear.fargate when the task starts.
author: pear.fargate contributors (@pear-fargate)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - C(stdout_callback = pear.fargate.progress) in ansible.cfg
"""

from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default

_OURS = "pear.fargate."


class CallbackModule(Default):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "pear.fargate.progress"

    def _task_start(self, task: Any, prefix: str | None = None) -> None:
        """Of tasks and of handlers alike."""
        super()._task_start(task, prefix)
        if self._has_progress(task) and self._last_task_banner != task._uuid:
            self._print_task_banner(task)

    def v2_runner_on_skipped(self, result: Any) -> None:
        super().v2_runner_on_skipped(result)
        # Its header is there, so that its end is said too.
        if self._has_progress(result._task) and not self.get_option("display_skipped_hosts"):
            self._display.display(f"skipping: [{result._host.get_name()}]", color=constants.COLOR_SKIP)

    def _has_progress(self, task: Any) -> bool:
        return str(getattr(task, "resolved_action", None) or task.action).startswith(_OURS)
