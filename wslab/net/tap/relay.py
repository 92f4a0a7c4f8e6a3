"""The wire tap: a TCP relay on loopback that records what crosses and changes nothing unasked.

It stands between any client and any server: Python, a browser, Node. What it sees are the real
bytes, the handshake included, because it knows nothing of WebSocket. Order of work for each chunk:
forward first, record second. A fault in the recorder is kept in `Tap.faults` and never touches the
traffic. Told to hold, change or slow something (`WireDebugger`), it puts a gate before the
connections concerned, and takes it away when it is not needed any more.

::

    client ──▶ ┌ client end │ server end ┐ ──▶ server
           ◀── └────────── relay ────────┘ ◀──            one relay for each connection
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, cast

from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import WrongValue
from wslab.net.listener import Listener
from wslab.net.problem_log import ProblemLog
from wslab.net.reset import reset
from wslab.net.tap.assembler import Assembler
from wslab.net.tap.debugger import Settings, WireDebugger
from wslab.net.tap.gate import Gate
from wslab.wire import Direction
from wslab.wire.recording.capture import MarkName

CONNECT_TIMEOUT = 10.0
"""Seconds that the server behind the tap has for accepting a connection."""

_THIS_MACHINE = (LOOPBACK, "localhost", "0.0.0.0")  # connecting to 0.0.0.0 goes to 127.0.0.1

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


class Tap(WireDebugger, Listener):
    """Relays every connection made to `url` to `upstream`, and records it in `capture`.

    ``upstream``: a port on this machine, ``(host, port)``, ``"host:port"`` or a ``ws://`` URL,
    whose path `url` keeps. Half-closed connections stay half-closed, a reset is passed on as a
    reset where the system allows it, and a slow reader slows the other side down, as without a tap.
    Where nobody listens upstream, the client is reset. ``settings`` are those of another tap that
    records into the same capture: then both are held, stepped and cut together.
    """

    kind: ClassVar[str] = "tap"

    def __init__(
        self,
        upstream: str | int | tuple[str, int],
        capture: Recorder,
        *,
        name: str = "tap",
        port: int = 0,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(name, port)
        self._settings = settings or Settings()
        self.upstream = Address.parse(upstream)
        self.capture = capture
        self.path = self.upstream.path
        self.faults = ProblemLog(f"tap.{name}.faults")
        """What went wrong in the recorder; the traffic was not touched by it."""
        self._server: asyncio.Server | None = None
        self._relays: set[Relay] = set()

    @property
    def url(self) -> str:
        return Address(self.upstream.secure, LOOPBACK, self.port, self.path).url

    @property
    def connections(self) -> int:
        """How many connections pass through now."""
        return len(self._relays)

    @property
    def settings(self) -> Settings:
        """What is armed: to be given to another tap on the same capture."""
        return self._settings

    async def _open(self, sock: socket.socket) -> None:
        if self.upstream.port == self.port and self.upstream.host.lower() in _THIS_MACHINE:
            # Each connection would make the next, until there are no file descriptors left.
            raise WrongValue(
                f"expected a server to stand in front of, got {self.upstream.host}:{self.port}, "
                "where the tap itself would listen: it would connect to itself without end. Start "
                "the server on that port, and leave the tap's port out to get a free one"
            )
        self._settings.taps.append(self)
        self._server = await asyncio.get_running_loop().create_server(
            # In two steps, so that a start interrupted in between still knows what to close.
            lambda: Relay(self).client,
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
        if self in self._settings.taps:
            self._settings.taps.remove(self)
        if server is not None:
            await server.wait_closed()


class Relay:
    """One connection through the tap: two ends, and the number that the recorder gave it."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.gone = asyncio.Event()
        self.number: int | None = None
        self.is_recorded = True
        """Whether the recorder took all that came so far."""
        self.dialling: asyncio.Task[None] | None = None
        self.gate: Gate | None = None
        self.client = End(self, "client")
        self.server = End(self, "server")
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
                # A capture has something faster for one direction; another recorder need not.
                make = getattr(
                    self.tap.capture, "recorder", partial(partial, self.tap.capture.record)
                )
                end.record = make(self.number, end.direction)
        if self.tap._server is None:  # accepted in the very moment in which the tap stops
            self.cut()
            return
        if self.tap.settings.arms(self.number or 0):
            self.gate = self._new_gate(Assembler())
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
        elif self.gate is not None:
            self.gate.lanes["client"].choke(False)
        elif self.client.transport is not None:
            self.client.transport.resume_reading()
        self.check_gone()

    # --- With a gate

    @property
    def is_joined(self) -> bool:
        """Whether both ends are there."""
        return not self.client.is_gone and not self.server.is_gone

    def arm(self, *, join: bool = True) -> Gate:
        """Have this connection's frames seen one by one from now on.

        Where it has begun already, the recording says what has passed so far. Without `join` that
        is not asked: for what only ends the connection. Raises WrongValue where it cannot be known.
        """
        if self.gate is None:
            self.gate = self._new_gate(self._joined() if join else Assembler())
        return self.gate

    def _new_gate(self, assembler: Assembler) -> Gate:
        gate = Gate(self, self.tap.settings, assembler)
        # The transport looks the method up for each chunk: so having no gate costs nothing.
        for end in (self.client, self.server):
            end.__dict__["data_received"] = partial(gate.take, end.direction)
        return gate

    def disarm(self) -> None:
        """A plain relay again. What waited has been delivered."""
        if self.gate is not None:
            self.gate = None
            for end in (self.client, self.server):
                end.__dict__.pop("data_received", None)

    def _joined(self) -> Assembler:
        assembler = Assembler()
        capture: Any = self.tap.capture
        number = self.number
        index = getattr(capture, "index", None)
        if number is None or index is None or not self.is_recorded:
            raise WrongValue(
                f"connection {number or '(without a number)'} cannot be held from its middle: the "
                "recording is not whole, so nobody knows where its next frame starts; connections "
                "made from now on can"
            )
        directions: tuple[Direction, ...] = ("client", "server")
        for direction in directions:
            size = capture.size(number, direction)
            rest = index.incomplete(number, direction)
            if not index.is_upgraded(number):
                assembler.join_http(direction, capture.stream(number, direction))
                continue
            passed = capture.stream(number, direction)[-rest:] if rest else b""
            frames = index.speaks_frames(number, direction)
            assembler.join_upgraded(direction, size - rest, passed, frames)
        return assembler

    def not_recorded(self, fault: Exception) -> None:
        """The recorder failed: from here on nobody knows what its recording lacks."""
        self.is_recorded = False
        self.tap.faults.note("record", fault)

    def mark(
        self,
        direction: Direction,
        name: MarkName | Literal["cut"],
        offset: int = 0,
        length: int = 0,
        *,
        data: bytes | None = None,
        note: str = "",
    ) -> None:
        """Tell the recorder what was done to bytes on their way, if it wants to know."""
        mark = getattr(self.tap.capture, "mark", None)
        if self.number is None or mark is None:
            return
        try:
            mark(self.number, direction, name, offset, length, data=data, note=note)
        except Exception as fault:
            self.tap.faults.note("mark", fault)

    def cut_hard(self) -> None:
        """End both directions with RST because somebody wants it so, and say so."""
        if self.gate is not None:
            self.gate.discard("the connection was cut")
        for end in (self.client, self.server):
            if not end.ended:
                self.mark(end.direction, "cut", note="RST")
        self.cut()

    def close(self) -> None:
        """Close both sockets, after what is still to be delivered."""
        for end in (self.client, self.server):
            if end.transport is not None:
                end.transport.close()

    # --- The end

    def cut(self) -> None:
        """End both directions at once, with a reset."""
        if self.gate is not None:
            self.gate.discard("the tap stopped")
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
            if self.gate is not None:
                self.gate.discard("both ends are gone")
                self.disarm()
            if self.number is not None:
                self.tap.settings.forget(self.number)
            self.gone.set()


class End(asyncio.Protocol):
    """The tap's end of a TCP connection to `direction`: what it receives, `direction` sent."""

    other: End

    def __init__(self, relay: Relay, direction: Direction) -> None:
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
            asyncio.get_running_loop().call_soon(self._pause_again)
            self.relay.open()
        elif self.other.lost:
            self.reset()

    def _pause_again(self) -> None:
        # Debian 12's Python, 3.11.2, starts to read right after `connection_made`, paused or not.
        # Before anything was read, this stops it.
        if self.transport is not None and self.other.transport is None and not self.lost:
            self.transport.resume_reading()
            self.transport.pause_reading()

    # The one place where bytes pass.
    def data_received(self, data: bytes) -> None:
        self.forward(data)
        try:
            self.record(data)
        except Exception as fault:
            self.relay.not_recorded(fault)

    def eof_received(self) -> bool:
        """This side has said all it will say, and may still listen."""
        if self.relay.gate is not None:
            self._end("eof")
            self.relay.gate.ended(self.direction, "eof")
            return True
        other = self.other.transport
        if other is not None:
            other.write_eof()
        self._end("eof")
        if self.other.ended:
            self.relay.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self.relay.gate is not None:
            how: Literal["gone", "reset"] = "gone" if self.ended else "reset"
            self._end("reset")
            self.relay.gate.ended(self.direction, how)
            self.relay.check_gone()
            return
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
        if self.relay.gate is not None:
            self.relay.gate.lanes[self.other.direction].choke(True)
        elif self.other.transport is not None and not self.other.ended:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.relay.gate is not None:
            self.relay.gate.lanes[self.other.direction].choke(False)
        elif self.other.transport is not None and not self.other.ended:
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
