"""Saved queries of Logs Insights for tests against moto, which has none."""

from __future__ import annotations

import json
from typing import Any

import pytest


class QueryStore:
    """Answers the three calls, page by page."""

    def __init__(self, page: int = 2) -> None:
        self.saved: dict[str, dict[str, Any]] = {}
        self.page = page
        self.written = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from moto.logs.responses import LogsResponse

        calls = {"put": self.put, "describe": self.describe, "delete": self.delete}
        for verb, call in calls.items():
            name = f"{verb}_query_definition" + ("s" if verb == "describe" else "")
            answer = lambda response, call=call: json.dumps(call(json.loads(response.body)))  # noqa: E731
            monkeypatch.setattr(LogsResponse, name, answer, raising=False)

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        self.written += 1
        key = request.get("queryDefinitionId") or f"q-{self.written}"
        self.saved[key] = {
            "queryDefinitionId": key,
            "name": request["name"],
            "queryString": request["queryString"],
            "logGroupNames": request.get("logGroupNames", []),
        }
        return {"queryDefinitionId": key}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [q for q in self.saved.values() if q["name"].startswith(request.get("queryDefinitionNamePrefix", ""))]
        start = int(request.get("nextToken", 0))
        more = {"nextToken": str(start + self.page)} if start + self.page < len(found) else {}
        return {"queryDefinitions": found[start : start + self.page], **more}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        self.written += 1
        return {"success": self.saved.pop(request["queryDefinitionId"], None) is not None}

    def names(self) -> list[str]:
        return sorted(query["name"] for query in self.saved.values())
