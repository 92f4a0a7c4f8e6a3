"""Measures what a connection, a handshake and a message cost a server on this machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.peers.process import PeerProcess
from wslab.net.tls import Authority

SERVER = Path(__file__).with_name("server.py")

PATIENCE = 30.0
"""Seconds that all handshakes may take."""

SIZE = 100
"""Bytes of a message."""


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
    kind: str, authority: Authority | None, compression: str | None, *, connections: int = 80
) -> Figures:
    """Open connections to a server in a process of its own, and send each of them messages."""
    pem = tls = None
    if authority is not None:
        issued = authority.issue()
        pem, tls = (issued.key + issued.chain).decode(), authority.client()
    crowd: list[ClientConnection] = []

    async def grow(count: int) -> None:
        url = Address(tls is not None, LOOPBACK, port).url
        options: Any = {"compression": compression, "ping_interval": None, "proxy": None}
        for _ in range(count // 20):  # a server's queue of new connections is short
            some = (connect(url, ssl=tls, max_queue=None, **options) for _ in range(20))
            crowd.extend(await asyncio.gather(*some))

    async def leave() -> None:
        for client in crowd:
            client.transport.abort()
        await asyncio.gather(*(client.wait_closed() for client in crowd))

    process = PeerProcess([sys.executable, "-P", str(SERVER)])
    try:
        port = process.order("serve", pem=pem or "", compression=compression)
        loop.run(grow(20), PATIENCE)  # what the first ones alone take, imports too
        process.order("say", count=2, size=SIZE)
        before = process.order("usage")
        loop.run(grow(connections), PATIENCE)
        opened = process.order("usage")
        messages = process.order("say", count=40, size=SIZE)
        after = process.order("usage")
    finally:
        loop.run(leave(), PATIENCE)
        process.end()
    return Figures(
        kind,
        (opened["memory"] - before["memory"]) / connections,
        (opened["cpu"] - before["cpu"]) / connections,
        (after["cpu"] - opened["cpu"]) / messages,
    )
