"""One of several servers that share a room, in a process of its own.

    guest                                server
                                         {"server": "A", "version": 1}
    any text                             the same text, to every guest of every server

That is the chat. With a database it is a numbered `Room` instead, after the same greeting. It runs
as `python -m wslab.net.cluster.server` and obeys two orders, `serve` and `drain`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import traceback
from contextlib import AsyncExitStack

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.net.address import LOOPBACK
from wslab.net.cluster.channel import joined, meanwhile
from wslab.net.cluster.chat import Chat
from wslab.net.cluster.draining import drain
from wslab.net.cluster.orders import obey
from wslab.net.resume.server import Room
from wslab.net.resume.store import Store


class Process:
    """The server, and what it does with its orders."""

    def __init__(self, opened: AsyncExitStack) -> None:
        self._opened = opened
        """What ends with the process."""
        self._server: Server | None = None

    async def serve(
        self, *, name: str, port: int, version: int = 1, channel: str = "", database: str = ""
    ) -> int:
        """Begin; returns the port. `channel` is that of `joined`, `database` that of `Store`."""
        greeting = json.dumps({"server": name, "version": version})
        room: Room | Chat
        if database:
            room = Room(self._opened.enter_context(Store.open(database)))
            await self._opened.enter_async_context(meanwhile(room.watch()))
        else:
            room = Chat()
            room.publish = await self._opened.enter_async_context(joined(channel, room.say))

        async def welcome(guest: ServerConnection) -> None:
            with contextlib.suppress(ConnectionClosed):
                await guest.send(greeting)
                await room.welcome(guest)

        self._server = await serve(
            welcome, LOOPBACK, port, compression=None, ping_interval=None, backlog=2000
        )
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def drain(self, *, seconds: float) -> int:
        """Send everybody away; returns how many there were."""
        assert self._server is not None
        return await drain(self._server, seconds)


async def main() -> None:
    """Obey until the standard input is closed. Where the channel ends, so does the process: its
    guests go to another server, and would hear nothing here."""
    try:
        async with AsyncExitStack() as opened:
            process = Process(opened)
            await obey(serve=process.serve, drain=process.drain)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # the thread that waits for the next order would hold up the end


if __name__ == "__main__":
    asyncio.run(main())
