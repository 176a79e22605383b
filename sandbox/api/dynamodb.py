"""DynamoDB: a table has an id, which the stock module reads."""

from __future__ import annotations

import uuid
from typing import Any

from .overlay import patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.dynamodb.models.table import Table
    from moto.dynamodb.responses import DynamoHandler

    @patch(DynamoHandler, "update_table", ("self",))
    def with_its_key(original: Any, self: Any) -> Any:
        given = self.body.get("SSESpecification")
        answer = original(self)
        if given is not None:
            self.dynamodb_backend.get_table(self.body["TableName"]).sse_specification = given
        return answer

    @patch(Table, "describe", ("self", "base_key"))
    def with_an_id(original: Any, self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        answer: dict[str, Any] = original(self, *arguments, **named)
        for described in answer.values():
            described["TableId"] = str(uuid.uuid5(uuid.NAMESPACE_URL, self.table_arn))
        return answer
