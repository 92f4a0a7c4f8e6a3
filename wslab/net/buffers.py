"""The system's own buffers of a socket: makes them small, and says how much waits in them.

By default they hold megabytes, and a slow reader would have no effect for minutes.
"""

from __future__ import annotations

import array
import contextlib
import socket
import sys

IS_TOLD = sys.platform == "linux"
"""Whether this system tells how much waits in a socket's buffers."""

# <linux/sockios.h> and <asm-generic/ioctls.h>. SIOCOUTQ would count twice what was sent and is not
# acknowledged yet: it lies in the reader's buffer as well.
_SIOCOUTQNSD = 0x894B
_SIOCINQ = 0x541B


def shrink(sock: socket.socket, *, send: int | None = None, receive: int | None = None) -> None:
    """Ask the system for buffers of so many bytes, before the socket is connected or listens.

    Linux takes twice as much, for its own records, and at least some kilobytes. What a listening
    socket is given, the connections that it accepts inherit.
    """
    for option, size in ((socket.SO_SNDBUF, send), (socket.SO_RCVBUF, receive)):
        if size is not None:
            sock.setsockopt(socket.SOL_SOCKET, option, size)


def not_sent(sock: socket.socket) -> int | None:
    """Bytes that the program has handed over and the system has not sent yet.

    None where the system does not tell, or the socket is closed.
    """
    return _asked(sock, _SIOCOUTQNSD)


def not_read(sock: socket.socket) -> int | None:
    """Bytes that have arrived and that the program has not read yet; None as in `not_sent`."""
    return _asked(sock, _SIOCINQ)


def _asked(sock: socket.socket, what: int) -> int | None:
    if not IS_TOLD:
        return None
    import fcntl

    count = array.array("i", [0])
    with contextlib.suppress(OSError, ValueError):  # ValueError: it has no descriptor any more
        fcntl.ioctl(sock.fileno(), what, count)
        return count[0]
    return None
