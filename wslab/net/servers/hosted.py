"""Runs a learner's own server, written directly on `websockets`, on the loop thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from websockets.asyncio.server import Server as LibraryServer

from wslab.net.errors import TimedOut, WrongValue
from wslab.net.listener import Listener
from wslab.net.servers.server import wait_closed

START_TIMEOUT = 10.0
"""Seconds that a learner's function `start` may take."""


class HostedServer(Listener):
    """A learner's server. ``start`` is the learner's async function that makes it; its last line is
    ``return await serve(handler, "127.0.0.1", 0)``.

    The server is not changed in any way. It runs on the loop thread, so that a busy cell does not
    stop it, and replaces an earlier one of the same name. Raises what `start` raises.
    """

    def __init__(self, start: Callable[[], Awaitable[LibraryServer]], name: str = "yours") -> None:
        super().__init__(name)
        self._make = start
        self._server: LibraryServer | None = None

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                server = await self._make()
        except TimeoutError:
            raise TimedOut(f"expected a server within {START_TIMEOUT:g} s; none came") from None
        if not isinstance(server, LibraryServer):
            raise WrongValue(
                "expected a function whose last line is `return await serve(...)`, with serve from "
                f"websockets.asyncio.server; it returned {type(server).__name__}"
            )
        self._server = server
        self._bound_port = server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()  # 1001 (going away) to every open connection
            await wait_closed(server, lambda: server.connections)
