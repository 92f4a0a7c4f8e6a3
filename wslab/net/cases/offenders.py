"""Guests that break a rule of the chat: cases in which the chat must close the connection."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import quote

from wslab.net import loop
from wslab.net.address import Address
from wslab.net.cases.case import Case, by_name
from wslab.net.cases.runner import open_websocket
from wslab.net.peers.frame_peer import FramePeer
from wslab.net.reset import close
from wslab.wire import Direction, Opcode
from wslab.wire.protocol import FrameDraft as Frame

PATIENCE = 10.0
"""Seconds within which the chat must have closed an offender's connection."""

_C: tuple[Direction, ...] = ("client",)


async def _floods(peer: FramePeer) -> None:
    for number in range(10_000):
        await peer.send(Opcode.TEXT, f"buy! {number}".encode())
        if number % 20 == 0:
            await asyncio.sleep(0)  # let the other tasks of this thread run


_NAME = "RFC 6455 §7.4.1: what a chat forbids has no code of its own"

OFFENDERS = by_name([
    Case("Latin", "sends text that is not UTF-8", "RFC 6455 §8.1: text is UTF-8",
         [Frame(payload="café".encode("latin-1"))], 1007, _C),
    Case("Megan", "sends a message of 1 MB", "RFC 6455 §7.4.1: too big for the chat",
         [Frame(payload=b"x" * 2**20)], 1009, _C),
    Case("Flo", "sends 10,000 messages as fast as it can", _NAME, _floods, 1008, _C),
    Case("Bin", "sends binary, where text is expected", "RFC 6455 §7.4.1: a type it cannot take",
         [Frame(Opcode.BINARY, bytes(range(256)))], 1003, _C),
    Case("Reverse\u202e", "has a name that turns text around", _NAME, [], 1008, _C),
    Case("Nul\0", "has a NUL in its name", _NAME, [], 1008, _C),
    Case("x" * 1000, "has a name of 1,000 characters", _NAME, [], 1008, _C),
])  # fmt: skip
"""The offenders, by the name that each uses in the chat."""


def meet(name: str, url: str) -> tuple[int, str]:
    """Let an offender visit the chat at `url`; returns the close code and reason that it receives.

    Raises KeyError for a name that is not in `OFFENDERS`, `TimedOut` if the chat does not react.
    """
    return loop.run(_meet(OFFENDERS[name], url), PATIENCE)


async def _meet(case: Case, url: str) -> tuple[int, str]:
    address = Address.parse(f"{url}?name={quote(case.name)}")
    peer = await open_websocket(address, PATIENCE, case.name)
    try:
        # Send and read at once: a guest who floods must read too, or its own messages pile up.
        sends = case.sends(peer) if callable(case.sends) else peer.send_all(case.frames("client"))
        acting = asyncio.ensure_future(sends)
        farewell = await peer.read_close()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        if farewell is None:
            return 1006, ""
        with contextlib.suppress(OSError):
            await peer.send(Opcode.CLOSE, farewell.payload)
        return peer.close_code or 1006, farewell.payload[2:].decode(errors="replace")
    finally:
        await close(peer.connection.writer)
