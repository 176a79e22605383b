# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules do with a resource that has the name of theirs, and that others made."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  adopt:
    description:
      - Whether to take over a resource that has the name of this one and lacks its mark, after telling all that will be changed in it.
      - The mark is the tag C(pear:environment) of O(tags), or C(pear:component) where environments share the resource. If O(tags) has
        neither, the module manages whatever has the name.
      - By default such a resource is refused before anything is changed, in check mode too.
    type: bool
    default: false
notes:
  - What others made is never changed. See the option O(adopt).
  - What others made is never removed, with O(adopt) neither.
"""
