"""Decides where HTTP ends and frames begin on one connection; where TLS or SOCKS stands instead.

The index, the tap's assembler and the masking of logins use it, so they agree even if peers break
the rules (RFC 6455 §4.1, §4.2.2): with frames before the 101, a 101 that nobody asked for, or one
in the middle of a request.
"""

from __future__ import annotations

from ..fields import Direction
from ..protocol import socks
from ..protocol.http import Exchange, HttpReader
from ..protocol.tls_records import BEGINNING, begins_record, record_end


class SideState:
    """The state of one direction: its HTTP reader, and whether frames have begun."""

    __slots__ = ("before", "http", "record", "speaks_frames", "waits")

    def __init__(self, direction: Direction, exchange: Exchange) -> None:
        self.http = HttpReader(direction, exchange)
        self.speaks_frames = False
        """Whether HTTP is over in this direction, and frames follow."""
        self.waits = False
        """Whether the client asked for an upgrade, so that what follows depends on the answer."""
        self.record = ""
        """What is being read if it is no HTTP: `tls` for a record, or a SOCKS message's name."""
        self.before: str | None = ""
        """The same of the unit before; "" at the start, None behind HTTP; `tls` once it was."""

    @property
    def speaks_tls(self) -> bool:
        """Whether there was a TLS record in this direction."""
        return self.before == "tls"

    @property
    def in_socks(self) -> bool:
        """Whether what is being read is a message of SOCKS."""
        return self.record not in ("", "tls")

    def begins_record(self, data: bytes) -> bool:
        """Note whether SOCKS or a TLS record stands where HTTP could, at the start of `data`."""
        self.record = ""
        if self.http.head is not None or self.http.exchange.upgraded:
            return False
        if self.before not in (None, "tls"):
            self.record = socks.begins(self.http.direction, self.before, data)
        if not self.record and begins_record(data[:BEGINNING], first=not self.speaks_tls):
            self.record = "tls"
        return bool(self.record)

    def record_end(self, data: bytes | bytearray, start: int, stop: int) -> int | None:
        """The offset at which that record or message ends; None while it goes on after `stop`."""
        if self.in_socks:
            return socks.end(self.record, data, start, stop)
        return record_end(data, start, stop)


class Cutter:
    """Decides for both directions of a connection where HTTP ends: each depends on the other."""

    __slots__ = ("client", "exchange", "server")

    client: SideState
    server: SideState

    def __init__(self) -> None:
        self.exchange = Exchange()

    def __getattr__(self, name: str) -> SideState:
        # Made when first needed: of many connections, one side may send nothing.
        if name == "client":
            self.client = made = SideState("client", self.exchange)
        elif name == "server":
            self.server = made = SideState("server", self.exchange)
        else:
            raise AttributeError(name)
        return made

    def side(self, direction: Direction) -> SideState:
        """The state of one direction."""
        return self.client if direction == "client" else self.server

    def message_end(
        self, side: SideState, data: bytes | bytearray, start: int, stop: int
    ) -> int | None:
        """The offset at which the request, response, TLS record or SOCKS message at `start` ends.

        None while it goes on after `stop`, while the side waits, and if a frame starts there
        instead: then the side `speaks_frames`.
        """
        http = side.http
        side.record = ""
        if side.speaks_frames or (side.waits and not http.head):
            return None
        if side.begins_record(bytes(data[start : min(start + BEGINNING, stop)])):
            return side.record_end(data, start, stop)
        if self.exchange.upgraded and http.head:
            return http.seen  # after a 101, a body counts as complete
        end = http.end(data, start, stop)
        if end is None and http.is_over:
            side.speaks_frames = True
        return end

    def decide(self, side: SideState) -> None:
        """Decide, after a head was read on one side, who waits and whether frames follow."""
        if not side.speaks_tls:
            side.before = side.record or None
        if side.record:
            return
        head = side.http.head
        assert head is not None, "a message has a head"
        if side is not self.client and head.status == 101:
            self.upgrade()
        else:
            # The answer may have come before the request's body, or be that of another request.
            awaits = self.exchange.awaits_upgrade and not self.exchange.upgraded
            if awaits and self.exchange.unasked is None:
                # What the client sends next tells whether it was accepted.
                self.exchange.upgraded = self.server.speaks_frames = True
                awaits = False
            self.client.waits = awaits and (side is self.client or self.client.waits)

    def start_next(self, side: SideState, position: int) -> None:
        """Forget the message that was read on one side; the next one starts at `position`."""
        side.http.start_next(position)
        if side is self.client:
            side.speaks_frames = self.exchange.upgraded and self.exchange.unasked is not None

    def upgrade(self) -> None:
        """Expect frames in both directions; from the client, after a request that it is sending."""
        client = self.client
        self.exchange.upgraded = True
        self.server.speaks_frames = True
        client.speaks_frames = not client.http.head and (client.waits or client.http.is_over)
        client.waits = False
