# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""drift_report: print the drift that check mode found, and fail if there is any."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils.drift import LOG, table


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not LOG.recording:
            return {
                **result,
                "failed": True,
                "msg": "The differences that check mode found were not kept. Set callbacks_enabled = pear.fargate.drift in ansible.cfg, or "
                "ANSIBLE_CALLBACKS_ENABLED=pear.fargate.drift in the environment, and run again.",
            }
        rows = LOG.rows
        for line in table(rows) if rows else ["Nothing differs."]:
            Display().display(f"  {line}")
        answer = {**result, "changed": False, "drift": [row.as_dict for row in rows], "unseen": LOG.failed}
        if LOG.failed:
            return {**answer, "failed": True, "msg": f"Could not look at everything: {'; '.join(LOG.failed)} failed."}
        if rows:
            count = "1 setting differs" if len(rows) == 1 else f"{len(rows)} settings differ"
            orphans = sorted({row.host for row in rows if row.orphan})
            advice = (
                f" It does not remove what belongs to {', '.join(orphans)}: give the inventory that host again and run "
                f"playbooks/destroy.yml -l {orphans[0]} -e confirm={orphans[0]}."
                if orphans
                else ""
            )
            text = f"{count} from the inventory; playbooks/deploy.yml puts them right.{advice}"
            return {**answer, "failed": True, "msg": text}
        return {**answer, "msg": "Nothing differs from the inventory."}
