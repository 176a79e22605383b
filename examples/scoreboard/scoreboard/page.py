"""The page that a person looks at: version, storage, leaders; its colour is derived from the version."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

_TEMPLATE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
# Everything is in the page: nothing else may be loaded, and nobody may frame it.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def render(version: str, storage_mode: str, storage_problem: str, leaders: Iterable[Mapping[str, object]]) -> bytes:
    rows = "".join(
        f"<tr><td>{place}</td><td>{html.escape(str(leader['player']))}</td><td>{leader['score']}</td></tr>"
        for place, leader in enumerate(leaders, 1)
    )
    text = _TEMPLATE.substitute(
        version=html.escape(version),
        hue=hue(version),
        storage_mode=storage_mode,
        storage_title=html.escape(storage_problem or "kept on the volume"),
        rows=rows,
    )
    return text.encode()


def hue(version: str) -> int:
    """A colour of its own for each version, so that a switch of traffic is seen."""
    return int.from_bytes(hashlib.sha256(version.encode()).digest()[:2], "big") % 360
