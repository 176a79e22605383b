"""X-Ray's rules and groups for tests against moto, which has none: the sandbox's answer, in this process and on moto's server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sandbox.api.overlay import Context
from sandbox.api.xray_settings import TraceSettings
from sandbox.errors import ApiError


class TraceStore(TraceSettings):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def installed_for(self, monkeypatch: pytest.MonkeyPatch) -> TraceStore:
        from botocore.session import get_session
        from moto.xray import urls
        from moto.xray.responses import XRayResponse

        model = get_session().get_service_model("xray")
        for operation in self.calls:
            path = model.operation_model(operation).http["requestUri"].removeprefix("/")
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", path).lower()

            def answer(response: Any, operation: str = operation) -> Any:
                return self._answered(response, operation)

            monkeypatch.setattr(XRayResponse, name, answer, raising=False)
            monkeypatch.setitem(urls.url_paths, f"{{0}}/{path}$", XRayResponse.dispatch)
        return self

    def _answered(self, response: Any, operation: str) -> Any:
        if not operation.startswith(("Get", "List")):
            self.written.append(operation)
        try:
            context = Context(response.current_account, response.region, "testing")
            return json.dumps(self.calls[operation](response.request_params, context))
        except ApiError as refused:
            return response._error(refused.code, refused.message)

    def rule(self, name: str, region: str = "eu-central-1") -> dict[str, Any]:
        return self._rules[region][name]["SamplingRule"]  # type: ignore[no-any-return]

    def rules(self, region: str = "eu-central-1") -> list[str]:
        return sorted(self._rules.get(region, {}))

    def groups(self, region: str = "eu-central-1") -> dict[str, Any]:
        return self._groups.get(region, {})
