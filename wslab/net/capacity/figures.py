"""Measures what a connection, a handshake and a message cost a server on this machine."""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import NamedTuple

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.clients import opening_request
from wslab.net.errors import TimedOut
from wslab.net.peers.process import PeerProcess
from wslab.net.tls import Authority

PATIENCE = 30.0
"""Seconds that all handshakes, or all deliveries, may take."""

SIZE = 100
"""Bytes of a message."""

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate"}


class Figures(NamedTuple):
    """What was measured, each for one connection, one handshake, one message."""

    kind: str
    memory: float
    """Bytes of the server process for an idle connection."""
    handshake: float
    """CPU seconds of the server for opening one: TCP, TLS if there is any, and the request."""
    delivery: float
    """CPU seconds of the server for sending one message of `SIZE` bytes."""


def measure(
    kind: str, authority: Authority | None, compression: str | None, *, connections: int = 100
) -> Figures:
    """Open connections to a server in a process of its own, and send each of them messages."""
    pem = tls = None
    if authority is not None:
        issued = authority.issue()
        pem, tls = (issued.key + issued.chain).decode(), authority.client()
    process = PeerProcess([sys.executable, "-m", "wslab.net.capacity.server"])
    try:
        port = process.order("serve", pem=pem or "", compression=compression)
        crowd = _Crowd(port, tls, OFFER if compression else {})
        loop.run(crowd.grow(20), PATIENCE)  # what the first ones alone take, imports too
        process.order("say", count=2, size=SIZE)
        before = process.order("usage")
        loop.run(crowd.grow(connections), PATIENCE)
        opened = process.order("usage")
        count = opened["connections"] - before["connections"]
        messages = process.order("say", count=40, size=SIZE)
        after = process.order("usage")
        loop.run(crowd.leave(), PATIENCE)
    finally:
        process.end()
    return Figures(
        kind,
        (opened["memory"] - before["memory"]) / count,
        (opened["cpu"] - before["cpu"]) / count,
        (after["cpu"] - opened["cpu"]) / messages,
    )


class _Crowd:
    """Clients that read what comes, and forget it: as cheap as can be."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, fields: dict[str, str]) -> None:
        self.address = Address(tls is not None, LOOPBACK, port)
        self.tls = tls
        self.request = opening_request(self.address, fields)
        self.guests: list[_Guest] = []

    async def grow(self, count: int) -> None:
        guests = [_Guest(self.request) for _ in range(count)]
        self.guests += guests
        for start in range(0, count, 25):  # a server's queue of new connections is short
            some = guests[start : start + 25]
            await asyncio.gather(*(self._open(guest) for guest in some))

    async def _open(self, guest: _Guest) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: guest, self.address.host, self.address.port, ssl=self.tls
        )
        await guest.answered.wait()
        if not guest.accepted:
            raise TimedOut("a connection was not accepted: is the limit of open files reached?")

    async def leave(self) -> None:
        for guest in self.guests:
            guest.transport.abort()
        await asyncio.gather(*(guest.gone.wait() for guest in self.guests))


class _Guest(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.answered, self.gone = asyncio.Event(), asyncio.Event()
        self.accepted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.accepted = self.accepted or data.startswith(b"HTTP/1.1 101")
        self.answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.answered.set()
        self.gone.set()
