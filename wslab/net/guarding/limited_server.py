"""A server in a process of its own, that is attacked: with limits, or with none.

    python limited_server.py yes|no

It prints its port. It obeys orders as lines of JSON from its standard input: "begin", and then
"report" to tell how many bytes more its program holds. It ends with its input, so that it never
outlives the lab that started it. It imports nothing of wslab, and starts at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import tracemalloc
from collections import Counter

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

PIECE, PIECES = 2**16, 256
"""Bytes of one message of the feed, and how many there are: 16 MiB."""

OPEN_TIMEOUT = 0.3
"""Seconds that somebody has for a handshake."""

LIMITS = {"max_size": 2**20, "max_queue": 16, "open_timeout": OPEN_TIMEOUT}
NO_LIMITS = {"max_size": None, "max_queue": None, "open_timeout": None}
"""What the library itself offers. Its defaults are 1 MiB, 16 frames and 10 seconds."""

PER_ADDRESS, IN_ALL = 20, 100
"""Connections that are open at the same time."""

PATIENCE = 0.3
"""Seconds that a reader has to take a message; then it is cut off."""


class Door:
    """Counts connections, and lets in no more than so many from one address, and in all."""

    def __init__(self, per_address: int = PER_ADDRESS, in_all: int = IN_ALL) -> None:
        self.per_address, self.in_all = per_address, in_all
        self.open = Counter[str]()

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """503 before the handshake, or None: come in."""
        address = connection.remote_address[0]
        if self.open[address] >= self.per_address or self.open.total() >= self.in_all:
            return connection.respond(503, "too many connections\n")
        self.open[address] += 1
        gone = asyncio.ensure_future(connection.wait_closed())
        gone.add_done_callback(lambda _: self.open.subtract([address]))
        return None


async def careful(connection: ServerConnection) -> None:
    """Send the feed: wait for the reader, and not for ever."""
    for _ in range(PIECES):
        async with asyncio.timeout(PATIENCE):
            await connection.send(bytes(PIECE))  # waits while more than write_limit is unsent


async def careless(connection: ServerConnection) -> None:
    """Send the feed: whatever the reader does not take waits in memory."""
    for _ in range(PIECES):
        broadcast([connection], bytes(PIECE))
    await connection.wait_closed()


async def main(limited: bool) -> None:
    """Serve until the input ends."""

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/feed":
            try:
                await (careful if limited else careless)(connection)
            except TimeoutError:
                connection.transport.abort()  # it would not read a close frame either
        elif connection.request.path == "/busy":
            await connection.wait_closed()  # a program that has no time for messages
        else:
            async for _ in connection:  # it holds each message until the next one comes
                pass

    logging.disable()  # nobody reads what it would say of each attack
    door = Door() if limited else Door(10_000, 10_000)
    options = LIMITS if limited else NO_LIMITS
    tracemalloc.start()
    async with serve(
        handle, "127.0.0.1", 0, process_request=door.answer, compression=None, ping_interval=None,
        **options,
    ) as server:  # fmt: skip
        print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
        before = 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            begins = json.loads(line)["order"] == "begin"
            if begins:
                for connection in server.connections:
                    connection.transport.abort()  # a busy program does not notice who has gone
                if server.handler_tasks:
                    await asyncio.wait(server.handler_tasks, timeout=5)
            gc.collect()
            held = tracemalloc.get_traced_memory()[0]
            before = held if begins else before
            print(json.dumps(held - before), flush=True)
        server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] == "yes"))
