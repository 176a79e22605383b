"""The console's page, and what it shows."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ..config import CONSOLE
from ..console import view
from ..lateness import keeps_up
from .overlay import Document, internal
from .state import Sandbox

_FILES = {
    "": ("console.html", "text/html; charset=utf-8"),
    "console.css": ("console.css", "text/css; charset=utf-8"),
    "console.js": ("console.js", "text/javascript; charset=utf-8"),
}


def install(sandbox: Sandbox) -> None:
    for path, (name, content_type) in _FILES.items():
        _serve(CONSOLE + path, Document(content_type, files(view.__package__).joinpath(name).read_bytes()))

    @internal("GET", f"{CONSOLE}view")
    def everything(query: dict[str, str], body: Any) -> Any:
        return {**view.view(sandbox.client, sandbox.settings.time_factor), "machine": keeps_up(sandbox.slower)}

    @internal("GET", f"{CONSOLE}log")
    def log(query: dict[str, str], body: Any) -> Any:
        return {"lines": view.log(sandbox.client, query.get("group", ""))}


def _serve(path: str, document: Document) -> None:
    internal("GET", path)(lambda query, body: document)
