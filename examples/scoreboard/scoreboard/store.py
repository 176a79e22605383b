"""Scores in SQLite on a volume; in memory where the file cannot be opened, and saying so."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

_SCHEMA = "CREATE TABLE IF NOT EXISTS scores (player TEXT NOT NULL, score INTEGER NOT NULL, at REAL NOT NULL)"
_BUSY_SECONDS = 5.0


class Store:
    """One connection, one writer at a time. `mode` is sqlite or memory."""

    def __init__(self, path: str | None) -> None:
        self._lock = threading.Lock()
        self.mode, self.problem = "memory", "SCORE_DB_PATH is not set"
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        if path:
            try:
                self._connection = self._open(path)
                self.mode, self.problem = "sqlite", ""
            except (sqlite3.Error, OSError) as failed:
                self.problem = f"{path}: {failed}"
        self._connection.execute(_SCHEMA)

    @staticmethod
    def _open(path: str) -> sqlite3.Connection:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_SCHEMA)
        return connection

    def ready(self) -> bool:
        """Whether a read works now."""
        try:
            with self._lock:
                self._connection.execute("SELECT count(*) FROM scores").fetchone()
        except sqlite3.Error:
            return False
        return True

    def add(self, player: str, score: int) -> None:
        with self._lock, self._connection:
            self._connection.execute("INSERT INTO scores VALUES (?, ?, ?)", (player, score, time.time()))

    def leaders(self, limit: int = 10) -> list[dict[str, object]]:
        """Each player's best score, the best first."""
        query = "SELECT player, max(score) FROM scores GROUP BY player ORDER BY 2 DESC, 1 LIMIT ?"
        with self._lock:
            rows = self._connection.execute(query, (limit,)).fetchall()
        return [{"player": player, "score": score} for player, score in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()
