"""The error that a part of the API process raises for its caller, and that is answered in AWS's words."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error answered as AWS answers it."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        """`members` are what the error's shape has besides its message."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members
