"""Runs a learner's own server, written directly on `websockets`, on the loop thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Self

from websockets.asyncio.server import Server as LibraryServer

from wslab.net import loop, registry
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning, WrongValue
from wslab.net.servers.server import wait_closed

START_TIMEOUT = 10.0
"""Seconds that a learner's function `start` may take."""


class HostedServer:
    """A learner's server. ``start`` is the learner's async function that makes it; its last line is
    ``return await serve(handler, "127.0.0.1", 0)``.

    The server is not changed in any way. It runs on the loop thread, so that a busy cell does not
    stop it, and replaces an earlier one of the same name. Raises what `start` raises.
    """

    kind: ClassVar[str] = "server"

    def __init__(self, start: Callable[[], Awaitable[LibraryServer]], name: str = "yours") -> None:
        self.name = name
        self._make = start
        self._server: LibraryServer | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises `NotRunning` when it does not."""
        if self._server is None or not self._server.sockets:
            raise NotRunning(f"server {self.name!r} does not run: call start() first")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The address that a client connects to."""
        return Address(False, LOOPBACK, self.port).url

    def start(self) -> Self:
        """Start it; a second call does nothing."""
        if self._server is not None:
            return self
        try:
            registry.register(self.kind, self.name, self)
            loop.run(self._start(), START_TIMEOUT)
            registry.tell_ports()
        except BaseException:
            # An interrupt may come just after `_start` has finished: nothing is left to cancel.
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it and end every connection. May be called twice."""
        try:
            loop.run(self._stop())
        finally:
            # If it was interrupted too early, it still runs and must stay in the registry.
            if self._server is None:
                registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's that listens."""
        self._server = None

    async def _start(self) -> None:
        server = await self._make()
        if not isinstance(server, LibraryServer):
            raise WrongValue(
                "expected a function whose last line is `return await serve(...)`, with serve from "
                f"websockets.asyncio.server; it returned {type(server).__name__}"
            )
        self._server = server

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()  # 1001 (going away) to every open connection
        await wait_closed(server, lambda: server.connections)

    def __repr__(self) -> str:
        return f"<HostedServer {self.name!r} {self.url if self._server else 'stopped'}>"
