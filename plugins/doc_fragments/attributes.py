# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes that most modules share: of those that manage a resource, and of those that only read."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    description: Runs on the controller and writes progress lines, if the connection is local.
    support: full
  check_mode:
    description: Predicts what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows each property that differs, before and after.
    support: full
"""

    READ_ONLY = r"""
options: {}
attributes:
  action:
    description: Runs on the controller and writes progress lines, if the connection is local.
    support: full
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing, so there is no diff.
    support: none
"""
