# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command as the list of words that ECS takes: a list as it is, a text split as a shell splits it. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Any

_OPERATOR = re.compile(r"[();<>|&]+")
# What neither a shell nor ECS looks into: a character after a backslash, and text in single quotes.
_LITERAL = re.compile(r"\\.|'[^']*'|(\"(?:\\.|[^\"\\])*\")", re.DOTALL)
_SHELL = 'for a shell, write ["sh", "-c", "…"]'


def words(command: Any) -> list[str] | None:
    """The words of a command that has no problem; None where there is none."""
    if command is None or command == "":
        return None
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def command_problem(command: Any) -> str:
    """Why a command would not do what it says; empty where it would."""
    if isinstance(command, str):
        return _text_problem(command)
    if command is None:
        return ""
    if not isinstance(command, (list, tuple)):
        return "it must be a list of words, or a text that is split into words"
    if len(command) == 1 and len(str(command[0]).split()) > 1:
        return f"it is one word with spaces, and no program has that name: write it as a list of words; {_SHELL}"
    return ""


def _text_problem(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as unclosed:
        return f"it cannot be split into words ({str(unclosed).lower()})"
    # A shell would replace what $ and ` begin, in double quotes too; ECS starts no shell.
    with_double_quotes = _LITERAL.sub(lambda found: found[1] or "_", text)
    operator = _OPERATOR.search(_LITERAL.sub("_", text))
    sign = operator[0] if operator else next((sign for sign in "$`" if sign in with_double_quotes), "")
    return f"{sign} is for a shell, which ECS does not start; {_SHELL}" if sign else ""
