"""A client that opens a connection and then falls silent: it reads nothing and answers no ping.

To the server it looks like a laptop whose lid was closed, or a cable that was pulled: the
connection still exists, but nobody answers at its other end.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from typing import ClassVar, Self

from websockets.asyncio.client import ClientConnection, connect

from wslab.net import buffers, loop, registry, socket_names
from wslab.net.address import parse_url
from wslab.net.reset import reset

_numbers = itertools.count(1)


class SilentClient:
    """A client that reads nothing after it has connected. It cuts off one of the same name."""

    kind: ClassVar[str] = "client"

    def __init__(self, url: str, name: str | None = None) -> None:
        self.url = url
        self.name = name or f"silent {next(_numbers)}"
        self._connection: ClientConnection | None = None

    def connect(self) -> Self:
        """Open the connection. Raises what the `websockets` library raises."""
        registry.register(self.kind, self.name, self)
        try:
            loop.run(self._connect(), 10.0)
        except BaseException:
            registry.unregister(self)
            raise
        return self

    def read_again(self) -> None:
        """Start reading: first what has piled up, then what follows."""
        if self._connection is not None:
            loop.call(self._connection.transport.resume_reading)

    def wait_closed(self, timeout: float = 10.0) -> int | None:
        """Wait until the connection is over; returns the close code that came, or 1006.

        Raises `TimedOut`; without `read_again` it always does.
        """
        if self._connection is not None:
            loop.run(self._connection.wait_closed(), timeout)
            return self._connection.close_code
        return None

    def stop(self) -> None:
        """Cut the connection off, with no close frame. May be called twice."""
        try:
            if self._connection is not None:
                socket_names.forget(self._connection.transport)
                loop.call(reset, self._connection.transport)
                loop.run(self._connection.wait_closed())
        finally:
            registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's that is connected."""
        self._connection = None

    async def _connect(self) -> None:
        self._connection = await connect_silently(self.url)
        socket_names.tell(self._connection.transport, self.name)


async def connect_silently(url: str, *, receive_buffer: int | None = None) -> ClientConnection:
    """Open a connection on which the client reads nothing. `receive_buffer`: bytes that the system
    accepts for it nevertheless; by default several megabytes.
    """
    sock = None
    if receive_buffer is not None:
        sock = socket.socket()
        buffers.shrink(sock, receive=receive_buffer)
        sock.setblocking(False)
        address = parse_url(url)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    connection = await connect(
        url, sock=sock, compression=None, ping_interval=None, proxy=None, max_queue=None
    )
    connection.transport.pause_reading()
    return connection
