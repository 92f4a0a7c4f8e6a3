"""Measures what the others receive while one client reads nothing, for each way of `fan_out`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import time
from collections.abc import Collection
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection

from wslab.net import buffers, loop
from wslab.net.clients.silent import connect_silently
from wslab.net.servers.server import Server
from wslab.net.trials.fan_out import WAYS

SMALL_BUFFER = 4096
"""Bytes of the system's buffers in a measurement."""


class FanOutResult(NamedTuple):
    """What the others received while one client read nothing."""

    way: str
    delivered: float
    """The part of the messages that reached the readers, from 0 to 1."""
    median: float
    worst: float
    """The longest time from sender to reader, in seconds, of the messages that arrived."""
    waiting: int
    """The most bytes that waited in the server's memory for the client that reads nothing."""
    slow_one: str
    """What happened to that client."""


class _RoomServer(Server):
    """The measured server: one room, and small buffers."""

    def __init__(self, way: str, places: int) -> None:
        super().__init__(f"fan-out: {way}")
        self.room = WAYS[way]()
        self.places = places
        self.full = asyncio.Event()
        self.most_waiting = 0

    def _bind(self) -> socket.socket:
        sock = super()._bind()
        buffers.shrink(sock, send=SMALL_BUFFER)
        return sock

    async def handle(self, connection: ServerConnection) -> None:
        room = self.room
        room.add(connection)
        if len(room.clients) == self.places:
            self.full.set()
        try:
            async for message in connection:
                await room.say(str(message))
                self.most_waiting = max([self.most_waiting, *map(room.behind, room.clients)])
        finally:
            self.room.remove(connection)


def measure_fan_out(
    way: str, *, readers: int = 10, messages: int = 100, size: int = 4096, rate: float = 200.0
) -> FanOutResult:
    """Send `messages` of `size` bytes, `rate` a second, to `readers` and to one that reads nothing.

    Takes about `messages` / `rate` seconds, and a second more if something does not arrive.
    Raises KeyError for a way that is not in `WAYS`.
    """
    with _RoomServer(way, readers + 2) as server:
        return loop.run(_measure(server, way, readers, messages, size, rate), 60.0)


async def _measure(
    server: _RoomServer, way: str, readers: int, messages: int, size: int, rate: float
) -> FanOutResult:
    delays: list[float] = []
    async with contextlib.AsyncExitStack() as stack:
        slow = await connect_silently(server.url, receive_buffer=SMALL_BUFFER)
        stack.callback(slow.transport.abort)
        clients = [
            await stack.enter_async_context(
                connect(server.url, compression=None, ping_interval=None, proxy=None)
            )
            for _ in range(readers + 1)
        ]
        sender = clients.pop()
        tasks = [asyncio.create_task(_read(client, delays)) for client in clients]
        tasks.append(asyncio.create_task(_read(sender, [])))
        await server.full.wait()
        talking = asyncio.create_task(_talk(sender, messages, size, rate))
        await _until_still(delays, messages * readers, messages / rate)
        talking.cancel()
        # No closing handshakes after a measurement: what is still unread does not matter.
        for client in [*clients, sender, slow]:
            client.transport.abort()
        await asyncio.gather(*tasks, talking, return_exceptions=True)
        there = any(client.remote_address == slow.local_address for client in server.room.clients)
    return FanOutResult(
        way,
        len(delays) / (messages * readers),
        statistics.median(delays) if delays else 0.0,
        max(delays, default=0.0),
        server.most_waiting,
        "still in the room" if there else "shown out: 1013",
    )


async def _talk(sender: ClientConnection, messages: int, size: int, rate: float) -> None:
    begin = time.perf_counter()
    for number in range(messages):
        await asyncio.sleep(begin + number / rate - time.perf_counter())
        await sender.send(json.dumps({"sent": time.perf_counter()}).ljust(size))


async def _read(client: ClientConnection, delays: list[float]) -> None:
    async for message in client:
        delays.append(time.perf_counter() - json.loads(message)["sent"])


async def _until_still(delays: Collection[float], wanted: int, at_least: float) -> None:
    """Wait until everything has arrived, or nothing more has for half a second."""
    begin = last_change = time.perf_counter()
    seen = 0
    while len(delays) < wanted:
        now = time.perf_counter()
        if len(delays) != seen:
            seen, last_change = len(delays), now
        if now - begin > at_least + 0.3 and now - last_change > 0.5:
            return
        await asyncio.sleep(0.02)
