"""The words of a query, one after the other, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .values import InvalidQuery

_SPACE = re.compile(r"(?:\s|#[^\n]*)+")
_TOKEN = re.compile(
    r"(?P<duration>\d+[A-Za-z]+)|(?P<number>\d+(?:\.\d+)?)|(?P<name>[@A-Za-z_][\w.@]*)|(?P<quoted>`[^`]+`)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<sign>!=|<=|>=|=~|[=<>|(),+\-*/%^\[\]])"
)
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/")


@dataclass(frozen=True)
class Token:
    """One word: its kind (`end` after the last), what it says, and where it is."""

    kind: str
    word: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The word as commands and operators are compared, whatever their case; none for a quoted one."""
        return self.word.lower() if self.kind in {"name", "sign"} else ""


class Scanner:
    """A slash is a division, or begins a regular expression: only the parser knows, so words are read one at a time."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.at = 0
        # The end of the last word that was read.
        self.end = 0

    def _skip(self) -> None:
        if space := _SPACE.match(self.query, self.at):
            self.at = space.end()

    def peek(self) -> Token:
        self._skip()
        if self.at == len(self.query):
            return Token("end", "", self.at, self.at)
        found = _TOKEN.match(self.query, self.at)
        if found is None:
            raise InvalidQuery(f"unexpected symbol found {self.query[self.at]}", self.at)
        kind = str(found.lastgroup)
        word = found[kind]
        if kind == "text":
            word = re.sub(r"\\(.)", r"\1", word[1:-1])
        return Token(kind, word.strip("`") if kind == "quoted" else word, self.at, found.end())

    def next(self) -> Token:
        token = self.peek()
        self.at = self.end = token.end
        return token

    def accept(self, *keywords: str) -> str:
        """The next word, if it is one of these; it is read then."""
        keyword = self.peek().keyword
        if keyword in keywords:
            self.next()
            return keyword
        return ""

    def expect(self, keyword: str) -> None:
        if not self.accept(keyword):
            raise self.unexpected()

    def unexpected(self) -> InvalidQuery:
        token = self.peek()
        return InvalidQuery(
            f"unexpected symbol found {token.word}" if token.word else "unexpected end of the query", token.start
        )

    def regex(self) -> re.Pattern[str] | None:
        """A regular expression between slashes, if one is next."""
        self._skip()
        found = _REGEX.match(self.query, self.at)
        if found is None:
            return None
        try:
            pattern = re.compile(found[1].replace("\\/", "/"))
        except re.error as error:
            raise InvalidQuery(f"invalid regular expression: {error}", self.at) from error
        self.at = self.end = found.end()
        return pattern
