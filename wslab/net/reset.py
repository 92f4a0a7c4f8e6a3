"""Ending a TCP connection with RST instead of FIN."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

# SO_LINGER on, 0 seconds: close() sends RST. Windows packs two shorts, the others two ints.
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def reset(transport: asyncio.Transport | asyncio.WriteTransport) -> None:
    """Cut the connection off, with RST where the system allows it; what is waiting is dropped."""
    with contextlib.suppress(OSError):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    # CPython 3.11: a transport that is gone already may fail to notice, and miss its loop.
    with contextlib.suppress(AttributeError):
        transport.abort()
