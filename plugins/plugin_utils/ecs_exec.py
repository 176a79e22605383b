# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command through ECS Exec: how it is sent, and what of a session's output is its own. A session tells no exit status."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass


class Unanswered(Exception):
    """The session ended without the command's end. The text is what it said instead."""


@dataclass(frozen=True)
class Target:
    """The container that a command runs in."""

    cluster: str
    task: str
    container: str
    region: str = ""
    profile: str = ""


def words(target: Target, command: str, mark: str) -> list[str]:
    """The command of the AWS CLI. What is to run is sent as base64: no quote of it meets the agent's own reading of its command line."""
    # Between the marks stands what the command says, and behind the second one its exit status. Its input is empty: nobody types.
    script = f"echo {mark}; ( {command}\n) </dev/null; status=$?; echo; echo {mark} $status"
    sent = base64.b64encode(script.encode()).decode()
    place = ["--cluster", target.cluster, "--task", target.task, "--container", target.container]
    for option, value in (("--region", target.region), ("--profile", target.profile)):
        place += [option, value] if value else []
    return [
        *("aws", "ecs", "execute-command", *place),
        *("--interactive", "--command", f"/bin/sh -c 'eval \"$(echo {sent}|base64 -d)\"'"),
    ]


def answer(output: bytes, mark: str) -> tuple[int, bytes]:
    """The exit status and the output of the command, out of all that the session said."""
    # A terminal ends lines with both characters.
    lines: Sequence[bytes] = output.replace(b"\r\n", b"\n").split(b"\n")
    sign = mark.encode()
    begin = next((number for number, line in enumerate(lines) if line == sign), None)
    end = next((number for number, line in enumerate(lines) if line.startswith(sign + b" ")), None)
    if begin is None or end is None or not lines[end][len(sign) + 1 :].isdigit():
        raise Unanswered(
            b" ".join(line.strip() for line in lines if line.strip() and sign not in line).decode(errors="replace")
        )
    # The mark stands in a line of its own, as output need not end with a line's end.
    return int(lines[end][len(sign) + 1 :]), b"\n".join(lines[begin + 1 : end])
