# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes that modules share: of those that manage a resource, that only read, that release, and that have no difference to show."""

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

    RELEASE = r"""
options: {}
attributes:
  action:
    description: Runs on the controller and writes progress lines, if the connection is local.
    support: full
  check_mode:
    description: Tells the plan with times, and changes nothing.
    support: full
  diff_mode:
    description: Shows the task definition, and settings of the ECS service that differ, before and after.
    support: full
"""

    NO_DIFF = r"""
options: {}
attributes:
  action:
    description: Runs on the controller and writes progress lines, if the connection is local.
    support: full
  check_mode:
    description: Says what would be done, and does nothing.
    support: full
  diff_mode:
    description: Has no difference to show.
    support: none
"""
