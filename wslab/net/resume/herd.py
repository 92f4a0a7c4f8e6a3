"""Has many clients lose their server at the same moment, and counts how they come back."""

from __future__ import annotations

import asyncio
import base64
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
"""For each client: the seconds that it waits after its first try in vain, its second, … The last
one is that of all further tries."""


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
        """How many connections the server accepted in each `BIN` from the loss to the end."""
        found = Counter(int(when / BIN) for when in self.accepted)
        return [(number * BIN, found[number]) for number in range(max(found) + 2)]

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


class _Client(asyncio.Protocol):
    """As little as a client can be: a thousand of them hardly need a core."""

    def __init__(self, host: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._request = (
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self._answer = b""
        self._transport: asyncio.Transport | None = None
        self.opened = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request.encode())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if b"\r\n\r\n" in self._answer:
            self.opened.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.opened.set()
        self.lost.set()

    @property
    def is_open(self) -> bool:
        return self._answer.startswith(b"HTTP/1.1 101 ") and not self.lost.is_set()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Herd:
    """The clients of one server."""

    def __init__(self, server: RoomProcess, waits: Waits) -> None:
        self.server, self._waits = server, waits
        self._address = parse_url(server.url)
        self._clients: list[_Client] = []
        self.refused, self.slowest, self.over = 0, 0.0, 0.0

    async def gather(self) -> None:
        """Connect all, a few at a time."""
        for first in range(0, len(self._waits), AT_ONCE):
            some = [self._connect() for _ in self._waits[first : first + AT_ONCE]]
            self._clients += [one for one in await asyncio.gather(*some) if one is not None]

    async def come_back(self) -> None:
        """Each client: see that the connection is lost, wait, try again."""
        pairs = zip(self._clients, self._waits, strict=True)
        self._clients = []
        await asyncio.gather(*(self._return(*pair) for pair in pairs))

    async def _return(self, client: _Client, waits: Sequence[float]) -> None:
        await client.lost.wait()
        failed = 0
        while True:
            await asyncio.sleep(waits[min(failed, len(waits) - 1)])
            began = time.monotonic()
            if (back := await self._connect()) is not None:
                self._clients.append(back)
                self.over = time.monotonic()
                self.slowest = max(self.slowest, self.over - began)
                return
            self.refused += 1
            failed += 1

    async def _connect(self) -> _Client | None:
        host, port = self._address.host, self._address.port
        make = asyncio.get_running_loop().create_connection
        try:
            _, client = await make(lambda: _Client(f"{host}:{port}"), host, port)
        except OSError:
            return None
        await client.opened.wait()
        return client if client.is_open else None

    def cut(self) -> None:
        for client in self._clients:
            client.cut()


async def _lose(waits: Mapping[str, Waits], away: float) -> dict[str, ComeBack]:
    async with AsyncExitStack() as left:
        folder = Path(left.enter_context(tempfile.TemporaryDirectory(prefix="wslab-herd-")))
        herds: dict[str, _Herd] = {}
        for number, (name, one) in enumerate(waits.items()):
            server = RoomProcess(folder / f"{number}.db")
            left.push_async_callback(server.kill)
            await server.start()
            herds[name] = _Herd(server, one)
            left.callback(herds[name].cut)
        for herd in herds.values():
            await herd.gather()
        lost = time.monotonic()
        await asyncio.gather(*(herd.server.kill() for herd in herds.values()))
        coming = {name: asyncio.ensure_future(herd.come_back()) for name, herd in herds.items()}
        for task in coming.values():
            left.callback(task.cancel)
        await asyncio.sleep(max(0.0, lost + away - time.monotonic()))
        await asyncio.gather(*(herd.server.start() for herd in herds.values()))
        await asyncio.gather(*coming.values())
        found = {}
        for name, herd in herds.items():
            accepted = [when - lost for when in await herd.server.stop()]
            found[name] = ComeBack(accepted, herd.refused, herd.slowest, herd.over - lost)
        return found
