"""Runs the learner's connection handler on a real server, for clients that visit it.

`served` runs one that is written on `websockets`, `StreamServer` one on asyncio's streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wslab.exercises.time_limit import TRIES, TimeIsUp, raise_in, within
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


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]

HELD_UP = 1.5
"""Seconds after which code that lets nothing else run is told to end."""
BEAT = 0.2
"""Seconds between two looks at whether anything else can run."""
TURNS = 4
"""Rounds of the loop that a reader needs at most to wake up and wait again, or a socket to end."""


class StreamServer:
    """A learner's server: `talk(reader, writer)` behind `asyncio.start_server`, for as many clients
    as come.

    It has a thread and a loop of its own: what never ends there holds up nothing else, and is ended
    after `HELD_UP` seconds. `delivery` is the number of bytes that `talk` gets at a time, whatever
    way TCP cut them; 0: as they come.
    """

    def __init__(self, talk: Talk, *, delivery: int = 0) -> None:
        self.faults: list[BaseException] = []
        """What `talk` raised, `TimeIsUp` where it was ended; the first ones."""
        self.port = 0
        self._talk, self._delivery = talk, delivery
        self._stopped = threading.Event()
        self._ended: SimpleQueue[None] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # a forgotten task's
        self._thread = threading.Thread(target=self._run, name="wslab-learner", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name="wslab-watch", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address that a client connects to."""
        return f"ws://127.0.0.1:{self.port}/"

    def start(self) -> Self:
        """Listen on a free port of this machine."""
        sock = socket.create_server(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        try:
            self._thread.start()
            self._watcher.start()
            start = asyncio.start_server(self._serve, sock=sock)
            self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        except BaseException:
            sock.close()
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop listening, and end every connection. Code that cannot be ended is left running."""
        self._stopped.set()
        self._watcher.join(3 * HELD_UP)

    def wait_ended(self, seconds: float) -> None:
        """Wait until one more connection has been served to its end, or so long."""
        with contextlib.suppress(Empty):
            self._ended.get(timeout=seconds)

    def told(self) -> list[str]:
        """What went wrong in the learner's code, in words."""
        return [
            f"stopped, because it let nothing else run for {HELD_UP:g} s: this looks like a loop "
            "without an end, and without an await in it"
            if isinstance(fault, TimeIsUp)
            else f"raised {type(fault).__name__}: {fault}"
            for fault in self.faults
        ]

    def __repr__(self) -> str:
        return "\n".join(
            [f"<your server {self.url}>", *(f"your code {one}" for one in self.told())]
        )

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._loop.is_closed():
            # It may be told to end in any moment, also when it lets others run, or ends.
            with contextlib.suppress(TimeIsUp):
                if self._stopped.is_set():
                    self._loop.call_soon(self._end)
                self._loop.run_forever()
                self._loop.close()

    def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.create_task(self._after(tasks))

    async def _after(self, tasks: set[asyncio.Task[object]]) -> None:
        if tasks:
            await asyncio.wait(tasks)
        for _ in range(TURNS):  # what was closed just now closes its socket in the next round
            await asyncio.sleep(0)
        self._loop.stop()

    def _watch(self) -> None:
        # It ends the server, too: whoever calls `stop` may be told to end in the middle of it.
        while not self._stopped.wait(BEAT):
            beat = threading.Event()
            self._loop.call_soon_threadsafe(beat.set)
            while not beat.wait(HELD_UP) and not self._stopped.is_set():
                raise_in(self._thread, TimeIsUp)
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(BEAT)
        for _ in range(TRIES):
            if self._thread.is_alive():
                raise_in(self._thread, TimeIsUp)
                self._thread.join(BEAT)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        given = asyncio.StreamReader() if self._delivery else reader
        cutting = asyncio.ensure_future(self._cut(reader, given)) if self._delivery else None
        try:
            await self._talk(given, writer)
        except (Exception, SystemExit, TimeIsUp) as fault:
            self._note(fault)
        except asyncio.CancelledError as cancelled:
            # Its client has gone, and it waits for that in a `finally`: a fault was on its way.
            if cancelled.__context__ is not None:
                self._note(cancelled.__context__)
            raise
        finally:
            if cutting is not None:
                cutting.cancel()
            writer.close()
            self._ended.put(None)

    def _note(self, fault: BaseException) -> None:
        if len(self.faults) < 100:
            self.faults.append(fault)

    async def _cut(self, reader: asyncio.StreamReader, given: asyncio.StreamReader) -> None:
        """Hand on what comes, so many bytes at a time, each when the one before has been taken."""
        with contextlib.suppress(OSError):
            while data := await reader.read(2**16):
                for start in range(0, len(data), self._delivery):
                    given.feed_data(data[start : start + self._delivery])
                    for _ in range(TURNS):
                        await asyncio.sleep(0)
        given.feed_eof()
