"""What every group of ECS calls works on."""

from __future__ import annotations

from .ecs_answers import Answers
from .ecs_lookup import Lookup
from .state import Sandbox


class EcsCalls:
    """A group of calls: each has its handlers, and all have the same state, lookups and answers."""

    def __init__(self, sandbox: Sandbox, lookup: Lookup, answers: Answers) -> None:
        self._sandbox = sandbox
        self._settings = sandbox.settings
        self._fargate = sandbox.fargate
        self._store = sandbox.fargate.store
        self._lookup = lookup
        self._answers = answers
