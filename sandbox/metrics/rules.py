"""Rules of composite alarms: ALARM("a") AND NOT (OK("b") OR INSUFFICIENT_DATA("c"))."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Z_]+(?=[\s()]|$))|(?P<name>\"[^\"]*\"|'[^']*'|[^\s()\"']+)|(?P<sign>[()]))")
_STATES = {"ALARM", "OK", "INSUFFICIENT_DATA"}


class InvalidRule(ValueError):
    """A rule that cannot be read, or names an alarm that does not exist."""


def holds(rule: str, states: Mapping[str, str]) -> bool:
    """Whether a rule is true of the states of alarms by name. Raises InvalidRule."""
    tokens = _tokens(rule)
    value = _either(rule, tokens, states)
    if tokens:
        raise InvalidRule(f"The rule {rule!r} cannot be read from {tokens[0]!r} on.")
    return value


def alarms_named(rule: str) -> set[str]:
    """The alarms that a rule is about, by name also where it says their ARNs."""
    tokens = _tokens(rule)
    named = [third for first, _sign, third in zip(tokens, tokens[1:], tokens[2:], strict=False) if first in _STATES]
    return {text.strip("\"'").rpartition(":alarm:")[2] for text in named}


def _tokens(rule: str) -> list[str]:
    found, at = [], 0
    while rule[at:].strip():
        match = _TOKEN.match(rule, at)
        if match is None:
            raise InvalidRule(f"The rule {rule!r} cannot be read from {rule[at:].strip()!r} on.")
        found.append(match[0].strip())
        at = match.end()
    return found


def _either(rule: str, tokens: list[str], states: Mapping[str, str]) -> bool:
    value = _both(rule, tokens, states)
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        value = _both(rule, tokens, states) or value
    return value


def _both(rule: str, tokens: list[str], states: Mapping[str, str]) -> bool:
    value = _one(rule, tokens, states)
    while tokens[:1] == ["AND"]:
        tokens.pop(0)
        value = _one(rule, tokens, states) and value
    return value


def _one(rule: str, tokens: list[str], states: Mapping[str, str]) -> bool:
    word = _take(rule, tokens)
    if word == "NOT":
        return not _one(rule, tokens, states)
    if word in {"TRUE", "FALSE"}:
        return word == "TRUE"
    if word == "(":
        value = _either(rule, tokens, states)
        _take(rule, tokens, ")")
        return value
    if word not in _STATES:
        raise InvalidRule(f"The rule {rule!r} has {word!r} where ALARM, OK, INSUFFICIENT_DATA or NOT is expected.")
    _take(rule, tokens, "(")
    name = _take(rule, tokens).strip("\"'").rpartition(":alarm:")[2]
    _take(rule, tokens, ")")
    if name not in states:
        raise InvalidRule(f"The rule {rule!r} names the alarm {name!r}, which does not exist.")
    return states[name] == word


def _take(rule: str, tokens: list[str], wanted: str = "") -> str:
    found = tokens.pop(0) if tokens else "the end"
    if wanted and found != wanted:
        raise InvalidRule(f"The rule {rule!r} has {found!r} where {wanted!r} is expected.")
    return found
