"""Tells a tap the name of the client behind a connection, without a byte of it on the wire.

Both ends of a TCP connection know the client's address and port: to the client it is its own, to
the tap its peer's. So a client of this process says its name under that address when its
connection is made, and the tap asks under the same. All of it happens on the loop thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_Address = tuple[str, int]

_names: dict[_Address, tuple[asyncio.BaseTransport, str]] = {}
_asking: dict[_Address, Callable[[str], None]] = {}


def tell(transport: asyncio.BaseTransport, name: str) -> None:
    """Say the name of the client whose connection this is."""
    address = _address(transport, "sockname")
    if address is not None and name:
        _names[address] = transport, name
        if address in _asking:
            _asking[address](name)


def forget(transport: asyncio.BaseTransport) -> None:
    """The client's connection is over: its port may soon be another's."""
    address = _address(transport, "sockname")
    if address is not None and _names.get(address, (None,))[0] is transport:
        del _names[address]


def ask(transport: asyncio.BaseTransport, callback: Callable[[str], None]) -> None:
    """Call `callback` with the name of the peer: now, or as soon as it is told, or never.

    A tap often accepts a connection before the client has noticed that it is connected.
    """
    address = _address(transport, "peername")
    if address is None:
        return
    _asking[address] = callback
    owner, name = _names.get(address, (None, ""))
    if owner is not None and not owner.is_closing():
        callback(name)


def stop_asking(transport: asyncio.BaseTransport, callback: Callable[[str], None]) -> None:
    """The accepted connection is over."""
    address = _address(transport, "peername")
    if address is not None and _asking.get(address) == callback:
        del _asking[address]


def _address(transport: asyncio.BaseTransport, which: str) -> _Address | None:
    found = transport.get_extra_info(which)
    return (found[0], found[1]) if isinstance(found, tuple) and len(found) > 1 else None
