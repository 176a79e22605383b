"""Routes: what each request is answered, before anything of HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from . import metrics, page
from .chaos import Chaos
from .metrics import Metrics
from .store import StorageError, Store

_PLAYER_LENGTH = 40
_HIGHEST_SCORE = 1_000_000_000
_LEADERS = 10
_MOST_LEADERS = 100
OTHER = "other"  # the route of all paths that are not ours: a raw path would make metrics without end


@dataclass(frozen=True)
class Request:
    """The parts of a request that routes look at."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """Status, body, its type, and further headers."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, code: int, /, **values: Any) -> Answer:
        return cls(code, json.dumps(values).encode())


class BadRequest(Exception):
    """The reason that the client is told."""


class Application:
    """The scoreboard."""

    def __init__(self, version: str, store: Store, counters: Metrics, chaos: Chaos) -> None:
        self.version = version
        self._store = store
        self._metrics = counters
        self._chaos = chaos
        self._routes: dict[str, dict[str, Callable[[Request], Answer]]] = {
            "/": {"GET": self._page},
            "/healthz": {"GET": lambda _: Answer.of(200, status="ok", version=version)},
            "/readyz": {"GET": self._ready},
            "/version": {"GET": lambda _: Answer.of(200, version=version)},
            "/metrics": {"GET": lambda _: Answer(200, self._metrics.text().encode(), metrics.CONTENT_TYPE)},
            "/leaderboard": {"GET": self._leaderboard},
            "/score": {"POST": self._score},
        }

    def answer(self, request: Request) -> tuple[str, Answer]:
        """The route, for metrics and logs, and the answer."""
        route = request.path
        handlers = self._routes.get(route)
        if handlers is None:
            return OTHER, Answer.of(404, error=f"There is nothing here. Try one of {', '.join(self._routes)}.")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in handlers:
            allowed = ", ".join(handlers)
            refusal = Answer.of(405, error=f"Use {allowed}.")
            return route, replace(refusal, headers={"Allow": allowed})
        mischief = self._chaos.strike(route)
        if mischief.seconds:
            time.sleep(mischief.seconds)
        if mischief.busy_seconds:
            _spin(mischief.busy_seconds)
        if mischief.fail:
            return route, Answer.of(500, error="Chaos struck, as CHAOS_ENABLED asks for.")
        try:
            return route, handlers[method](request)
        except BadRequest as refused:
            return route, Answer.of(400, error=str(refused))
        except StorageError as failed:
            return route, Answer.of(503, error=str(failed))

    def _page(self, request: Request) -> Answer:
        text = page.render(self.version, self._store.mode, self._store.problem, self._store.leaders(_LEADERS))
        return Answer(200, text, "text/html; charset=utf-8", {"Content-Security-Policy": page.POLICY})

    def _ready(self, request: Request) -> Answer:
        """In memory is ready, too: storage_mode tells. A database that no longer answers is not."""
        self._store.leaders(1)
        return Answer.of(
            200,
            status="ready",
            storage_mode=self._store.mode,
            storage_problem=self._store.problem,
            version=self.version,
        )

    def _leaderboard(self, request: Request) -> Answer:
        given = parse_qs(request.query).get("limit", [str(_LEADERS)])[-1]
        if not (given.isascii() and given.isdigit() and len(given) < 10 and 1 <= int(given) <= _MOST_LEADERS):
            raise BadRequest(f"limit is {given[:40]!r}; expected a number from 1 to {_MOST_LEADERS}.")
        return Answer.of(200, leaders=self._store.leaders(int(given)), version=self.version)

    def _score(self, request: Request) -> Answer:
        player, score = _parse_score(request.body)
        self._store.add(player, score)
        self._metrics.scored()
        return Answer.of(201, player=player, score=score, version=self.version)


def _parse_score(body: bytes) -> tuple[str, int]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest('The body is not JSON; expected {"player": "ann", "score": 7}.') from None
    if not isinstance(given, dict) or not {"player", "score"} <= given.keys():
        raise BadRequest('player or score is missing; expected {"player": "ann", "score": 7}.')
    player, score = given["player"], given["score"]
    if not isinstance(player, str) or not 0 < len(player) <= _PLAYER_LENGTH or not player.isprintable():
        raise BadRequest(f"player must be 1 to {_PLAYER_LENGTH} printable characters.")
    if not isinstance(score, int) or isinstance(score, bool) or not 0 <= score <= _HIGHEST_SCORE:
        raise BadRequest(f"score must be a whole number from 0 to {_HIGHEST_SCORE}.")
    return player, score


def _spin(seconds: float) -> None:
    """Use so much CPU time of this thread."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
