"""Guests that a chat has to live with: each breaks one rule, for real, and is told why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from wslab.net import loop

PATIENCE = 10.0
"""Seconds that an offender has until it must have been shown out."""


class Offender(NamedTuple):
    """One guest: its name, what it does, and the close code that it earns."""

    name: str
    what: str
    act: Callable[[ClientConnection], Awaitable[None]]
    close_code: int


async def _breaks_utf8(connection: ClientConnection) -> None:
    await connection.send("café".encode("latin-1"), text=True)


async def _sends_a_megabyte(connection: ClientConnection) -> None:
    await connection.send("x" * 2**20)


async def _floods(connection: ClientConnection) -> None:
    for number in range(10_000):
        await connection.send(f"buy! {number}")
        if number % 20 == 0:
            await asyncio.sleep(0)  # it shares its thread with everybody else here


async def _sends_binary(connection: ClientConnection) -> None:
    await connection.send(bytes(range(256)))


async def _does_nothing(connection: ClientConnection) -> None:
    pass


OFFENDERS = {
    offender.name: offender
    for offender in [
        Offender("Latin", "sends text that is not UTF-8", _breaks_utf8, 1007),
        Offender("Megan", "sends a message of 1 MB", _sends_a_megabyte, 1009),
        Offender("Flo", "sends 10,000 messages as fast as it can", _floods, 1008),
        Offender("Bin", "sends binary, where text is expected", _sends_binary, 1003),
        Offender("Reverse\u202e", "has a name that turns text around", _does_nothing, 1008),
        Offender("Nul\0", "has a NUL in its name", _does_nothing, 1008),
        Offender("x" * 1000, "has a name of 1,000 characters", _does_nothing, 1008),
    ]
}


def meet(name: str, url: str) -> tuple[int, str]:
    """Let an offender visit the chat at `url`; the close code and reason that it is told.

    Raises KeyError for a name that is not in `OFFENDERS`, and `TimedOut` if it is let be.
    """
    return loop.run(_meet(OFFENDERS[name], url), PATIENCE)


async def _meet(offender: Offender, url: str) -> tuple[int, str]:
    connection = await connect(
        f"{url}?name={quote(offender.name)}", compression=None, ping_interval=None, proxy=None
    )
    try:
        # Both at once: whoever floods has to read as well, or its own messages pile up.
        acting = asyncio.ensure_future(offender.act(connection))
        try:
            async for _ in connection:
                pass
        except ConnectionClosed:
            pass
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
    finally:
        connection.transport.abort()
    return connection.close_code or 1006, connection.close_reason or ""
