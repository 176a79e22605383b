"""Metric math: parse an expression, then evaluate it over time series, with AWS's rules for values that are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import functions
from .functions import InvalidExpression, Series, Value, combine, condition

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^()\[\],<>]))"
)
_BINDING = {
    "OR": 1,
    "||": 1,
    "AND": 2,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/", 5),
    "^": 7,
}
_UNARY = 6


@dataclass(frozen=True)
class Frame:
    """What an expression is evaluated in: the series by id, which of them are metrics, and the times of the window."""

    series: Mapping[str, Value]
    metrics: tuple[str, ...]
    periods: Mapping[str, int]
    times: tuple[float, ...]


Evaluate = Callable[[Frame], Value]


@dataclass(frozen=True)
class Expression:
    """A parsed expression: what it refers to, and how to evaluate it."""

    text: str
    names: frozenset[str]
    evaluate: Evaluate


def parse(text: str) -> Expression:
    """Raises InvalidExpression with what could not be read, and what can."""
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise InvalidExpression(f"Metrics Insights queries are not served here: {text!r}")
    parser = _Parser(text)
    evaluate = parser.expression(0)
    parser.end()
    return Expression(text, frozenset(parser.names), evaluate)


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self.names: set[str] = set()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, sign: str) -> None:
        found = self._next()[1]
        if found != sign:
            raise InvalidExpression(f"In {self._text!r} {sign!r} is expected where {found or 'the end'!r} is.")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise InvalidExpression(f"In {self._text!r} nothing is expected where {self._peek()[1]!r} is.")

    def expression(self, binding: int) -> Evaluate:
        left = self._operand()
        while (power := _BINDING.get(self._peek()[1], 0)) > binding:
            operator = self._next()[1]
            left = _binary(operator, left, self.expression(power))
        return left

    def _operand(self) -> Evaluate:
        kind, word = self._next()
        if kind == "number":
            value = float(word)
            return lambda frame: value
        if word == "-":
            inner = self.expression(_UNARY)
            return lambda frame: combine("-", 0.0, inner(frame))
        if word == "(":
            inner = self.expression(0)
            self._expect(")")
            return inner
        if word == "[":
            return _array(self._list("]"))
        if kind == "name" and self._peek()[1] == "(":
            return self._call(word)
        if kind == "name" and word in {"REPEAT", "LINEAR"}:
            return lambda frame: word
        if kind == "name":
            self.names.add(word)
            return lambda frame: _look_up(frame, word)
        if kind == "text":
            return lambda frame: word[1:-1]
        raise InvalidExpression(f"In {self._text!r} a value is expected where {word or 'the end'!r} is.")

    def _call(self, name: str) -> Evaluate:
        self._next()
        arguments = self._list(")")
        if name == "IF":
            self._count(name, arguments, 2, 3)
            return lambda frame: condition(*[value_of(frame) for value_of in arguments])
        if name == "METRICS":
            self._count(name, arguments, 0, 1)
            return lambda frame: _metrics(frame, *[str(value_of(frame)) for value_of in arguments])
        if name == "PERIOD":
            metric = self._one_name(name, arguments)
            return lambda frame: _period(frame, metric)
        if name == "FILL":
            self._count(name, arguments, 2, 2)
            return lambda frame: functions.fill(*[value_of(frame) for value_of in arguments], times=frame.times)
        function = functions.BY_NAME.get(name)
        if function is None:
            served = ", ".join(sorted([*functions.BY_NAME, "IF", "FILL", "METRICS", "PERIOD"]))
            raise InvalidExpression(f"The function {name} is not served here: {served} are.")
        self._count(name, arguments, 1, 1)
        (argument,) = arguments
        return lambda frame: function(argument(frame))

    def _count(self, name: str, arguments: list[Evaluate], least: int, most: int) -> None:
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} or {most}"
            raise InvalidExpression(f"{name} takes {wanted} arguments, not {len(arguments)}, in {self._text!r}.")

    def _one_name(self, name: str, arguments: list[Evaluate]) -> str:
        word = self._tokens[self._at - 2]
        if len(arguments) != 1 or word[0] != "name":
            raise InvalidExpression(f"{name} takes the id of one metric, in {self._text!r}.")
        return word[1]

    def _list(self, closing: str) -> list[Evaluate]:
        found: list[Evaluate] = []
        if self._peek()[1] != closing:
            found.append(self.expression(0))
            while self._peek()[1] == ",":
                self._next()
                found.append(self.expression(0))
        self._expect(closing)
        return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidExpression(f"{text!r} cannot be read from {text[at:].strip()!r} on.")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _binary(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda frame: combine(operator, left(frame), right(frame))


def _array(items: list[Evaluate]) -> Evaluate:
    def evaluate(frame: Frame) -> Value:
        series: list[Series] = []
        for item in items:
            value = item(frame)
            if isinstance(value, list):
                series += value
            elif isinstance(value, dict):
                series.append(value)
            else:
                raise InvalidExpression(f"An array holds time series, not {value!r}.")
        return series

    return evaluate


def _look_up(frame: Frame, name: str) -> Value:
    if name not in frame.series:
        raise InvalidExpression(f"There is no query with the id {name!r}.")
    return frame.series[name]


def _metrics(frame: Frame, containing: str = "") -> Value:
    return [
        series for metric in frame.metrics if containing in metric and isinstance(series := frame.series[metric], dict)
    ]


def _period(frame: Frame, name: str) -> Value:
    if name not in frame.periods:
        raise InvalidExpression(f"PERIOD takes the id of a metric; {name!r} is none.")
    return float(frame.periods[name])
