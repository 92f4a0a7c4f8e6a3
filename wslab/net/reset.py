"""Ending a TCP connection: with RST instead of FIN, or with FIN if that goes out in time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

# SO_LINGER on, 0 seconds: close() sends RST. Windows packs two shorts, the others two ints.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

GRACE = 0.5
"""Seconds that a peer has for taking what waits for it when a connection is closed."""


def reset(transport: asyncio.Transport | asyncio.WriteTransport) -> None:
    """Cut the connection off, with RST where the system allows it; what is waiting is dropped."""
    with contextlib.suppress(OSError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    # CPython 3.11: a transport that is gone already may fail to notice, and miss its loop.
    with contextlib.suppress(AttributeError):
        transport.abort()


async def close(writer: asyncio.StreamWriter) -> None:
    """Close the connection, and wait until it is. A peer that takes nothing is cut off."""
    writer.close()
    closing = asyncio.ensure_future(writer.wait_closed())
    try:
        await asyncio.wait([closing], timeout=GRACE)
    finally:
        if not closing.done():
            reset(writer.transport)
    with contextlib.suppress(OSError):
        await closing
