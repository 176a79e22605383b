# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands in a task by ECS Exec."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ecs_exec
short_description: Run commands in a container of a task by ECS Exec
version_added: 0.2.0
description:
  - Runs commands in a container of a task on ECS Fargate, with M(ansible.builtin.raw). Modules need files in the container, which this
    connection does not carry.
  - Hosts of the group C(ecs_tasks) of the inventory P(pear.fargate.ecs_services#inventory) have all that it needs.
  - Runs C(aws ecs execute-command), and so needs the AWS CLI and its Session Manager plugin, with the credentials that the CLI finds.
  - Standard output and standard error arrive together. The exit status is that of the command.
  - The container needs C(/bin/sh) and C(base64). Commands run as root, whatever user the image has, and read no input.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  cluster:
    description: Name of the cluster.
    type: str
    required: true
    vars:
      - name: ansible_ecs_cluster
      - name: ecs_cluster
  task:
    description: Id of the task.
    type: str
    required: true
    vars:
      - name: ansible_ecs_task
      - name: ecs_task_id
  container:
    description: Name of the container.
    type: str
    default: app
    vars:
      - name: ansible_ecs_container
  region:
    description: Region of the cluster. Taken from the environment or the profile if omitted.
    type: str
    vars:
      - name: ansible_ecs_region
      - name: ecs_region
  profile:
    description: Profile of the AWS configuration. Taken from the environment if omitted.
    type: str
    vars:
      - name: ansible_ecs_profile
  command_timeout_seconds:
    description: Time after which a command is given up. It may go on in the container.
    type: int
    default: 600
    vars:
      - name: ansible_ecs_command_timeout_seconds
"""

import os
import pty
import secrets
import subprocess
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from ..plugin_utils.ecs_exec import Target, Unanswered, answer, words

_RAW_ALONE = "ecs_exec carries no files: use ansible.builtin.raw, and gather_facts: false."


class Connection(ConnectionBase):
    transport = "pear.fargate.ecs_exec"
    has_pipelining = False

    def _connect(self) -> Connection:
        # Each command is a session of its own.
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if in_data:
            raise AnsibleError(_RAW_ALONE)
        options = {name: self.get_option(name) or "" for name in ("cluster", "task", "container", "region", "profile")}
        mark = f"pear-{secrets.token_hex(8)}"
        output = self._said(words(Target(**options), cmd, mark))
        try:
            status, said = answer(output, mark)
        except Unanswered as nothing:
            raise AnsibleConnectionFailure(
                f"ECS Exec did not run the command in task {options['task']}: {nothing}. playbooks/exec.yml says what is missing."
            ) from nothing
        return status, said, b""

    def _said(self, command: list[str]) -> bytes:
        """All that a session says. The Session Manager plugin asks for a terminal as its input, and ends at once without one."""
        ours, theirs = pty.openpty()
        timeout = self.get_option("command_timeout_seconds")
        try:
            done = subprocess.run(
                command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False
            )
        except FileNotFoundError as missing:
            raise AnsibleConnectionFailure("ecs_exec needs the AWS CLI: there is no program aws.") from missing
        except subprocess.TimeoutExpired as late:
            raise AnsibleConnectionFailure(f"The command did not end within {timeout} seconds.") from late
        finally:
            os.close(ours)
            os.close(theirs)
        return done.stdout

    def put_file(self, in_path: str, out_path: str) -> Any:
        raise AnsibleError(_RAW_ALONE)

    def fetch_file(self, in_path: str, out_path: str) -> Any:
        raise AnsibleError(_RAW_ALONE)

    def close(self) -> None:
        self._connected = False
