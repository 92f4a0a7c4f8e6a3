"""Has many clients lose their server at the same moment, and counts how they come back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from wslab.net import loop
from wslab.net.address import parse_url
from wslab.net.resume.process import RoomProcess

BIN = 0.1
"""Seconds of one count."""

AT_ONCE = 50
"""Clients that connect at a time before the loss: the server is to have an easy start."""

_LONGEST = 60.0

Waits = Sequence[Sequence[float]]
"""For each client: the seconds that it waits after the loss, after its first try in vain,
after its second … The last one is that of all further tries."""


class ComeBack(NamedTuple):
    """How a herd came back. All times are in seconds after the loss."""

    accepted: list[float]
    """When the new server accepted each connection, by its own count."""
    refused: int
    """Tries in vain, while there was no server."""
    slowest: float
    """Seconds that the slowest client waited for its 101, from its last try on."""
    over: float
    """When the last client was back."""

    @property
    def counts(self) -> list[tuple[float, int]]:
        """How many connections the server accepted in each `BIN`, from just before the first one
        to just after the last."""
        found = Counter(int(when / BIN) for when in self.accepted)
        return [(number * BIN, found[number]) for number in range(min(found) - 1, max(found) + 2)]

    @property
    def peak(self) -> int:
        """The most that it accepted in any `BIN`, wherever that begins."""
        times = sorted(self.accepted)
        return max(bisect_left(times, when + BIN) - at for at, when in enumerate(times))


def lose_server(waits: Mapping[str, Waits], away: float = 0.8) -> dict[str, ComeBack]:
    """Kill the server of each herd, start it again `away` seconds later, and wait for all to come.

    The herds are lost at the same moment, each with a server process of its own.
    """
    return loop.run(_lose(waits, away), _LONGEST + away)


class _Herd:
    """The clients of one server. They are as little as clients can be: a thousand need no core."""

    def __init__(self, server: RoomProcess, waits: Waits) -> None:
        self.server, self._waits = server, waits
        self._connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.refused, self.slowest, self.over = 0, 0.0, 0.0

    async def gather(self) -> None:
        """Connect all, a few at a time."""
        for first in range(0, len(self._waits), AT_ONCE):
            some = self._waits[first : first + AT_ONCE]
            await asyncio.gather(*(self._connect() for _ in some))

    async def come_back(self) -> None:
        """Each client: see that the connection is lost, wait, try again."""
        pairs = zip(list(self._connections), self._waits, strict=True)
        await asyncio.gather(*(self._return(reader, waits) for (reader, _), waits in pairs))

    async def _return(self, reader: asyncio.StreamReader, waits: Sequence[float]) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        for failed in itertools.count():
            await asyncio.sleep(waits[min(failed, len(waits) - 1)])
            began = time.monotonic()
            if await self._connect():
                self.over = time.monotonic()
                self.slowest = max(self.slowest, self.over - began)
                return
            self.refused += 1

    async def _connect(self) -> bool:
        address, key = parse_url(self.server.urls[0]), base64.b64encode(os.urandom(16)).decode()
        try:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            self._connections.append((reader, writer))
            writer.write(_REQUEST.format(address=address, key=key).encode())
            return (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        except (OSError, asyncio.IncompleteReadError):
            return False

    def cut(self) -> None:
        for _, writer in self._connections:
            writer.transport.abort()


_REQUEST = (
    "GET / HTTP/1.1\r\nHost: {address.host}:{address.port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
)


async def _lose(waits: Mapping[str, Waits], away: float) -> dict[str, ComeBack]:
    async with AsyncExitStack() as left:
        folder = Path(left.enter_context(tempfile.TemporaryDirectory(prefix="wslab-herd-")))
        herds: dict[str, _Herd] = {}
        for number, (name, one) in enumerate(waits.items()):
            herd = herds[name] = _Herd(RoomProcess(folder / f"{number}.db"), one)
            left.push_async_callback(herd.server.kill)
            left.callback(herd.cut)
            await herd.server.start()
            await herd.gather()
        lost = time.monotonic()
        await asyncio.gather(*(herd.server.kill() for herd in herds.values()))
        async with asyncio.TaskGroup() as group:
            for herd in herds.values():
                group.create_task(herd.come_back())
            await asyncio.sleep(max(0.0, lost + away - time.monotonic()))
            await asyncio.gather(*(herd.server.start() for herd in herds.values()))
        found = {}
        for name, herd in herds.items():
            accepted = [when - lost for when in await herd.server.stop()]
            found[name] = ComeBack(accepted, herd.refused, herd.slowest, herd.over - lost)
        return found
