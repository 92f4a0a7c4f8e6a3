"""Runs the learner's connection handler on a real server, for clients that visit it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.exercises.time_limit import TimeIsUp, within
from wslab.exercises.verdict import Verdict, not_yet

Handler = Callable[[ServerConnection], Awaitable[None]]
Visit = Callable[["Door"], Awaitable[Verdict]]

PATIENCE = 10.0
"""Seconds for a whole visit: more than all its waits together."""


def served(handler: Handler, visit: Visit) -> Verdict:
    """Run the learner's handler on a real server during `visit`, and return the visit's verdict."""
    try:
        # On its own thread and loop: this one may be busy with the cell that asks.
        return within(PATIENCE, lambda: asyncio.run(_serve(handler, visit)))
    except TimeIsUp:
        return _ENDLESS


_ENDLESS = not_yet(
    "your function held up the whole server: nothing else could run any more.",
    misconception="This looks like a loop without an end, and without an await in it.",
)


async def _serve(handler: Handler, visit: Visit) -> Verdict:
    # A learner's own tasks may fail and be forgotten: asyncio would print a traceback for each.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    faults: list[BaseException] = []
    handlers: list[asyncio.Task] = []

    async def watched(connection: ServerConnection) -> None:
        if task := asyncio.current_task():
            handlers.append(task)
        try:
            await handler(connection)
        except ConnectionClosed:
            raise
        except (Exception, TimeIsUp) as error:
            faults.append(error)
            raise

    quiet = logging.Logger("check")  # outside the tree: it prints nowhere
    quiet.addHandler(logging.NullHandler())
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.bind(("127.0.0.1", 0))
    door = Door(sock.getsockname()[1])
    async with serve(watched, sock=sock, compression=None, ping_interval=None, logger=quiet):
        try:
            verdict = await visit(door)
            raised = faults[:1]  # not what it raises when all are thrown out below
        finally:
            for client in door.clients:
                client.transport.abort()
            for task in handlers:
                task.cancel()  # also one that waits for what will never come
    if raised and not verdict:
        if isinstance(raised[0], TimeIsUp):
            return _ENDLESS
        return not_yet(f"your function raised {type(raised[0]).__name__}: {raised[0]}")
    return verdict


class Door:
    """Connects clients to the server under test."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.clients: list[ClientConnection] = []

    async def come_in(self, stuck: bool = False) -> ClientConnection:
        """Connect a client. One that is to get `stuck` has small buffers, which are soon full."""
        sock = socket.socket()
        if stuck:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._port))
        client = await connect(
            f"ws://127.0.0.1:{self._port}/",
            sock=sock,
            compression=None,
            ping_interval=None,
            open_timeout=None,  # `PATIENCE` decides, and knows what to say
        )
        self.clients.append(client)
        return client


async def until(condition: Callable[[], bool]) -> bool:
    """Wait up to a second; returns whether `condition` became true."""
    for _ in range(100):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return condition()
