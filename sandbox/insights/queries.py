"""A query: its commands, parsed once, and run over the events one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .expressions import Aggregates, Evaluate, Named, Parser
from .scanner import Scanner
from .values import InvalidQuery, Row, Value, sort_key, text, truth

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html
DEFAULT_LIMIT, HIGHEST_LIMIT = 10_000, 100_000
NOT_SERVED = frozenset(
    {"addtotals", "anomaly", "dedup", "diff", "filterindex", "join", "lookup", "parse", "pattern", "source", "unmask", "unnest"}
)  # fmt: skip


@dataclass
class Table:
    """The rows so far, the newest event first; the columns that were asked for; how many events matched."""

    rows: list[Row]
    columns: list[str] = field(default_factory=list)
    matched: int = 0
    grouped: bool = False

    def show(self, *columns: str) -> None:
        self.columns += [column for column in columns if column not in self.columns]


Step = Callable[[Table], None]


@dataclass(frozen=True)
class Answer:
    """The rows of a query as they are shown, field by field, and how many events matched."""

    rows: list[dict[str, str]]
    matched: int


@dataclass(frozen=True)
class Query:
    """A query that could be read."""

    steps: tuple[Step, ...]
    limited: bool

    def run(self, rows: list[Row], limit: int | None = None) -> Answer:
        """`limit` is the call's own, for a query that has no such command."""
        newest_first = sorted(rows, key=lambda row: sort_key(row["@timestamp"]), reverse=True)
        table = Table(newest_first, matched=len(rows))
        for step in self.steps:
            step(table)
        found = table.rows if self.limited else table.rows[: limit or DEFAULT_LIMIT]
        columns = (table.columns or ["@timestamp", "@message"]) + ([] if table.grouped else ["@ptr"])
        shown = [{column: text(row[column]) for column in columns if row.get(column) is not None} for row in found]
        return Answer(shown, table.matched)


def parse(query: str) -> Query:
    """Raises InvalidQuery."""
    return _Commands(query).read()


class _Commands:
    def __init__(self, query: str) -> None:
        self._scanner = Scanner(query)
        self._parser = Parser(self._scanner)
        self._limited = False
        # The columns of `stats`, which later commands name by their text.
        self._grouped: set[str] = set()

    def read(self) -> Query:
        readers = {
            "fields": self._fields,
            "display": self._display,
            "filter": self._filter,
            "where": self._filter,
            "stats": self._stats,
            "sort": self._sort,
            "limit": self._limit,
        }
        steps: list[Step] = []
        while True:
            command = self._scanner.next()
            if command.keyword in NOT_SERVED:
                raise InvalidQuery(f"The command {command.word} is not served here", command.start)
            if command.keyword not in readers:
                said = f"unexpected symbol found {command.word}" if command.word else "unexpected end of the query"
                raise InvalidQuery(said, command.start)
            steps.append(readers[command.keyword]())
            if self._scanner.peek().kind == "end":
                return Query(tuple(steps), self._limited)
            self._scanner.expect("|")

    def _items(self) -> list[Named]:
        found = [self._parser.named()]
        while self._scanner.accept(","):
            found.append(self._parser.named())
        return found

    def _of_columns(self) -> list[Named]:
        return [_column(item.name) if item.name in self._grouped else item for item in self._items()]

    def _fields(self) -> Step:
        items = self._of_columns()

        def step(table: Table) -> None:
            table.rows = [_with(row, items) for row in table.rows]
            table.show(*[item.name for item in items])

        return step

    def _display(self) -> Step:
        items = self._of_columns()

        def step(table: Table) -> None:
            table.rows = [_with(row, items) for row in table.rows]
            table.columns = [item.name for item in items]

        return step

    def _filter(self) -> Step:
        condition = self._parser.expression()

        def step(table: Table) -> None:
            table.rows = [row for row in table.rows if truth(condition(row))]
            if not table.grouped:
                table.matched = len(table.rows)

        return step

    def _stats(self) -> Step:
        aggregates: Aggregates = {}
        self._parser.aggregates = aggregates
        values = self._items()
        self._parser.aggregates = None
        keys = self._of_columns() if self._scanner.accept("by") else []
        self._grouped = {item.name for item in (*keys, *values)}

        def step(table: Table) -> None:
            groups: dict[tuple[str, ...], list[Row]] = {}
            named: dict[tuple[str, ...], Row] = {}
            for row in table.rows:
                found: Row = {item.name: item.evaluate(row) for item in keys}
                key = tuple(text(value) for value in found.values())
                groups.setdefault(key, []).append(row)
                named.setdefault(key, found)
            if not keys:
                groups, named = {(): table.rows}, {(): {}}
            table.rows = []
            for key, rows in groups.items():
                computed: Row = {name: function(rows) for name, function in aggregates.items()}
                table.rows.append({**named[key], **{item.name: item.evaluate(computed) for item in values}})
            table.grouped, table.columns = True, [item.name for item in (*keys, *values)]

        return step

    def _sort(self) -> Step:
        keys: list[tuple[Evaluate, bool]] = []
        while not keys or self._scanner.accept(","):
            aggregates: Aggregates = {}
            self._parser.aggregates = aggregates
            start = self._scanner.peek().start
            item = self._parser.named()
            self._parser.aggregates = None
            if aggregates and item.name not in self._grouped:
                raise InvalidQuery(f"There is no column {item.name} to sort by", start)
            evaluate = _column(item.name).evaluate if item.name in self._grouped else item.evaluate
            keys.append((evaluate, self._scanner.accept("asc", "desc") != "asc"))

        def step(table: Table) -> None:
            for evaluate, descending in reversed(keys):
                table.rows.sort(key=_sorting(evaluate), reverse=descending)

        return step

    def _limit(self) -> Step:
        self._scanner.accept("any")
        token = self._scanner.next()
        if token.kind != "number" or not token.word.isdigit() or not 1 <= int(token.word) <= HIGHEST_LIMIT:
            raise InvalidQuery(f"The limit is a number from 1 to {HIGHEST_LIMIT}", token.start)
        highest = int(token.word)
        self._limited = True

        def step(table: Table) -> None:
            table.rows = table.rows[:highest]

        return step


def _column(name: str) -> Named:
    return Named(name, lambda row: row.get(name))


def _with(row: Row, items: list[Named]) -> Row:
    return {**row, **{item.name: item.evaluate(row) for item in items}}


def _sorting(evaluate: Evaluate) -> Callable[[Row], tuple[object, ...]]:
    def key(row: Row) -> tuple[object, ...]:
        value: Value = evaluate(row)
        return sort_key(value)

    return key
