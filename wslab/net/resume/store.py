"""What was said, numbered, in a database: it outlives the process that writes it.

Several processes may have the same database open. Each of them stores and reads, and hears of what
the others store by `news`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple, Self

from wslab.net.packages import extra

POLL = 0.02
"""Seconds between two looks at a SQLite file."""


class Said(NamedTuple):
    """A message of the store."""

    number: int
    """From 1, without gaps, in the order in which they were stored."""
    key: str
    """The sender's own name for it: the same message, sent twice, is stored once."""
    text: str


class Store(ABC):
    """Numbered messages. For one thread."""

    @staticmethod
    def open(database: str | Path) -> Store:
        """The store in a database: a URL `postgresql://…`, or the path of a SQLite file.

        Raises `PackageMissing` for a URL without the package psycopg.
        """
        if str(database).startswith(("postgresql://", "postgres://")):
            return PostgresStore(str(database))
        return SqliteStore(Path(database))

    @abstractmethod
    def add(self, key: str, text: str) -> int:
        """Store a message, unless it is there already; returns its number."""

    @abstractmethod
    def after(self, number: int) -> list[Said]:
        """The messages behind that number, in order."""

    @property
    @abstractmethod
    def last(self) -> int:
        """The number of the last message; 0 where there is none."""

    @abstractmethod
    def news(self) -> AsyncIterator[None]:
        """Comes once at the beginning, and whenever another process has stored something."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection to the database."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SqliteStore(Store):
    """In a SQLite file. SQLite tells nobody of news: so it is asked for them, every `POLL`."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=10.0, isolation_level=None)
        # A log beside the file: readers do not wait for a writer, and a kill loses nothing.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS said"
            " (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL, text TEXT)"
        )

    def add(self, key: str, text: str) -> int:
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
        rows = self._database.execute(
            "SELECT number, key, text FROM said WHERE number > ? ORDER BY number", [number]
        )
        return [Said(*row) for row in rows]

    @property
    def last(self) -> int:
        row = self._database.execute("SELECT coalesce(max(number), 0) FROM said").fetchone()
        return int(row[0])

    async def news(self) -> AsyncIterator[None]:
        known = None
        while True:
            # It changes when another connection has changed the file, and only then.
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            if version != known:
                known = version
                yield
            await asyncio.sleep(POLL)

    def close(self) -> None:
        self._database.close()


class PostgresStore(Store):
    """In PostgreSQL, which tells of news by itself: NOTIFY, to those who LISTEN."""

    def __init__(self, url: str) -> None:
        with extra("production"):
            import psycopg
        self._url = url
        self._database = psycopg.connect(url, autocommit=True)
        with self._database.transaction():
            # Two processes that begin at the same time would both make it.
            self._database.execute("SELECT pg_advisory_xact_lock(1)")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS said"
                " (number BIGINT PRIMARY KEY, key TEXT UNIQUE NOT NULL, text TEXT)"
            )

    def add(self, key: str, text: str) -> int:
        with self._database.transaction():
            # One writer after the other. A counter of the database's own (a sequence) leaves gaps,
            # and its 8 may become visible before its 7: whoever has seen 8 would never ask for 7.
            self._database.execute("LOCK TABLE said IN EXCLUSIVE MODE")
            self._database.execute(
                "INSERT INTO said SELECT coalesce(max(number), 0) + 1, %s, %s FROM said"
                " ON CONFLICT (key) DO NOTHING",
                [key, text],
            )
            self._database.execute("NOTIFY said")  # is told when this is committed
            row = self._database.execute("SELECT number FROM said WHERE key = %s", [key]).fetchone()
        assert row is not None
        return int(row[0])

    def after(self, number: int) -> list[Said]:
        rows = self._database.execute(
            "SELECT number, key, text FROM said WHERE number > %s ORDER BY number", [number]
        )
        return [Said(*row) for row in rows]

    @property
    def last(self) -> int:
        row = self._database.execute("SELECT coalesce(max(number), 0) FROM said").fetchone()
        assert row is not None
        return int(row[0])

    async def news(self) -> AsyncIterator[None]:
        from psycopg import AsyncConnection

        async with await AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute("LISTEN said")
            yield
            async for _ in connection.notifies():
                yield

    def close(self) -> None:
        self._database.close()
