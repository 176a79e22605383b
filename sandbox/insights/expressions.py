"""Expressions of a query: parsed once, then evaluated for each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .functions import AGGREGATE, SCALAR, aggregate, arithmetic, period
from .scanner import Scanner, Token
from .values import InvalidQuery, Moment, Row, Value, compare, number, text, truth

Evaluate = Callable[[Row], Value]
# What each aggregate function, by its text, makes of a group's rows.
Aggregates = dict[str, Callable[[Sequence[Row]], Value]]
_LEVELS: tuple[tuple[str, ...], ...] = (("+", "-"), ("*", "/", "%"), ("^",))
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Named:
    """An expression with its column's name: what `as` says, or the expression's own text."""

    name: str
    evaluate: Evaluate


class Parser:
    """Reads expressions. Aggregate functions are read only where `stats` says so, and collected for their groups."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.aggregates: Aggregates | None = None

    def named(self) -> Named:
        start = self._scanner.peek().start
        evaluate = self.expression()
        source = self._scanner.query[start : self._scanner.end].strip("`")
        return Named(self._name().word if self._scanner.accept("as") else source, evaluate)

    def _name(self) -> Token:
        if self._scanner.peek().kind not in {"name", "quoted"}:
            raise self._scanner.unexpected()
        return self._scanner.next()

    def expression(self) -> Evaluate:
        left = self._both()
        while self._scanner.accept("or"):
            left = _any(left, self._both())
        return left

    def _both(self) -> Evaluate:
        left = self._negated()
        while self._scanner.accept("and"):
            left = _all(left, self._negated())
        return left

    def _negated(self) -> Evaluate:
        if self._scanner.accept("not"):
            inner = self._negated()
            return lambda row: float(not truth(inner(row)))
        return self._comparison()

    def _comparison(self) -> Evaluate:
        left = self._arithmetic(0)
        if operator := self._scanner.accept(*_COMPARISONS):
            right = self._arithmetic(0)
            return lambda row: float(compare(operator, left(row), right(row)))
        negated = bool(self._scanner.accept("not"))
        if self._scanner.accept("like", "=~"):
            return self._matching(left, negated)
        if self._scanner.accept("in"):
            return self._member(left, negated)
        if negated:
            raise self._scanner.unexpected()
        return left

    def _matching(self, left: Evaluate, negated: bool) -> Evaluate:
        pattern = self._scanner.regex()
        if pattern is None:
            if self._scanner.peek().kind != "text":
                raise self._scanner.unexpected()
            pattern = re.compile(re.escape(self._scanner.next().word))

        def matches(row: Row) -> Value:
            value = left(row)
            return float((value is not None and pattern.search(text(value)) is not None) != negated)

        return matches

    def _member(self, left: Evaluate, negated: bool) -> Evaluate:
        self._scanner.expect("[")
        members = self._list("]")
        return lambda row: float(any(compare("=", left(row), member(row)) for member in members) != negated)

    def _list(self, closing: str) -> list[Evaluate]:
        found: list[Evaluate] = []
        if not self._scanner.accept(closing):
            found.append(self.expression())
            while self._scanner.accept(","):
                found.append(self.expression())
            self._scanner.expect(closing)
        return found

    def _arithmetic(self, level: int) -> Evaluate:
        if level == len(_LEVELS):
            return self._operand()
        left = self._arithmetic(level + 1)
        while operator := self._scanner.accept(*_LEVELS[level]):
            left = _computed(operator, left, self._arithmetic(level + 1))
        return left

    def _operand(self) -> Evaluate:
        token = self._scanner.peek()
        if token.kind in {"number", "text", "name", "quoted"} or token.word in {"-", "("}:
            self._scanner.next()
        else:
            raise self._scanner.unexpected()
        if token.kind == "number":
            value = float(token.word)
            return lambda row: value
        if token.kind == "text":
            return lambda row: token.word
        if token.word == "-":
            return _computed("-", lambda row: 0.0, self._operand())
        if token.word == "(":
            inner = self.expression()
            self._scanner.expect(")")
            return inner
        if token.kind == "name" and self._scanner.accept("("):
            return self._call(token)
        return lambda row: row.get(token.word)

    def _call(self, name: Token) -> Evaluate:
        function = name.keyword
        if function == "bin":
            return self._bin()
        if function in AGGREGATE or function == "pct":
            return self._aggregate(name)
        if function not in SCALAR:
            raise InvalidQuery(f"Unknown function: {name.word}", name.start)
        apply, least, most = SCALAR[function]
        arguments = self._list(")")
        if not least <= len(arguments) <= most:
            raise InvalidQuery(f"Wrong number of arguments for the function {name.word}", name.start)
        return lambda row: apply(*[argument(row) for argument in arguments])

    def _bin(self) -> Evaluate:
        token = self._scanner.next()
        length = period(token.word)
        if not length:
            raise InvalidQuery(f"Invalid period of bin: {token.word}", token.start)
        self._scanner.expect(")")
        return lambda row: None if (at := number(row.get("@timestamp"))) is None else Moment(at // length * length)

    def _aggregate(self, name: Token) -> Evaluate:
        if self.aggregates is None:
            raise InvalidQuery(f"The function {name.word} is of the command stats alone", name.start)
        collected, self.aggregates = self.aggregates, None  # no aggregate of an aggregate
        argument, percent = None, None
        if name.keyword == "count" and self._scanner.accept("*"):
            self._scanner.expect(")")
        elif not (name.keyword == "count" and self._scanner.accept(")")):
            argument = self.expression()
            if name.keyword == "pct":
                self._scanner.expect(",")
                percent = number(self._scanner.next().word)
                if percent is None:
                    raise InvalidQuery("The second argument of pct is a number", name.start)
            self._scanner.expect(")")
        self.aggregates = collected
        key = self._scanner.query[name.start : self._scanner.end]
        collected[key] = aggregate(name.keyword, argument, percent)
        return lambda row: row.get(key)


def _any(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda row: float(truth(left(row)) or truth(right(row)))


def _all(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda row: float(truth(left(row)) and truth(right(row)))


def _computed(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda row: arithmetic(operator, left(row), right(row))
