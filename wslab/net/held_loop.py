"""Recognises a wait that has no end: for a server on the very event loop that the wait holds up.

A cell runs on the kernel's own event loop. A server that was started there answers when the cell is
over, and not while the cell waits for its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket

from wslab.net import registry
from wslab.net.address import Address
from wslab.net.errors import LoopHeld


def refuse(where: Address | None, call: str) -> None:
    """Raise `LoopHeld` if the server there runs on the loop of the thread that calls this.

    It may be behind a tap. `call` is what waits, such as "Client.recv".
    """
    behind = where if where is None else _behind(where)
    if behind is None or not _serves(behind):
        return
    name = call.rpartition(".")[2]
    raise LoopHeld(
        f"{call} waits for the server at port {behind.port}, which runs on the event loop that "
        "this cell holds: it can answer only when the cell is over. Wait without holding the loop, "
        f"with await asyncio.to_thread(…{name}, …), or run the server on a thread or loop of its "
        "own"
    )


def _behind(where: Address) -> Address:
    """The address of the server behind a tap of this process; the same, where there is none."""
    for _ in range(8):  # a tap may stand before another
        holder = registry.port_holder(where.port)
        upstream = getattr(getattr(holder, "thing", None), "upstream", None)
        if upstream is None:
            break
        where = upstream
    return where


def _serves(where: Address) -> bool:
    """Whether a socket of the calling thread's running loop is bound there."""
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
                is_ip = isinstance(name, tuple) and len(name) > 1
                if is_ip and name[1] == where.port and _leads_to(where.host, name[0]):
                    return True
    return False


def _leads_to(host: str, bound: str) -> bool:
    """Whether a host's name leads to a bound address of this machine, without asking DNS."""
    own = ("localhost", socket.gethostname())
    try:
        is_own = host in own or ipaddress.ip_address(host).is_loopback
        address = ipaddress.ip_address(bound)
    except ValueError:  # another machine's name, or an address with a scope
        return False
    return host == bound or (is_own and (address.is_unspecified or host in own))
