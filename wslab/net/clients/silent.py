"""A client that opens a connection and then falls silent: it reads nothing and answers no ping.

To the server it looks the same as a laptop whose lid was closed, or a cable that was pulled: the
connection is there, and nobody at the other end of it.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import ClassVar, Self

from websockets.asyncio.client import ClientConnection, connect

from wslab.net import loop, registry
from wslab.net.address import parse_url
from wslab.net.reset import reset

_numbers = itertools.count(1)


class SilentClient:
    """Connects to `url`, and reads nothing from then on. One of the same name before is cut off."""

    kind: ClassVar[str] = "client"

    def __init__(self, url: str, name: str | None = None) -> None:
        self.url = url
        self.name = name or f"silent {next(_numbers)}"
        self._connection: ClientConnection | None = None

    def connect(self) -> Self:
        """Open the connection. Raises what the library raises."""
        registry.register(self.kind, self.name, self)
        try:
            loop.run(self._connect(), 10.0)
        except BaseException:
            registry.unregister(self)
            raise
        return self

    def read_again(self) -> None:
        """Read what has piled up, and go on reading."""
        if self._connection is not None:
            loop.call(self._connection.transport.resume_reading)

    def wait_closed(self, timeout: float = 10.0) -> int | None:
        """Wait until the connection is over; the close code that came, or 1006.

        Raises `TimedOut`, also where nothing was read again before.
        """
        if self._connection is not None:
            loop.run(self._connection.wait_closed(), timeout)
            return self._connection.close_code
        return None

    def stop(self) -> None:
        """Cut the connection off, with no close frame. May be called twice."""
        try:
            if self._connection is not None:
                loop.call(reset, self._connection.transport)
                loop.run(self._connection.wait_closed())
        finally:
            registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's that is connected."""
        self._connection = None

    async def _connect(self) -> None:
        self._connection = await connect_silently(self.url)


async def connect_silently(url: str, *, receive_buffer: int | None = None) -> ClientConnection:
    """A connection on which the client reads nothing. `receive_buffer`: bytes that the system takes
    for it all the same; by default these are megabytes.
    """
    sock = None
    if receive_buffer is not None:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        address = parse_url(url)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    connection = await connect(
        url, sock=sock, compression=None, ping_interval=None, proxy=None, max_queue=None
    )
    connection.transport.pause_reading()
    return connection
