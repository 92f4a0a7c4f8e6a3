"""A room whose messages have numbers, so that a guest who was cut off can go on where it was.

    client                                 server
    {"after": 7}                           {"number": 8, "text": "…"}, … and each new one
    {"key": "ada-3", "text": "hello"}      {"stored": "ada-3", "number": 9}

With {"after": null} a guest asks for what comes from now on.

It runs in a process of its own, `python -m wslab.net.resume.server PORT FILE …`, and may be killed
at any moment: a message is confirmed when it is in the file, and not before. Each file is a room,
the first at /0. When its input is closed it prints when it accepted each connection, as a list in
JSON (seconds, `time.monotonic`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.net.address import LOOPBACK
from wslab.net.resume.store import Store


class Room:
    """The guests of one server, over one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._behind: dict[ServerConnection, int] = {}  # by guest: the last number that it was sent

    async def welcome(self, guest: ServerConnection) -> None:
        """Speak with one guest until it goes."""
        try:
            async for text in guest:
                said: dict[str, Any] = json.loads(text)
                if "after" in said:
                    after = self.store.last if said["after"] is None else int(said["after"])
                    self._behind[guest] = after
                    await self._catch_up(guest)
                else:
                    number = self.store.add(str(said["key"]), str(said["text"]))
                    await guest.send(json.dumps({"stored": said["key"], "number": number}))
                    await self._tell_everybody()
        except (ValueError, TypeError, LookupError) as fault:
            await guest.close(1008, f"not understood: {type(fault).__name__}")
        except ConnectionClosed:
            pass
        finally:
            self._behind.pop(guest, None)

    async def watch(self) -> None:
        """Send on what other processes have stored, as long as this runs."""
        async for _ in self.store.news():
            await self._tell_everybody()

    async def _tell_everybody(self) -> None:
        for guest in list(self._behind):
            await self._catch_up(guest)

    async def _catch_up(self, guest: ServerConnection) -> None:
        """Send a guest what it has not got yet."""
        for one in self.store.after(self._behind.get(guest, sys.maxsize)):
            # Two of these may run at a time: whoever comes first takes the number.
            if one.number <= self._behind.get(guest, sys.maxsize):
                continue
            self._behind[guest] = one.number
            try:
                await guest.send(json.dumps({"number": one.number, "text": one.text}))
            except ConnectionClosed:
                self._behind.pop(guest, None)


class _Counted(ServerConnection):
    accepted: list[float]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.accepted.append(time.monotonic())
        super().connection_made(transport)


async def run(port: int, paths: list[Path]) -> None:
    """Serve until the standard input is closed."""
    _Counted.accepted = []
    with ExitStack() as stores:
        rooms = [Room(stores.enter_context(Store.open(path))) for path in paths]

        async def welcome(guest: ServerConnection) -> None:
            assert guest.request is not None
            await rooms[int(guest.request.path.removeprefix("/") or 0)].welcome(guest)

        async with serve(
            welcome, LOOPBACK, port, compression=None, ping_interval=None, backlog=4096,
            create_connection=cast("type[ServerConnection]", _Counted),
        ) as on:  # fmt: skip
            print(on.sockets[0].getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)
            print(json.dumps(_Counted.accepted), flush=True)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
