"""What was said, numbered, in a SQLite file: it outlives the process that writes it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple, Self


class Said(NamedTuple):
    """A message of the store."""

    number: int
    """From 1, without gaps, in the order in which they were stored."""
    key: str
    """The sender's own name for it: the same message, sent twice, is stored once."""
    text: str


class Store:
    """Numbered messages in a file. For one thread; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=10.0, isolation_level=None)
        # A log beside the file: readers do not wait for a writer, and a kill loses nothing.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS said"
            " (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL, text TEXT)"
        )

    def add(self, key: str, text: str) -> int:
        """Store a message, unless it is there already; returns its number."""
        known = self._database.execute("SELECT number FROM said WHERE key = ?", [key]).fetchone()
        if known is not None:
            return int(known[0])
        # OR IGNORE and no number of its own: another process may have been faster.
        self._database.execute("INSERT OR IGNORE INTO said (key, text) VALUES (?, ?)", [key, text])
        (number,) = self._database.execute(
            "SELECT number FROM said WHERE key = ?", [key]
        ).fetchone()
        return int(number)

    def after(self, number: int) -> list[Said]:
        """The messages behind that number, in order."""
        rows = self._database.execute(
            "SELECT number, key, text FROM said WHERE number > ? ORDER BY number", [number]
        )
        return [Said(*row) for row in rows]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
