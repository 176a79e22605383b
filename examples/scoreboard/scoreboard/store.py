"""Scores in SQLite on a volume; in memory where the file cannot be opened, and saying so."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scores (player TEXT NOT NULL, score INTEGER NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS best ON scores (player, score);
"""
_BUSY_SECONDS = 5.0


class StorageError(Exception):
    """The database did not do what was asked."""


class Store:
    """One connection, one call at a time. `mode` is sqlite or memory; `problem` says why it is memory."""

    def __init__(self, path: str | None, journal: str = "wal") -> None:
        self._lock = threading.Lock()
        self.mode, self.problem = "memory", "SCORE_DB_PATH is not set"
        if path:
            try:
                self._connection = _open(path, journal)
                self.mode, self.problem = "sqlite", ""
                return
            except (sqlite3.Error, OSError) as failed:
                self.problem = f"{path}: {failed}"
        self._connection = _connect(":memory:")

    def add(self, player: str, score: int) -> None:
        try:
            with self._lock, self._connection:
                self._connection.execute("INSERT INTO scores VALUES (?, ?, ?)", (player, score, time.time()))
        except sqlite3.Error as failed:
            raise StorageError(f"The score was not kept: {failed}") from failed

    def leaders(self, limit: int = 10) -> list[dict[str, object]]:
        """Each player's best score, the best first."""
        query = "SELECT player, max(score) FROM scores GROUP BY player ORDER BY 2 DESC, 1 LIMIT ?"
        try:
            with self._lock:
                rows = self._connection.execute(query, (limit,)).fetchall()
        except sqlite3.Error as failed:
            raise StorageError(f"The scores cannot be read: {failed}") from failed
        return [{"player": player, "score": score} for player, score in rows]

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _open(path: str, journal: str) -> sqlite3.Connection:
    """WAL lets a reader and a writer work at once; on a network file system it wants all its processes on one host."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    # A rollback journal is safe against power loss only with full synchronisation.
    synchronous = "NORMAL" if journal == "wal" else "FULL"
    return _connect(path, f"PRAGMA journal_mode={journal}", f"PRAGMA synchronous={synchronous}")


def _connect(path: str, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    for pragma in pragmas:
        connection.execute(pragma)
    connection.executescript(_SCHEMA)
    return connection
