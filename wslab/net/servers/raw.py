"""A TCP server that reads the head of a request and then runs a script: for faulty peers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable

from wslab.net import loop
from wslab.net.errors import WrongValue
from wslab.net.listener import Listener
from wslab.net.reset import reset
from wslab.wire import accept_key
from wslab.wire.protocol import parse_head

MAX_HEAD = 64 * 1024
"""Bytes of the longest request head that it reads."""

CONNECTIONS_KEPT = 100
"""How many connections a raw server remembers; the oldest are dropped."""


class RawConnection:
    """One connection to a `RawServer`: the request, and the stream for the answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""
        """The request's head as it came, with its empty line; `reader` has what follows."""
        self.sent = bytearray()
        """Everything sent so far."""

    @property
    def path(self) -> str:
        """The path in the request line, "" if there is none."""
        words = parse_head(self.request).first_line.split(" ")
        return words[1] if len(words) > 1 else ""

    @property
    def key(self) -> str:
        """The Sec-WebSocket-Key, "" if there is none."""
        return parse_head(self.request).get("Sec-WebSocket-Key") or ""

    @property
    def accept(self) -> str:
        """The correct Sec-WebSocket-Accept for this request (RFC 6455 §4.2.2)."""
        return accept_key(self.key)

    async def send(self, data: bytes) -> None:
        """Send exactly these bytes."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise WrongValue(f"expected bytes, got {type(data).__name__}; nothing was sent")
        self.sent += data
        self.writer.write(data)
        await self.writer.drain()

    async def respond(self, status: str, *headers: str, body: bytes = b"") -> None:
        """Send a response: for example ``respond("200 OK", "Content-Length: 0")``."""
        head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""])
        await self.send(head.encode("latin-1") + body)

    async def upgrade(self, *headers: str) -> None:
        """Send the correct 101 for this request (RFC 6455 §4.2.2), with `headers` added."""
        await self.respond(
            "101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {self.accept}",
            *headers,
        )

    async def wait_end(self) -> None:
        """Wait until the client ends its stream; ignore what it sends before that."""
        while await self.reader.read(64 * 1024):
            pass

    def reset(self) -> None:
        """Cut the connection off, with RST if the system allows it."""
        reset(self.writer.transport)


Script = Callable[[RawConnection], Awaitable[None]]
"""What a raw server does with a connection, on the loop thread. When it ends, so does the
connection.
"""


class RawServer(Listener):
    """A server that runs `script` for each connection: after reading the request's head, or at once
    if `reads_head` is false. `tls` is a context with a certificate: the script has what is inside.
    """

    def __init__(
        self,
        script: Script,
        *,
        name: str = "raw",
        port: int = 0,
        reads_head: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(name, port)
        self.tls = tls
        self.script = script
        self.reads_head = reads_head
        self.connections: deque[RawConnection] = deque(maxlen=CONNECTIONS_KEPT)
        """The last connections, oldest first."""
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], RawConnection] = {}

    def wait_ended(self) -> None:
        """Wait until every connection so far has ended. Raises `TimedOut` after 10 seconds."""

        async def ended() -> None:
            if self._tasks:
                await asyncio.wait(list(self._tasks))

        loop.run(ended(), 10.0)

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(
            self._accept, sock=sock, limit=MAX_HEAD, ssl=self.tls, start_serving=False
        )
        await self._server.start_serving()

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = dict(self._tasks)
        for task, connection in tasks.items():
            connection.reset()  # nobody will read what is not delivered yet
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if server is not None:
            await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio logs an error if a task that it made is cancelled.
        connection = RawConnection(reader, writer)
        self.connections.append(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks[task] = connection
        task.add_done_callback(self._tasks.pop)
        if self._server is None:  # accepted just as the server stops
            connection.reset()

    async def _serve(self, connection: RawConnection) -> None:
        writer = connection.writer
        try:
            if self.reads_head:
                connection.request = await connection.reader.readuntil(b"\r\n\r\n")
            await self.script(connection)
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client may disconnect at any time
        except Exception as error:
            self.log.note("the script failed", error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
