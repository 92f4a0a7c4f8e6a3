"""How a server empties, before it ends."""

from __future__ import annotations

import asyncio
import random

from websockets.asyncio.server import Server, ServerConnection
from websockets.frames import CloseCode


async def drain(server: Server, seconds: float) -> int:
    """Let nobody in any more, and say goodbye to everybody within some seconds, one by one.

    Returns, when the last one has gone, how many there were.
    """
    guests = list(server.connections)
    server.close(close_connections=False)

    async def say_goodbye(guest: ServerConnection) -> None:
        await asyncio.sleep(random.uniform(0, seconds))
        await guest.close(CloseCode.SERVICE_RESTART, "service restart")  # 1012

    await asyncio.gather(*map(say_goodbye, guests))
    await server.wait_closed()
    return len(guests)
