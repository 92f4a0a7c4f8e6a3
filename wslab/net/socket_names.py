"""Tells a tap the name of the client behind a connection, without a byte of it on the wire.

Both ends of a TCP connection know the addresses and ports of both. So a client of this process says
its name under them when its connection is made, and a server of this process what it calls the
client; and the tap, at the other end, asks under the same. All of it happens on the loop thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

End = Literal["client", "server"]
"""Which end of the connection a transport is."""

Addresses = tuple[tuple[str, int], tuple[str, int]]
"""The client's host and port, and the server's."""

_names: dict[tuple[End, Addresses], tuple[asyncio.BaseTransport | None, str]] = {}
_asking: dict[tuple[End, Addresses], Callable[[str], None]] = {}


def tell(transport: asyncio.BaseTransport, name: str, end: End = "client") -> None:
    """Say the name of the client whose connection this is; `end` is the end that says it."""
    addresses = _addresses(transport, end)
    if addresses is not None and name:
        _tell(end, addresses, transport, name)


def tell_of(addresses: Addresses, name: str) -> None:
    """Say the name of a client in another process, by the addresses of its connection."""
    _tell("client", addresses, None, name)


def _tell(end: End, addresses: Addresses, owner: asyncio.BaseTransport | None, name: str) -> None:
    _names[end, addresses] = owner, name
    if (end, addresses) in _asking:
        _asking[end, addresses](name)


def forget(transport: asyncio.BaseTransport, end: End = "client") -> None:
    """The connection of this end is over: its port may soon be another's."""
    addresses = _addresses(transport, end)
    told = [(end, addresses)] if addresses is not None else list(_names)  # closed TLS has none
    for one in told:
        if one[0] == end and _names.get(one, (None,))[0] is transport:
            del _names[one]


def forget_of(addresses: Addresses, name: str) -> None:
    """The connection of a client in another process is over."""
    if _names.get(("client", addresses)) == (None, name):
        del _names["client", addresses]


def ask(
    transport: asyncio.BaseTransport, callback: Callable[[str], None], peer: End = "client"
) -> None:
    """Call `callback` with the name that the peer tells: now, or as soon as it does, or never.

    A tap often accepts a connection before the client has noticed that it is connected.
    """
    addresses = _addresses(transport, _OTHER[peer])
    if addresses is None:
        return
    _asking[peer, addresses] = callback
    owner, name = _names.get((peer, addresses), (None, ""))
    if name and (owner is None or not owner.is_closing()):
        callback(name)


def stop_asking(
    transport: asyncio.BaseTransport, callback: Callable[[str], None], peer: End = "client"
) -> None:
    """The connection of this end is over."""
    addresses = _addresses(transport, _OTHER[peer])
    if addresses is not None and _asking.get((peer, addresses)) == callback:
        del _asking[peer, addresses]


_OTHER: dict[End, End] = {"client": "server", "server": "client"}


def _addresses(transport: asyncio.BaseTransport, end: End) -> Addresses | None:
    found = [transport.get_extra_info(which) for which in ("sockname", "peername")]
    if not all(isinstance(one, tuple) and len(one) > 1 for one in found):
        return None
    own, peer = [(one[0], one[1]) for one in found]
    return (own, peer) if end == "client" else (peer, own)
