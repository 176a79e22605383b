# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of modules that manage one resource: whether it exists, and its tags."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description: V(absent) removes the resource if it exists. Nothing else is removed with it unless the module says so.
    type: str
    choices: [present, absent]
    default: present
"""

    DATA = r"""
options:
  delete_data:
    description: Whether O(state=absent) removes data too. By default it stays, and RV(kept) names it.
    type: bool
    default: false
"""

    TAGS = r"""
options:
  tags:
    description: Tags of the resource. Other tags are left unchanged unless O(purge_tags) is set.
    type: dict
    default: {}
  purge_tags:
    description: Whether tags that O(tags) does not have are removed, but for those that AWS sets itself.
    type: bool
    default: false
"""
