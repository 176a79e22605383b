"""The connection ecs_exec, with a stand-in for the AWS CLI: it asks for a terminal, and says what a session says around the output."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.pear.fargate.plugins.plugin_utils.ecs_exec import Target, Unanswered, answer, words

from tests.support.plays import ANSIBLE_PLAYBOOK, ROOT

TARGET = Target("production", 32 * "a", "app", "eu-central-1")
# What the CLI prints of a session: the banner, the output as a terminal has it, the end. No exit status of the command.
AWS = """#!{python}
import shlex, subprocess, sys
arguments = sys.argv[1:]
open({log!r}, "a").write(shlex.join(arguments) + "\\n")
if not sys.stdin.isatty():
    print("Cannot perform start session: EOF")
    sys.exit(255)
if {refuses!r}:
    print("An error occurred (InvalidParameterException) when calling the ExecuteCommand operation: execute command was not enabled")
    sys.exit(254)
command = shlex.split(arguments[arguments.index("--command") + 1])
out = sys.stdout.buffer
out.write(b"\\r\\nThe Session Manager plugin was installed successfully.\\r\\n\\r\\n")
out.write(b"Starting session with SessionId: ecs-execute-command-0a\\r\\n")
out.write(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.replace(b"\\n", b"\\r\\n"))
out.write(b"\\r\\n\\r\\nExiting session with sessionId: ecs-execute-command-0a.\\r\\n")
"""


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("echo one; echo two", 0, b"one\ntwo\n"),
        ("printf 'no end of line'", 0, b"no end of line"),
        ("printf 'blank\\n\\n'", 0, b"blank\n\n"),
        ("true", 0, b""),
        ("echo 'it'\"'\"'s \"quoted\" $HOME'; exit 7", 7, b'it\'s "quoted" $HOME\n'),
        ("cat; echo no input # a comment", 0, b"no input\n"),
        ("ls /no/such/place >/dev/null 2>&1 || exit 2", 2, b""),
    ],
)
def test_a_command_has_its_output_and_its_exit_status(command: str, status: int, said: bytes) -> None:
    sent = words(TARGET, command, "mark")
    assert sent[:3] == ["aws", "ecs", "execute-command"] and sent[-3:-1] == ["--interactive", "--command"]
    ran = subprocess.run(shlex.split(sent[-1]), stdout=subprocess.PIPE, check=True).stdout
    assert answer(b"\r\nStarting session\r\n" + ran.replace(b"\n", b"\r\n") + b"\r\nExiting session.\r\n", "mark") == (
        status,
        said,
    )


@pytest.mark.parametrize("cut", [b"", b"mark\r\n", b"mark\r\nhalf of it", b"mark\r\nall of it\r\n\r\nmark \r\n"])
def test_output_that_was_cut_off_is_no_answer(cut: bytes) -> None:
    with pytest.raises(Unanswered, match="Session ended"):
        answer(cut + b"\r\nSession ended\r\n", "mark")


def raw(folder: Path, command: str, refuses: bool = False, module: str = "raw") -> subprocess.CompletedProcess[str]:
    """ansible HOST -m raw, for a task as the inventory plugin lists it."""
    program = folder / "aws"
    program.write_text(AWS.format(python=sys.executable, log=str(folder / "called"), refuses=refuses))
    program.chmod(0o755)
    task = {
        "ansible_connection": "pear.fargate.ecs_exec",
        "ecs_cluster": "production",
        "ecs_task_id": TARGET.task,
        "ecs_region": "eu-central-1",
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"ecs_tasks": {"hosts": {"production-scores-green-a": task}}}))
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
    }
    ansible = [
        str(ANSIBLE_PLAYBOOK.with_name("ansible")),
        "ecs_tasks",
        "-i",
        str(folder / "hosts.yml"),
        "-m",
        module,
        "-a",
        command,
    ]
    return subprocess.run(ansible, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.plays
def test_raw_runs_in_a_task_of_the_inventory(tmp_path: Path) -> None:
    done = raw(tmp_path, 'echo it is "here"; exit 3')
    assert done.returncode != 0 and "rc=3" in done.stdout and "it is here" in done.stdout, done.stdout + done.stderr
    called = (tmp_path / "called").read_text()
    assert f"--cluster production --task {TARGET.task} --container app --region eu-central-1 --interactive" in called


@pytest.mark.plays
def test_what_keeps_a_session_from_starting_is_said(tmp_path: Path) -> None:
    refused = raw(tmp_path, "true", refuses=True)
    assert "execute command was not enabled" in refused.stdout and "UNREACHABLE" in refused.stdout, refused.stdout


@pytest.mark.plays
def test_a_module_is_told_that_raw_alone_works(tmp_path: Path) -> None:
    refused = raw(tmp_path, "", module="ping")
    assert refused.returncode != 0 and "ansible.builtin.raw" in refused.stdout + refused.stderr, refused.stdout
