"""One end of a connection to the peer under test: it sends bytes, and records all that crosses."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from typing import Literal

from wslab.net import close_stream, reset_stream
from wslab.wire import Capture, Direction, Unit

MOST = 6 * 2**20
"""Bytes that are read of one connection: a peer that sends for ever is cut off there."""

PAUSE = 0.001
"""Seconds between two pieces of what is sent in pieces: enough for each to come alone."""


class Wire:
    """A connection of one case, with a recording of its own."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        side: Direction,
        patience: float,
    ) -> None:
        self.side = side
        self.other: Direction = "server" if side == "client" else "client"
        self.capture = Capture()
        self.connection = self.capture.open_connection()
        self.ended: Literal["eof", "reset", "endless"] | None = None
        """How the peer's stream ended; `endless`: it sent more than `MOST` bytes. None: open."""
        self._reader, self._writer = reader, writer
        self._patience = patience
        self._left = MOST

    async def send(self, data: bytes, at_a_time: int = 0) -> None:
        """Send and record. A peer that has gone, or reads nothing, is no error."""
        step = at_a_time or max(1, len(data))
        with contextlib.suppress(OSError, TimeoutError):
            for start in range(0, len(data), step):
                piece = data[start : start + step]
                self.capture.record(self.connection, self.side, piece)
                async with asyncio.timeout(self._patience):
                    self._writer.write(piece)
                    await self._writer.drain()
                if at_a_time:
                    await asyncio.sleep(PAUSE)

    def finish(self) -> None:
        """Say that nothing more will be sent (FIN); reading goes on."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def until(self, enough: Callable[[Wire], bool], at_most: float = 3600.0) -> bool:
        """Read until enough has come; False if the stream or the patience ends before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(at_most, self._patience)):
                while not enough(self):
                    if self.ended is not None:
                        return False
                    await self._read()
                return True
        return enough(self)

    async def until_the_end(self) -> None:
        """Read until the stream or the patience ends."""
        await self.until(lambda wire: False)

    async def _read(self) -> None:
        try:
            data = await self._reader.read(64 * 1024)
        except OSError:
            self.ended = "reset"
        else:
            self.capture.record(self.connection, self.other, data)
            self._left -= len(data)
            self.ended = "eof" if not data else "endless" if self._left <= 0 else None
        if self.ended in ("eof", "reset"):  # which may also be the end of a response
            self.capture.end(self.connection, self.other, self.ended)

    async def end(self) -> None:
        """End the connection."""
        if self.ended == "endless":
            reset_stream(self._writer.transport)
        await close_stream(self._writer)

    # --- What has crossed

    def units(self, direction: Direction) -> list[Unit]:
        """The requests, responses and frames of one direction."""
        index = self.capture.index
        return [index.unit(row.number) for row in index.rows_of(self.connection, direction)]

    def count(self, direction: Direction, kind: str) -> int:
        """How many units of a kind have crossed in one direction."""
        rows = self.capture.index.rows_of(self.connection, direction)
        return sum(row.kind == kind for row in rows)

    def messages(self) -> Counter[Direction]:
        """How many messages have crossed, by direction."""
        return Counter(one.direction for one in self.capture.index.messages(self.connection))
