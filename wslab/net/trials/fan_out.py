"""Four ways to send one message to many clients. `slow_client` measures what each of them means for
the others if one client reads nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from wslab.net.servers.chat import show_out


class Room:
    """The clients in a room. A subclass says in `say` how a message reaches all of them."""

    def __init__(self) -> None:
        self.clients: set[ServerConnection] = set()

    def add(self, client: ServerConnection) -> None:
        self.clients.add(client)

    def remove(self, client: ServerConnection) -> None:
        self.clients.discard(client)

    def behind(self, client: ServerConnection) -> int:
        """Bytes that wait in this program's memory for `client`."""
        return client.transport.get_write_buffer_size()

    async def say(self, message: str) -> None:
        """Send `message` to everybody who is there."""
        raise NotImplementedError


class InTurn(Room):
    """await client.send(message), one after the other"""

    async def say(self, message: str) -> None:
        for client in list(self.clients):
            with contextlib.suppress(ConnectionClosed):
                await client.send(message)  # waits while this client does not read


class Broadcast(Room):
    """broadcast(clients, message)"""

    async def say(self, message: str) -> None:
        broadcast(self.clients, message)  # never waits: unread messages pile up here


class Queues(Room):
    """a queue and a task for each client"""

    def __init__(self) -> None:
        super().__init__()
        self.queues: dict[ServerConnection, asyncio.Queue[str]] = {}
        self.senders: dict[ServerConnection, asyncio.Task[None]] = {}

    def add(self, client: ServerConnection) -> None:
        super().add(client)
        self.queues[client] = asyncio.Queue(maxsize=50)
        self.senders[client] = asyncio.create_task(self._send(client))

    def remove(self, client: ServerConnection) -> None:
        super().remove(client)
        self.queues.pop(client, None)
        if sender := self.senders.pop(client, None):
            sender.cancel()

    def behind(self, client: ServerConnection) -> int:
        queued: deque[str] = self.queues[client]._queue  # type: ignore[attr-defined]
        return super().behind(client) + sum(map(len, queued))

    async def say(self, message: str) -> None:
        for queue in self.queues.values():
            if queue.full():
                queue.get_nowait()  # this client loses the oldest message
            queue.put_nowait(message)

    async def _send(self, client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await client.send(await self.queues[client].get())


class Dropping(Room):
    """broadcast(), and whoever is too far behind is shown out"""

    limit = 64 * 1024  # bytes

    def __init__(self) -> None:
        super().__init__()
        self.farewells: set[asyncio.Task[None]] = set()

    async def say(self, message: str) -> None:
        for client in list(self.clients):
            if client.transport.get_write_buffer_size() > self.limit:
                self.clients.discard(client)
                self.farewells.add(
                    asyncio.create_task(show_out(client, 1013, "reads too slowly", 0.5))
                )
        broadcast(self.clients, message)


WAYS: dict[str, type[Room]] = {
    "await each in turn": InTurn,
    "broadcast()": Broadcast,
    "a queue per client": Queues,
    "drop the slow one": Dropping,
}
