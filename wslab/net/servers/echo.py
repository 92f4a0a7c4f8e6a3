"""Echo servers, which send every message back; one of them comes with a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from wslab.net import loop
from wslab.net.servers import origin, pages
from wslab.net.servers.server import Server


class EchoServer(Server):
    """Sends every message back as it came: text as text, binary as binary. See `Server` for the
    options.

    Programs and pages of this machine may connect, pages of other sites get 403 (`origin.py`),
    unless ``origins`` lists who may, or ``open_to_all`` lets everybody in.
    """

    def __init__(
        self, name: str = "echo", port: int = 0, *, open_to_all: bool = False, **options: Any
    ) -> None:
        super().__init__(name, port, **options)
        self.open_to_all = open_to_all

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse pages of other sites with 403."""
        if self.open_to_all or self.origins is not None:
            return None
        problem = origin.refuse_unless_local(request.headers)
        return pages.refusal(problem) if problem else None

    async def handle(self, connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)


class EchoPageServer(EchoServer):
    """An echo server with its page at ``/``, on the same port; the socket is at ``/echo``.

    As any server may, it can also speak unasked: to everybody who is connected.
    """

    def __init__(self, name: str = "echo", port: int = 0, **options: Any) -> None:
        super().__init__(name, port, **options)
        self.path = "/echo"
        self.greeting = ""
        """What it says first to everybody who connects, if anything."""
        self.script = pages.text("echo_page/echo.js")
        """The page's JavaScript."""
        self._pages = pages.folder("echo_page", "echo.js")

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer with the page, or one of its files; refuse pages of other sites with 403."""
        refused = super().answer(connection, request)
        if refused or request.path.partition("?")[0] == self.path:
            return refused
        return pages.answer(request, self._pages)

    async def handle(self, connection: ServerConnection) -> None:
        if self.greeting:
            await connection.send(self.greeting)
        await super().handle(connection)

    def say(self, *parts: str) -> int:
        """Send a text message, each part in a frame of its own (RFC 6455 §5.4). Returns to how
        many it went."""
        # By hand: the library would put an empty frame behind the last part.
        frames = [
            Frame(
                Opcode.CONT if number else Opcode.TEXT, part.encode(), fin=number == len(parts) - 1
            )
            for number, part in enumerate(parts)
        ]
        data = b"".join(frame.serialize(mask=False) for frame in frames)

        async def write(one: ServerConnection) -> None:
            one.transport.write(data)

        return self._to_all(write)

    def ping(self) -> int:
        """Send a ping (RFC 6455 §5.5.2). Returns to how many it went."""
        return self._to_all(lambda one: one.ping())

    def dismiss(self, code: int, reason: str = "") -> int:
        """Close every connection. Returns how many."""
        return self._to_all(lambda one: one.close(code, reason))

    def _to_all(self, act: Callable[[ServerConnection], Awaitable[object]]) -> int:
        async def act_on_all() -> int:
            guests = [one for one in self._accepted if one.state is State.OPEN]
            for one in guests:
                with suppress(ConnectionClosed):  # it has just left
                    await act(one)
            return len(guests)

        return loop.run(act_on_all(), 20.0)
