"""Recognises a wait that has no end: for a server on the very event loop that the wait holds up.

A cell runs on the kernel's own event loop. A server that was started there answers when the cell is
over, and not while the cell waits for its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from wslab.net import registry
from wslab.net.errors import LoopHeld


def refuse(port: int | None, call: str) -> None:
    """Raise `LoopHeld` if the server at that port runs on the loop of the thread that calls this.

    `port` may be that of a tap before it. `call` is what waits, such as "Client.recv".
    """
    behind = port if port is None else _behind(port)
    if behind is None or not _serves(behind):
        return
    name = call.rpartition(".")[2]
    raise LoopHeld(
        f"{call} waits for the server at port {behind}, which runs on the event loop that this "
        "cell holds: it can answer only when the cell is over. Wait without holding the loop, with "
        f"await asyncio.to_thread(…{name}, …), or run the server on a thread or loop of its own"
    )


def _behind(port: int) -> int:
    """The port of the server behind a tap of this process; the same port, where there is none."""
    for _ in range(8):  # a tap may stand before another
        holder = registry.port_holder(port)
        upstream = getattr(getattr(holder, "thing", None), "upstream", None)
        if upstream is None:
            break
        port = upstream.port
    return port


def _serves(port: int) -> bool:
    """Whether a socket of the calling thread's running loop is bound to the port."""
    try:
        selector = getattr(asyncio.get_running_loop(), "_selector", None)
    except RuntimeError:
        return False  # no loop runs here, so none is held
    # A loop without a selector (Windows' proactor, uvloop) cannot be asked.
    for key in list(selector.get_map().values()) if selector is not None else ():
        with contextlib.suppress(OSError, ValueError):
            fd = key.fileobj if isinstance(key.fileobj, int) else key.fileobj.fileno()
            with socket.socket(fileno=os.dup(fd)) as sock:
                name = sock.getsockname()
                if isinstance(name, tuple) and len(name) > 1 and name[1] == port:
                    return True
    return False
