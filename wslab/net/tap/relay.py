"""Relays one connection through the wire tap: passes on what each peer sends, and records it.

::

    client ──▶ ┌ client end │ server end ┐ ──▶ server
           ◀── └────────── relay ────────┘ ◀──

Bytes are forwarded first and recorded second, and a fault in the recording never affects the
traffic. While something is armed for the connection, a `Gate` receives the bytes instead: it
records them first, and delivers each unit when it is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast

from wslab.net import socket_names
from wslab.net.address import Address
from wslab.net.errors import WrongValue
from wslab.net.problem_log import ProblemLog
from wslab.net.reset import reset
from wslab.net.tap.assembler import UnitAssembler
from wslab.net.tap.gate import Ending, Gate
from wslab.net.tap.settings import BOTH, Settings
from wslab.wire import Capture, Direction

CONNECT_TIMEOUT = 10.0
"""Seconds that the server behind the tap has to accept a connection."""

MOST_CONNECTIONS = 2_000
"""Connections that are relayed at a time; more are reset. Each takes memory as long as it is open.
"""

WRITE_LIMIT = 256 * 1024
"""Bytes that may wait for a slow reader in each direction; then the tap stops reading from the
other side.
"""


class Relay:
    """One connection through the tap: two ends, and its number in the recording.

    `relays` holds the connections that are still there; this one adds and removes itself.
    """

    def __init__(
        self,
        upstream: Address,
        capture: Capture,
        settings: Settings,
        log: ProblemLog,
        relays: set[Relay],
    ) -> None:
        self.upstream = upstream
        self.capture = capture
        self.settings = settings
        self.log = log
        self.gone = asyncio.Event()
        self.number = 0
        """The connection's number in the recording; 0 if the recording failed to open it."""
        self.gate: Gate | None = None
        self.client = End(self, "client")
        self.server = End(self, "server")
        self.client.other, self.server.other = self.server, self.client
        self._relays = relays
        self._dialling: asyncio.Task[None] | None = None
        self._is_recorded = True
        relays.add(self)

    @property
    def is_joined(self) -> bool:
        """Whether both ends are connected."""
        return not self.client.is_gone and not self.server.is_gone

    @property
    def label(self) -> str:
        """How errors name it: as the views show it, such as "#3 Ada"."""
        return self.capture.label(self.number) if self.number else "(without a number)"

    # --- The beginning

    def open(self) -> None:
        """Record the client's connection, and connect to the server."""
        if self.gone.is_set():  # accepted just as the tap stopped
            self.client.reset()
            return
        if len(self._relays) > MOST_CONNECTIONS:
            self.log.note(
                f"{MOST_CONNECTIONS:,} connections are open at the tap: it resets further ones and "
                "does not record them, until some have ended"
            )
            self.cut()
            return
        try:
            self.number = self.capture.open_connection()
            for end in (self.client, self.server):
                # Faster than `Capture.record`, which looks things up for each chunk.
                end.record = self.capture.recorder(self.number, end.direction)
        except Exception as fault:  # then this connection passes unrecorded
            self._not_recorded("open_connection", fault)
        if self.settings.arms(self.number):
            self._set_gate(UnitAssembler())
        self._dialling = asyncio.get_running_loop().create_task(self._dial())
        self._dialling.add_done_callback(self._dialled)

    def take_name(self, name: str) -> None:
        """Record the client's name: its own, or else the one that the server knows it by."""
        if self.number and self.number not in self.capture.names:
            try:
                self.capture.set_name(self.number, name)
            except Exception as fault:
                self.settings.faults.note("set_name", fault)

    async def _dial(self) -> None:
        host, port = self.upstream.host, self.upstream.port
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(lambda: self.server, host, port)
        except OSError as error:  # a timeout and an unknown host name are OSErrors too
            self.log.note(f"no connection to {self.upstream.host_in_url}:{port}", error)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._dialling = None
        if self.server.transport is None:
            self.cut("RST: the server took no connection")  # the closest to that
        else:
            self.server.resume_writing()
        self.check_gone()

    # --- The gate

    def arm(self, *, join: bool = True) -> Gate:
        """Insert a gate, so that from now on frames are handled one by one.

        The recording says what has passed before. With `join` false it is not asked, which is
        enough to end the connection. Raises WrongValue if the recording does not know it.
        """
        return self.gate or self._set_gate(self._joined() if join else UnitAssembler())

    def _set_gate(self, assembler: UnitAssembler) -> Gate:
        self.gate = Gate(self, self.settings, assembler)
        # The transport looks this method up for each chunk, so having no gate costs nothing.
        for end in (self.client, self.server):
            end.__dict__["data_received"] = partial(self.gate.take, end.direction)
        return self.gate

    def disarm(self) -> None:
        """Remove the gate, when everything that waited was delivered: a plain relay again."""
        self.gate = None
        for end in (self.client, self.server):
            end.__dict__.pop("data_received", None)

    def _joined(self) -> UnitAssembler:
        if not self._is_known():
            raise WrongValue(
                f"connection {self.label} cannot be held from its middle: "
                "the recording is not whole, so nobody knows where its next frame starts; "
                "connections made from now on can"
            )
        assembler = UnitAssembler()
        capture, index, number = self.capture, self.capture.index, self.number
        for direction in BOTH:
            if not index.is_upgraded(number):
                passed = capture.stream(number, direction, unmasked=True)
                assembler.join_http(direction, passed)
                continue
            if missing := index.missing(number, direction):
                assembler.join_large(direction, capture.size(number, direction), missing)
                continue
            rest = index.incomplete(number, direction)
            passed = b""
            if rest:
                passed = capture.stream(number, direction, unmasked=True)[-rest:]
            start = capture.size(number, direction) - rest
            frames = index.speaks_frames(number, direction)
            assembler.join_upgraded(direction, start, passed, frames)
        return assembler

    def _is_known(self) -> bool:
        """Whether the recording knows where the next unit starts."""
        if not self.number or not self._is_recorded:
            return False
        # HTTP must be read again from its beginning, which may have been dropped.
        index = self.capture.index
        return index.is_upgraded(self.number) or index.is_whole(self.number)

    # --- Recording what passes a gate

    def record(self, direction: Direction, data: bytes) -> int:
        """Record these bytes; returns their offset in the direction's stream."""
        start = self.capture.size(self.number, direction) if self.number else 0
        try:
            (self.client if direction == "client" else self.server).record(data)
        except Exception as fault:
            self._not_recorded("record", fault)
        return start

    def mark(self, direction: Direction, *what: Any, **details: Any) -> None:
        """Note in the recording what was done to bytes on their way: see `Capture.mark`."""
        if self.number:
            try:
                self.capture.mark(self.number, direction, *what, **details)
            except Exception as fault:
                self.settings.faults.note("mark", fault)

    def _not_recorded(self, what: str, fault: Exception) -> None:
        # From here on the recording may lack bytes.
        self._is_recorded = False
        self.settings.faults.note(what, fault)

    # --- The end

    def close(self) -> None:
        """Close both sockets after delivering what is left."""
        for end in (self.client, self.server):
            if end.transport is not None:
                end.transport.close()

    def cut_hard(self) -> None:
        """End both directions with RST on request, and mark that in the recording."""
        if self.gate is not None:
            self.gate.discard("the connection was cut")
        self.cut("RST")

    def cut(self, note: str = "RST: the tap stopped") -> None:
        """End both directions at once, with a reset, and mark that in the recording."""
        if self.gate is not None:
            self.gate.discard("the tap stopped")
        for end in (self.client, self.server):
            if not end.ended:
                self.mark(end.direction, "cut", note=note)
        if self._dialling is not None:
            self._dialling.cancel()
        for end in (self.client, self.server):
            end.reset()
        self.check_gone()

    def check_gone(self) -> None:
        """Forget this relay when both its ends, and the attempt to connect, are over."""
        if self._dialling is None and self.client.is_gone and self.server.is_gone:
            self._relays.discard(self)
            for end in (self.client, self.server):
                if end.transport is not None:
                    socket_names.stop_asking(end.transport, self.take_name, end.direction)
            if self.gate is not None:
                self.gate.discard("both ends are gone")
                self.disarm()
            self.settings.forget(self.number)
            self.gone.set()


class End(asyncio.Protocol):
    """The tap's socket to one peer: it receives what the peer `direction` sends."""

    other: End

    def __init__(self, relay: Relay, direction: Direction) -> None:
        self.relay = relay
        self.direction: Direction = direction
        self.transport: asyncio.Transport | None = None
        self.forward: Callable[[bytes], None]  # set when the other end is connected
        self.record: Callable[[bytes], None] = _not_recorded
        self.ended = False
        self.told_end = False  # whether its stream was ended, so that nothing more may be written
        self.lost = False

    @property
    def is_gone(self) -> bool:
        return self.lost or self.transport is None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(WRITE_LIMIT)
        self.other.forward = self.transport.write
        if self.direction == "client":
            # Read nothing until the other end is connected.
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._pause_before_reading)
            self.relay.open()
        elif self.other.lost:
            self.reset()
            return
        socket_names.ask(transport, self.relay.take_name, self.direction)

    def _pause_before_reading(self) -> None:
        # Debian 12's Python, 3.11.2, starts reading right after `connection_made` even if it was
        # paused. This pauses it before anything is read.
        if self.transport is not None and self.other.transport is None and not self.lost:
            self.transport.resume_reading()
            self.transport.pause_reading()

    # All bytes pass through here.
    def data_received(self, data: bytes) -> None:
        self.forward(data)
        try:
            self.record(data)
        except Exception as fault:
            self.relay._not_recorded("record", fault)

    # The end of its stream is also the end of what the other peer gets.

    def eof_received(self) -> bool:
        """The peer sends no more, but may still receive."""
        self._pass_end("eof")
        if self.other.ended and self.relay.gate is None:
            self.relay.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._pass_end("gone" if self.ended else "reset")
        self.relay.check_gone()

    def _pass_end(self, how: Ending) -> None:
        self._end("eof" if how == "eof" else "reset")
        if self.relay.gate is not None:
            try:
                self.relay.gate.ended(self.direction, how)
                return
            except Exception as fault:
                self.relay.settings.faults.note("end", fault)
        self.other.finish(how)

    def finish(self, how: Ending) -> None:
        """End the stream to this peer as the other peer's stream ended."""
        if self.transport is None or self.lost:
            return
        if how == "eof":
            self.told_end = True
            try:
                self.transport.write_eof()
            except OSError:
                # It has reset the connection, which nobody notices who does not read from it: it
                # had sent its FIN before, or something waits at the tap.
                self.reset()
        elif how == "gone":
            self.transport.close()  # earlier bytes are still delivered, if TCP can
        else:
            self.reset()

    def reset(self) -> None:
        """Cut this end off; bytes not yet sent are dropped."""
        if self.transport is not None and not self.lost:
            reset(self.transport)
        self._end("reset")

    def _end(self, how: Literal["eof", "reset"]) -> None:
        if self.ended:
            return
        self.ended = True
        if self.relay.number:
            try:
                self.relay.capture.end(self.relay.number, self.direction, how)
            except Exception as fault:
                self.relay.settings.faults.note("end", fault)

    # Backpressure: while this end cannot take more, do not read from the other.

    def pause_writing(self) -> None:
        if self.relay.gate is None:
            self.other.set_read(False)
        else:
            self.relay.gate.lanes[self.other.direction].set_sink_full(True)

    def resume_writing(self) -> None:
        if self.relay.gate is None:
            self.other.set_read(True)
        else:
            self.relay.gate.lanes[self.other.direction].set_sink_full(False)

    @property
    def is_read(self) -> bool:
        """Whether this peer's bytes are being read."""
        return self.transport is None or self.transport.is_reading()

    def set_read(self, on: bool) -> None:
        """Start or stop reading this peer's bytes."""
        # A transport must not be resumed after its stream has ended, so do not pause it either.
        if self.transport is not None and not self.ended:
            if on:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Send bytes to this peer, unless it is gone or its stream was ended."""
        if self.transport is not None and not self.lost and not self.told_end:
            self.transport.write(data)


def _not_recorded(data: bytes) -> None:
    """Used in place of a recorder if the recording could not open the connection."""
