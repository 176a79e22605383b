# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text from elsewhere (logs, answers, commit messages, headers), made harmless for terminals and templates, and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Escape sequences of terminals: CSI, OSC and other strings up to their end, and two-character ones.
# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)|\x9b[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]"
)
# Control characters (C0 without tab and newline, DEL, C1), line separators, marks that reorder what is shown, and halves of
# characters, which are no text: nothing can encode them.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# A run of blanks with a line break in it. It begins where no blank stands before it: else long runs would take minutes.
_LINE_BREAK = re.compile(r"(?<!\s)\s*[\r\n]\s*")
# Jinja's delimiters.
_TEMPLATE = re.compile(r"\{(?=[{%#])")
LINE_CHARACTERS = 2_000


def printable(text: str, limit: int | None = None) -> str:
    """The text without escape sequences, control characters and template delimiters; cut with a mark past the limit."""
    clean = _TEMPLATE.sub("{ ", _CONTROLS.sub(" ", _ESCAPES.sub("", text)))
    return bounded(clean, limit) if limit is not None else clean


def one_line(text: str, limit: int | None = LINE_CHARACTERS) -> str:
    """As printable, and without line breaks."""
    return printable(_LINE_BREAK.sub(" ", text), limit)


def bounded(text: str, limit: int) -> str:
    """The beginning of a text, and how much of it is missing."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} characters more)"


def harmless(value: Any) -> Any:
    """A result with every text in it printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(key) if isinstance(key, str) else key: harmless(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [harmless(item) for item in value]
    return value
