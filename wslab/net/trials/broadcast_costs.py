"""Measures ways to send a message to many clients: not compressed, for each client, or once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from websockets.asyncio.server import ServerConnection, broadcast

from wslab.net import loop
from wslab.net.address import Address
from wslab.net.clients.raw import dial, opening_request
from wslab.net.compression import Compression
from wslab.net.peers.frame_peer import FramePeer
from wslab.net.reset import close
from wslab.net.servers.raw import RawConnection
from wslab.net.servers.server import Server
from wslab.wire import Opcode, encode_frame
from wslab.wire.protocol import Agreement, Deflater

CLIENTS, MESSAGES = 100, 10
PATIENCE = 20.0
"""Seconds for one way, all in all."""

Send = Callable[[Sequence[ServerConnection], str], None]


def once_for_all(clients: Sequence[ServerConnection], message: str) -> None:
    """Compress once and write the same frame to each client. It needs server_no_context_takeover:
    no client may need what another one has not received."""
    payload = Deflater(no_context_takeover=True).deflate(message.encode())
    frame = encode_frame(Opcode.TEXT, payload, rsv1=True)
    for client in clients:
        client.transport.write(frame)


WAYS: dict[str, tuple[Compression, Send]] = {
    "not compressed": (None, broadcast),
    "for each client, with its own context": (Agreement(), broadcast),
    "for each client, without context": (Agreement(server_no_context_takeover=True), broadcast),
    "once for all, without context": (Agreement(server_no_context_takeover=True), once_for_all),
}
"""By name: what server and client agree on, and what sends a message."""


class BroadcastCost(NamedTuple):
    """What one message to all clients costs the server."""

    way: str
    microseconds: float
    """Time of the processor for one message, all clients together."""
    size: float
    """Bytes of the frame that a client gets, on average."""


class _Hall(Server):
    """A server whose clients only listen."""

    def __init__(self, compression: Compression) -> None:
        super().__init__("hall", compression=compression)
        self.clients: list[ServerConnection] = []
        self.full = asyncio.Event()

    async def handle(self, connection: ServerConnection) -> None:
        self.clients.append(connection)
        if len(self.clients) == CLIENTS:
            self.full.set()
        await connection.wait_closed()


def messages() -> list[str]:
    """The state of a game, as it goes to all its players ten times a second."""
    return [
        json.dumps([{"player": n, "x": (7 * n + t) % 100, "y": (13 * n) % 100} for n in range(60)])
        for t in range(MESSAGES)
    ]


def measure_broadcast(way: str) -> BroadcastCost:
    """Connect `CLIENTS` clients to a real server, and send them `MESSAGES` messages in that way."""
    compression, send = WAYS[way]
    with _Hall(compression) as hall:
        return loop.run(_measure(way, hall, send), PATIENCE)


async def _measure(way: str, hall: _Hall, send: Send) -> BroadcastCost:
    address = Address.parse(hall.url)
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    guests = []
    try:
        for _ in range(CLIENTS):
            guest = RawConnection(*await dial(address, PATIENCE))
            guests.append(guest)
            await guest.send(opening_request(address, offer))
            await guest.reader.readuntil(b"\r\n\r\n")
        await hall.full.wait()
        spent = sizes = 0.0
        for message in messages():
            began = time.thread_time()
            send(hall.clients, message)
            spent += time.thread_time() - began
            sizes += sum([await _read_frame(guest) for guest in guests])
    finally:
        for guest in guests:
            await close(guest.writer)
    return BroadcastCost(way, 1e6 * spent / MESSAGES, sizes / MESSAGES / CLIENTS)


async def _read_frame(guest: RawConnection) -> int:
    """Read one frame of a server, whose length has 7 or 16 bits; gives its size in bytes."""
    frame = await FramePeer(guest, "client").read()
    assert frame is not None, "the server has gone"
    return len(frame.payload) + (2 if len(frame.payload) < 126 else 4)
