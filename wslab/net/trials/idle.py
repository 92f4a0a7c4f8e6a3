"""What becomes of an idle connection: one whose peer is gone, one with a proxy in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from wslab.net.cases.wire_line import wire_lines
from wslab.net.clients.raw import RawClient
from wslab.net.servers.echo import EchoServer
from wslab.wire import Capture

PROXY = """\
  server {{
    listen 127.0.0.1:{{port}};
    location / {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 2s;
    }}
  }}
"""
"""What nginx needs to pass a WebSocket on, and when it gives up; `behind` is the server's port."""


class Ended(NamedTuple):
    """How a connection ended, as its server saw it."""

    after: float
    """Seconds that it was open."""
    told: str
    """What the API told the server's program."""


class Witness(EchoServer):
    """Echoes, and notes how each connection ended. See `Server` for the options."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self.close_timeout = 0.1  # nobody answers here, and the time is measured
        self.ended: SimpleQueue[Ended] = SimpleQueue()

    async def handle(self, connection: ServerConnection) -> None:
        began, told = time.perf_counter(), "it was closed by both sides"
        try:
            await super().handle(connection)
        except ConnectionClosed as closed:
            told = f"{type(closed).__name__}: {closed}"
            raise
        finally:
            self.ended.put(Ended(time.perf_counter() - began, told))

    def next_end(self, patience: float) -> Ended | None:
        """Wait for the end of a connection; None if none ends in these seconds."""
        try:
            return self.ended.get(timeout=patience)
        except Empty:
            return None


def fall_silent(server: Witness, url: str, patience: float) -> Ended | None:
    """Connect a client that says nothing and answers nothing; how the server ended it, if it did.

    `url` is the server's, or that of a tap in front of it.
    """
    client = RawClient(url, wire_name="silent").connect().upgrade()
    try:
        return server.next_end(patience)
    finally:
        client.reset()


def how_it_ended(capture: Capture, connection: int, client: str, server: str) -> Iterator[str]:
    """Who sent a close frame, FIN or RST on a connection, in their order; the peers' names."""
    names = {"client": client, "server": server}
    for line in wire_lines(capture, connection):
        if line.kind in ("close", "fin", "rst"):
            yield f"{names[line.direction]}: {line.text.partition(':')[0]}"
