"""Opens a connection and then falls silent: its client reads nothing and answers no ping.

To the server it looks like a laptop whose lid was closed, or a cable that was pulled: the
connection still exists, but nobody answers at its other end.
"""

from __future__ import annotations

import asyncio
import socket

from websockets.asyncio.client import ClientConnection, connect

from wslab.net import buffers
from wslab.net.address import parse_url


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
