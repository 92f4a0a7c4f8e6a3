"""The wire tap: a TCP relay on loopback that records what crosses and changes nothing.

It stands between any client and any server: Python, a browser, Node. What it sees are the real
bytes, the handshake included, because it knows nothing of WebSocket. Order of work for each chunk:
forward first, record second. A fault in the recorder is kept in `Tap.faults` and never touches the
traffic.

::

    client ──▶ ┌ client end │ server end ┐ ──▶ server
           ◀── └────────── relay ────────┘ ◀──            one relay for each connection
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal, Protocol, cast

from wslab.net.address import LOOPBACK, Address
from wslab.net.listener import Listener
from wslab.net.problem_log import ProblemLog
from wslab.net.reset import reset

Direction = Literal["client", "server"]
"""Who sent it."""

CONNECT_TIMEOUT = 10.0
"""Seconds that the server behind the tap has for accepting a connection."""

WRITE_LIMIT = 256 * 1024
"""Bytes that may wait for a slow reader in each direction; then the tap stops reading from the
other side.
"""


class Recorder(Protocol):
    """What a tap needs of a capture. Called on the loop thread."""

    def open_connection(self) -> int:
        """A TCP connection was opened; returns its number."""

    def record(self, connection: int, direction: Direction, data: bytes) -> None:
        """These bytes crossed. `data` is the chunk that was read, and nobody else changes it."""

    def end(
        self, connection: int, direction: Direction, how: Literal["eof", "reset"] = "eof"
    ) -> None:
        """This direction's stream ended: properly (FIN) or cut off (RST)."""


class Tap(Listener):
    """Relays every connection made to `url` to `upstream`, and records it in `capture`.

    ``upstream``: a port on this machine, ``(host, port)``, ``"host:port"`` or a ``ws://`` URL,
    whose path `url` keeps. Half-closed connections stay half-closed, a reset is passed on as a
    reset where the system allows it, and a slow reader slows the other side down, as without a tap.
    Where nobody listens upstream, the client is reset.
    """

    kind: ClassVar[str] = "tap"

    def __init__(
        self,
        upstream: str | int | tuple[str, int],
        capture: Recorder,
        *,
        name: str = "tap",
        port: int = 0,
    ) -> None:
        super().__init__(name, port)
        self.upstream = Address.parse(upstream)
        self.capture = capture
        self.path = self.upstream.path
        self.faults = ProblemLog(f"tap.{name}.faults")
        """What went wrong in the recorder; the traffic was not touched by it."""
        self._server: asyncio.Server | None = None
        self._relays: set[_Relay] = set()

    @property
    def url(self) -> str:
        return Address(self.upstream.secure, LOOPBACK, self.port, self.path).url

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._relays)

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            # In two steps, so that a start interrupted in between still knows what to close.
            lambda: _Relay(self).client,
            sock=sock,
            start_serving=False,
        )
        await self._server.start_serving()

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        relays = list(self._relays)
        for relay in relays:
            relay.cut()
        await asyncio.gather(*(relay.gone.wait() for relay in relays))
        if server is not None:
            await server.wait_closed()


class _Relay:
    """One connection through the tap: two ends, and the number that the recorder gave it."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.gone = asyncio.Event()
        self.number: int | None = None
        self.dialling: asyncio.Task[None] | None = None
        self.client = _End(self, "client")
        self.server = _End(self, "server")
        self.client.other, self.server.other = self.server, self.client

    def open(self) -> None:
        """The client is there: fetch the server."""
        self.tap._relays.add(self)
        try:
            self.number = self.tap.capture.open_connection()
        except Exception as fault:  # then this connection passes unrecorded
            self.tap.faults.note("open_connection", fault)
        else:
            for end in (self.client, self.server):
                end.record = partial(self.tap.capture.record, self.number, end.direction)
        if self.tap._server is None:  # accepted in the very moment in which the tap stops
            self.cut()
            return
        self.dialling = asyncio.get_running_loop().create_task(self._dial())
        self.dialling.add_done_callback(self._dialled)

    async def _dial(self) -> None:
        upstream = self.tap.upstream
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(
                    lambda: self.server, upstream.host, upstream.port
                )
        except OSError as error:  # a timeout and an unknown host name are OSErrors too
            self.tap.log.note(f"no connection to {upstream.host_in_url}:{upstream.port}", error)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self.dialling = None
        if self.server.transport is None:
            self.cut()  # nobody there: the nearest thing to a refused connection is a reset one
        elif self.client.transport is not None:
            self.client.transport.resume_reading()
        self.check_gone()

    def cut(self) -> None:
        """End both directions at once, with a reset."""
        if self.dialling is not None:
            self.dialling.cancel()
        for end in (self.client, self.server):
            end.reset()

    def ended(self, direction: Direction, how: Literal["eof", "reset"]) -> None:
        """Tell the recorder that a direction's stream ended."""
        if self.number is None:
            return
        try:
            self.tap.capture.end(self.number, direction, how)
        except Exception as fault:
            self.tap.faults.note("end", fault)

    def check_gone(self) -> None:
        """Forget this relay once both its ends and the attempt to connect are over."""
        if self.dialling is None and self.client.is_gone and self.server.is_gone:
            self.tap._relays.discard(self)
            self.gone.set()


class _End(asyncio.Protocol):
    """The tap's end of a TCP connection to `direction`: what it receives, `direction` sent."""

    other: _End

    def __init__(self, relay: _Relay, direction: Direction) -> None:
        self.relay = relay
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.forward: Callable[[bytes], None]  # there as soon as there is another end
        self.record: Callable[[bytes], None] = _not_recorded
        self.ended = False
        self.lost = False

    @property
    def is_gone(self) -> bool:
        return self.lost or self.transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_LIMIT)
        self.other.forward = self.transport.write
        if self.direction == "client":
            # Nothing is read before there is somebody to pass it on to.
            self.transport.pause_reading()
            self.relay.open()
        elif self.other.lost:
            self.reset()

    # The one place where bytes pass.
    def data_received(self, data: bytes) -> None:
        self.forward(data)
        try:
            self.record(data)
        except Exception as fault:
            self.relay.tap.faults.note("record", fault)

    def eof_received(self) -> bool:
        """This side has said all it will say, and may still listen."""
        other = self.other.transport
        if other is not None:
            other.write_eof()
        self._end("eof")
        if self.other.ended:
            for end in (self, self.other):
                if end.transport is not None:
                    end.transport.close()  # after what is still to be delivered
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if not self.other.is_gone and self.other.transport is not None:
            if self.ended:
                # It had said all it would say: that is still delivered, as far as TCP allows.
                self.other.transport.close()
            else:
                self.other.reset()
        self._end("reset")
        self.relay.check_gone()

    # Backpressure: what this end cannot take, the other must not send.

    def pause_writing(self) -> None:
        # After its end of stream a transport must not be resumed, so it is not paused either.
        if self.other.transport is not None and not self.other.ended:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other.transport is not None and not self.other.ended:
            self.other.transport.resume_reading()

    def reset(self) -> None:
        """Cut this end off; what is waiting is dropped."""
        if self.transport is not None and not self.lost:
            reset(self.transport)
        self._end("reset")

    def _end(self, how: Literal["eof", "reset"]) -> None:
        if not self.ended:
            self.ended = True
            self.relay.ended(self.direction, how)


def _not_recorded(data: bytes) -> None:
    """In place of a recorder that could not even open a connection."""
