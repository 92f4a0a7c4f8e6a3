"""Guests of several servers, who talk, come back when they were cut off, and are counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from wslab.net.resume.client import ResumingClient

NAMES = ("Ada", "Ben", "Cy", "Di")


def soon(failed: int) -> float:
    """Seconds until a guest comes back: long enough to miss something."""
    return random.uniform(0.4, 0.8)


class Guest(ResumingClient):
    """A guest of a `Chat`, which has no numbers: it comes back, and that is all."""

    async def say(self, text: str) -> None:
        if self._connection is not None:
            with contextlib.suppress(WebSocketException):
                await self._connection.send(text)

    async def _talk(self, connection: ClientConnection) -> None:
        self.greetings.append(json.loads(await connection.recv()))
        self._connection = connection
        self._tell()
        try:
            async for text in connection:
                self.received.append((len(self.received) + 1, str(text)))
                self._tell()
        finally:
            self._connection = None


async def hear(guest: ResumingClient, text: str) -> None:
    """Wait until it has heard a text."""
    await guest.wait_until(lambda: text in guest.texts)


async def all_connected(guests: Iterable[ResumingClient]) -> None:
    """Wait until each of them has a connection."""
    for guest in guests:
        await guest.wait_until(partial(getattr, guest, "is_connected"))


@contextlib.asynccontextmanager
async def connected(guests: Sequence[ResumingClient]) -> AsyncIterator[None]:
    """Have guests come in one after the other; inside, they come back whenever they are cut off."""
    running = []
    try:
        for guest in guests:
            running.append(asyncio.ensure_future(guest.run()))
            await all_connected([guest])
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
