"""An HTML page as a test reads it. A page that is not well formed fails."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "img", "br", "link"}


class ReadPage(HTMLParser):
    """Tags, attributes, figures, and the rows of tables by the table's id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.figures: set[str] = set()
        self.rows: dict[str, list[list[str]]] = {}
        self.text = ""
        self._open: list[str] = []
        self._table = ""
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "figure":
            self.figures.add(str(dict(attrs)["id"]).removeprefix("chart-of-"))
        if tag == "table":
            self._table = str(dict(attrs)["id"])
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("td", "th"):
            self.rows[self._table][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[self._table][-1][-1] += data.strip()
