"""The wire tap: a TCP relay on loopback that records what crosses and changes nothing unasked.

It stands between any client and any server: Python, a browser, Node. What it sees are the real
bytes, the handshake included, because it knows nothing of WebSocket. `Relay` is one connection
through it; `WireDebugger` stops, changes and ends what crosses.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address
from typing import Any, ClassVar

from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import WrongValue
from wslab.net.listener import Listener
from wslab.net.problem_log import ProblemLog
from wslab.net.registry import running
from wslab.net.tap.debugger import WireDebugger
from wslab.net.tap.relay import End, Relay
from wslab.wire import Capture
from wslab.wire.recording import PageSocket, name_page_sockets

CLOCK = 0.01
"""Seconds by which a page's clock may be ahead of this machine's, if it is the same clock."""


class Tap(Listener):
    """Relays every connection made to `url` to `upstream`, and records it in `capture`.

    ``upstream``: a port on this machine, ``(host, port)``, ``"host:port"`` or a ``ws://`` URL,
    whose path `url` keeps. Half-closed connections stay half-closed, a reset is passed on as a
    reset where the system allows it, and a slow reader slows the other side down, as without a tap.
    Where nobody listens upstream, the client is reset.

    All controls of a `WireDebugger` are the tap's own: hold, step, edit, drop, inject, cut, … With
    ``debugger``, that of another tap on the same capture, both are held, stepped and cut together.
    """

    kind: ClassVar[str] = "tap"

    def __init__(
        self,
        upstream: str | int | tuple[str, int],
        capture: Capture,
        *,
        name: str = "tap",
        port: int = 0,
        debugger: WireDebugger | None = None,
    ) -> None:
        self.debugger = debugger or WireDebugger(capture)
        super().__init__(name, port)
        self.upstream = Address.parse(upstream)
        self.capture = capture
        self.path = self.upstream.path
        self._server: asyncio.Server | None = None
        self._relays: set[Relay] = set()
        self._page_sockets: list[PageSocket] = []

    def __getattr__(self, name: str) -> Any:
        if name == "debugger":  # of a tap that is not made yet
            raise AttributeError(name)
        return getattr(self.debugger, name)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(name for name in dir(self.debugger) if name[0] != "_")]

    @property
    def url(self) -> str:
        return Address(self.upstream.secure, LOOPBACK, self.port, self.path).url

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._relays)

    @property
    def faults(self) -> ProblemLog:
        """What went wrong beside the traffic, in the recording or a rule, and did not touch it."""
        return self.debugger.settings.faults

    def page_opened(self, name: str, made: float, opened: float, *, sandboxed: bool = True) -> None:
        """Name a connection that a page of this machine has made to this tap, if it can be found.

        `made` and `opened` say when the page called `new WebSocket` and had the `open` event, in
        seconds since the epoch by this machine's clock; `sandboxed`, whether it has no origin.
        """
        now = time.time()
        if not made <= opened <= now + CLOCK:
            return  # another clock: the page comes from another machine
        began = now - self.capture.now()
        socket = PageSocket(name, made - began, opened - began, sandboxed)
        # Of those that could not be told apart, perhaps one can be now.
        waiting = [*self._page_sockets, socket][-100:]
        self._page_sockets = name_page_sockets(self.capture, waiting)

    async def _open(self, sock: socket.socket) -> None:
        if self.upstream.port == self.port and await _is_here(self.upstream.host):
            # Each connection would make the next, until there are no file descriptors left.
            raise WrongValue(
                f"expected a server to stand in front of, got {self.upstream.host}:{self.port}, "
                "where the tap itself would listen: it would connect to itself without end. Start "
                "the server on that port, and leave the tap's port out to get a free one"
            )
        self.debugger.attach(self._relays)
        self._server = await asyncio.get_running_loop().create_server(
            # In two steps, so that a start interrupted in between still knows what to close.
            self._accept,
            sock=sock,
            start_serving=False,
        )
        await self._server.start_serving()

    def _accept(self) -> End:
        settings = self.debugger.settings
        return Relay(self.upstream, self.capture, settings, self.log, self._relays).client

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        relays = list(self._relays)
        for relay in relays:
            try:
                relay.cut()
            except Exception as fault:  # the others, and the server, end all the same
                self.log.note(f"connection {relay.label} could not be ended", fault)
                relay.close()
        await asyncio.gather(*(relay.gone.wait() for relay in relays))
        self.debugger.detach(self._relays)
        if server is not None:
            await server.wait_closed()


def page_opened(port: int, name: str, made: float, opened: float) -> None:
    """`Tap.page_opened` of the tap that listens on `port`, if one does."""
    for entry in running():
        if entry.port == port and isinstance(entry.thing, Tap):
            entry.thing.page_opened(name, made, opened)


async def _is_here(host: str) -> bool:
    """Whether a connection to `host` arrives where a tap listens: the system is asked, as there are
    many ways to write it, such as 127.1, 0, 2130706433 and ::ffff:127.0.0.1.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False  # then nobody can connect to it either
    for *_, (address, *_) in found:
        ip = ip_address(str(address).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        # Connecting to 0.0.0.0 goes to 127.0.0.1.
        if str(ip) == LOOPBACK or ip == IPv4Address(0):
            return True
    return False
