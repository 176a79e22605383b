"""DynamoDB: a table has an id, which the stock module reads."""

from __future__ import annotations

import uuid
from typing import Any

from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.dynamodb.models.table import Table

    @patch(Table, "describe", ("self", "base_key"))
    def with_an_id(original: Any, self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        answer: dict[str, Any] = original(self, *arguments, **named)
        for described in answer.values():
            described["TableId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, self.table_arn))
        return answer
