"""The console's page, and what it shows."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ..console import view
from ..lateness import keeps_up
from .overlay import Document, internal
from .state import Sandbox

# A path that ends in a slash, so that the page names its files without one.
PATH = "/_sandbox/console/"
_FILES = {
    "": ("console.html", "text/html; charset=utf-8"),
    "console.css": ("console.css", "text/css; charset=utf-8"),
    "console.js": ("console.js", "text/javascript; charset=utf-8"),
}


def install(sandbox: Sandbox) -> None:
    def aws(service: str) -> Any:
        return sandbox.clients.of(service, None)

    for path, (name, content_type) in _FILES.items():
        _serve(PATH + path, Document(content_type, files(view.__package__).joinpath(name).read_bytes()))

    @internal("GET", f"{PATH}view")
    def everything(query: dict[str, str], body: Any) -> Any:
        slower = {"api": sandbox.lateness.stretch(), "edge": sandbox.targets.edge_stretch}
        return {**view.view(aws, sandbox.settings.time_factor), "machine": keeps_up(slower)}

    @internal("GET", f"{PATH}log")
    def log(query: dict[str, str], body: Any) -> Any:
        return {"lines": view.log(aws, query.get("group", ""))}


def _serve(path: str, document: Document) -> None:
    internal("GET", path)(lambda query, body: document)
