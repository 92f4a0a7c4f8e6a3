"""Ends a TCP connection: with RST, or with FIN if the peer takes what is waiting in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

from wslab.net import socket_names

# SO_LINGER on, 0 seconds: close() sends RST. Windows packs two shorts, the others two ints.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

GRACE = 0.5
"""Seconds that a peer has to read what is waiting for it when a connection is closed."""


def reset(transport: asyncio.Transport | asyncio.WriteTransport) -> None:
    """Cut the connection off, with RST if the system allows it; bytes not yet sent are dropped."""
    with contextlib.suppress(OSError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    # CPython 3.11: a transport that is already closed may not notice, and find its loop missing.
    with contextlib.suppress(AttributeError):
        transport.abort()


async def close(writer: asyncio.StreamWriter) -> None:
    """Close the connection and wait until it is closed. A peer that reads nothing is cut off."""
    socket_names.forget(writer.transport)
    writer.close()
    closing = asyncio.ensure_future(writer.wait_closed())
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())  # asked for, below
    try:
        await asyncio.wait([closing], timeout=GRACE)
    finally:
        if not closing.done():
            reset(writer.transport)
    with contextlib.suppress(OSError):
        await closing
