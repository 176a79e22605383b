"""The part of AWX's REST interface that awx.awx's modules use: lists found by fields, objects, associations, surveys, approvals.

It keeps what it is given and judges nothing: what AWX would refuse is not seen here. It shows that the playbook gives the modules
what they need, in an order in which each name is known when it is looked up.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_UNIFIED = {"job_templates": "job_template", "workflow_job_templates": "workflow_job_template", "projects": "project"}
_APPROVALS = "workflow_approval_templates"


class Store:
    """Objects by kind and id, and what is associated with them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {}
        self.associated: dict[tuple[str, int, str], Any] = {}
        self._next = 0
        self.add("organizations", {"name": "Default"})

    def add(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        self._next += 1
        url = f"/api/v2/{kind}/{self._next}/"
        related = {name: f"{url}{name}/" for name in ("survey_spec", "create_approval_template")}
        made = {
            **given,
            "id": self._next,
            "url": url,
            "type": kind.rstrip("s"),
            "related": related,
            "summary_fields": {},
        }
        if kind == "projects":
            made["scm_revision"] = "0" * 40
        self.objects.setdefault(kind, {})[self._next] = made
        return made

    def find(self, kind: str, fields: dict[str, str]) -> list[dict[str, Any]]:
        kinds = [*_UNIFIED, _APPROVALS] if kind == "unified_job_templates" else [kind]
        found = [one for name in kinds for one in self.objects.get(name, {}).values()]
        return [one for one in found if all(str(one.get(key)) == value for key, value in fields.items())]

    def named(self, kind: str, name: str, by: str = "name") -> dict[str, Any]:
        (found,) = self.find(kind, {by: name})
        return found

    def names_of(self, kind: str, owner: dict[str, Any], association: str, field: str = "name") -> list[str]:
        """Names of what is associated with an object."""
        ids = self.associated.get((owner["url"].split("/")[3], owner["id"], association), [])
        return [str(self.objects[kind][one][field]) for one in ids]

    def sub(self, method: str, path: list[str], given: dict[str, Any]) -> Any:
        kind, number, name = path[0], int(path[1]), path[2]
        key = (kind, number, name)
        if method == "GET":
            held = self.associated.get(key, [])
            return held if isinstance(held, dict) else listed([{"id": one} for one in held])
        if name == "survey_spec":
            self.associated[key] = given
        elif name == "create_approval_template":
            made = self.add(_APPROVALS, given)
            self.objects[kind][number]["unified_job_template"] = made["id"]
            return made
        else:
            self.associated.setdefault(key, []).append(given["id"])
        return {}

    def answer(self, method: str, path: list[str], fields: dict[str, str], given: dict[str, Any]) -> tuple[int, Any]:
        if len(path) == 3:
            made = self.sub(method, path, given)
            joins = method == "POST" and path[2] not in ("survey_spec", "create_approval_template")
            return 204 if joins else 201 if "id" in made else 200, made
        if len(path) == 2:
            found = self.objects[path[0]][int(path[1])]
            found.update(given)
            return 200, found
        if method == "POST":
            return 201, self.add(path[0], given)
        return 200, listed(self.find(path[0], fields))


def listed(found: list[Any]) -> dict[str, Any]:
    return {"count": len(found), "results": found, "next": None, "previous": None}


@contextmanager
def running() -> Iterator[tuple[str, Store]]:
    """The address, and what is kept."""
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            split = urlsplit(self.path)
            path = [part for part in split.path.removeprefix("/api/v2").split("/") if part]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = json.loads(body) if body else {}
            status, answer = store.answer(self.command, path, dict(parse_qsl(split.query)), given or {})
            text = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _reply

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", store
    finally:
        server.shutdown()
        server.server_close()
