"""The error that a part of the API process raises for its caller, and that is answered in AWS's words."""

from __future__ import annotations


class ApiError(Exception):
    """An error answered as AWS answers it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
