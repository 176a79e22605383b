# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep what tasks in check mode would change, for the report at the end of drift.yml."""

from __future__ import annotations

DOCUMENTATION = r"""
name: drift
type: aggregate
short_description: Keep what check mode would change, for the report of drift.yml
version_added: 0.1.0
description:
  - Says nothing by itself. The module M(pear.fargate.drift_report) makes a table of what it kept.
author: pear.fargate contributors (@pear-fargate)
requirements:
  - C(callbacks_enabled = pear.fargate.drift) in ansible.cfg, or the same in E(ANSIBLE_CALLBACKS_ENABLED)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.pear.fargate.plugins.plugin_utils.drift import LOG, Source, rows_of


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pear.fargate.drift"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: Any) -> None:
        LOG.recording = True

    def v2_runner_on_ok(self, result: Any) -> None:
        # The results of a loop were kept item by item.
        if "results" not in result._result or not result._task.loop:
            self._keep(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            LOG.failed.append(f"{result._host.get_name()}: {result._task.get_name()}")

    def _keep(self, result: Any) -> None:
        found = result._result
        differs = any(found.get(key) for key in ("changed", "disagreements", "orphans"))
        if result._task.check_mode and differs:
            source = Source(result._host.get_name(), result._task.name, result._task.action)
            LOG.rows.extend(rows_of(source, found))
