"""Plays one side of a connection to a live peer, and records what both say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from wslab.net.recorded.script import End
from wslab.net.reset import close, reset
from wslab.wire import Capture, Direction, Unit


class Live:
    """A connection to a live peer, recorded as it is played; `hears` names the peer's side."""

    def __init__(
        self,
        capture: Capture,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hears: Direction,
    ) -> None:
        self.capture = capture
        self.reader, self.writer = reader, writer
        self.hears: Direction = hears
        self.says: Direction = "client" if hears == "server" else "server"
        self.number = capture.open_connection()
        self.ended: End | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._rows = 0
        self._units = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(65536):
                self.capture.record(self.number, self.hears, data)
                self.heard()
                self._news.set()
            self.ended = "eof"
        except Exception as error:
            self.ended = "reset"
            if not isinstance(error, OSError):
                raise  # in `close`
        finally:
            self._news.set()
        self.capture.end(self.number, self.hears, self.ended)

    def heard(self) -> None:
        """Something has come from the peer, and is recorded."""

    def count(self) -> int:
        """How many units the peer has sent."""
        index = self.capture.index
        rows = index.rows(self._rows)
        self._rows += len(rows)
        self._units += sum(
            row.direction == self.hears and row.connection == self.number for row in rows
        )
        return self._units

    def upgraded(self) -> bool:
        return self.capture.index.is_upgraded(self.number)

    async def wait_for_units(self, count: int, patience: float) -> bool:
        """Wait for `count` units, the end of the stream or of the time; whether they came."""
        return await self.wait(lambda: self.count() >= count, patience)

    async def wait_for_end(self, patience: float) -> None:
        """Wait until the peer's stream ends, or the time is up."""
        await self.wait(lambda: False, patience)

    async def wait(self, there: Callable[[], bool], patience: float | None) -> bool:
        """Wait until it is `there`, until the peer's stream ends, or the time is up; whether it is.

        Without a `patience`, which is in seconds, as long as the peer stays.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not there() and self.ended is None:
                    self._news.clear()
                    await self._news.wait()
        return there()

    async def send(self, data: bytes) -> bool:
        self.capture.record(self.number, self.says, data)
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            return False
        return True

    def end(self, how: End) -> None:
        """End our own stream; what the peer still says is heard after a FIN."""
        if self.ended == "reset":
            return
        if how == "eof":
            with contextlib.suppress(OSError):
                self.writer.write_eof()
        else:
            reset(self.writer.transport)
        self.capture.end(self.number, self.says, how)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await close(self.writer)

    def units(self) -> list[Unit]:
        """What the peer sent, explained."""
        index = self.capture.index
        return [
            index.unit(row.number)
            for row in index.rows()
            if row.connection == self.number and row.direction == self.hears
        ]
