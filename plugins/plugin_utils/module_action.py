# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action plugin of each module that needs nothing else in the controller: plugins/action/NAME.py is a link to this file.

Links, and no redirect in meta/runtime.yml: all modules that are redirected to one action plugin share the module_defaults of
each, and the controller does not know which module's AWS clients to prepare before it forks.
"""

from __future__ import annotations

from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs the module that the link is named for."""
