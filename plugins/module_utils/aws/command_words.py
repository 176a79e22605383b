# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command as the list of words that ECS takes: a list as it is, a text split as a shell splits it. Pure."""

from __future__ import annotations

import shlex
from typing import Any

_OPERATORS = set("();<>|&")
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
        found = list(shlex.shlex(text, posix=True, punctuation_chars=True))
    except ValueError as unclosed:
        return f"it cannot be split into words ({str(unclosed).lower()})"
    # Outside of quotes these are a shell's, and ECS starts no shell.
    operators = [token for token in found if token and set(token) <= _OPERATORS]
    if operators or "$" in text or "`" in text:
        sign = operators[0] if operators else "$" if "$" in text else "`"
        return f"{sign} is for a shell, which ECS does not start; {_SHELL}"
    return ""
