"""Decides where HTTP ends and frames begin on one connection.

Both the index and, while bytes are still on their way, the tap's assembler ask it, so they agree
even where peers break the rules (RFC 6455 §4.1, §4.2.2): frames that come before the 101, a 101
that nobody asked for, one that comes in the middle of a request.
"""

from __future__ import annotations

from ..fields import Direction
from ..protocol.http import Exchange, HttpReader


class CutSide:
    """One direction of a connection: its HTTP, and whether frames have begun."""

    __slots__ = ("http", "speaks_frames", "waits")

    def __init__(self, direction: Direction, exchange: Exchange) -> None:
        self.http = HttpReader(direction, exchange)
        self.speaks_frames = False
        """HTTP is over here: what follows are frames."""
        self.waits = False
        """The client asked for an upgrade: what follows depends on the answer."""


class Cutter:
    """Decides for both directions of a connection where HTTP ends: each depends on the other."""

    __slots__ = ("client", "exchange", "server")

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.client = CutSide("client", self.exchange)
        self.server = CutSide("server", self.exchange)

    def side(self, direction: Direction) -> CutSide:
        """The side of one direction."""
        return self.client if direction == "client" else self.server

    def message_end(
        self, side: CutSide, data: bytes | bytearray, start: int, stop: int
    ) -> int | None:
        """Where the request or response at `start` ends.

        None while it goes on behind `stop`, while the side waits, and where no message starts but
        a frame: then the side `speaks_frames`.
        """
        http = side.http
        if side.speaks_frames or (side.waits and not http.head):
            return None
        if self.exchange.upgraded and http.head:
            return http.seen  # nobody waits for the rest of its body any more
        end = http.end(data, start, stop)
        if end is None and http.is_over:
            side.speaks_frames = True
        return end

    def settle(self, side: CutSide) -> None:
        """Decide, after a head was read on one side, who waits and whether frames follow."""
        head, request = side.http.head, side.http.request
        assert head is not None, "a message has a head"
        if side is self.client:
            # Its answer may have come before its body.
            awaits = head.wants_upgrade and self.exchange.awaits(head)
            side.waits = awaits and not self.exchange.upgraded
        elif head.status == 101:
            self.upgrade()
        elif not head.is_interim and (request is None or request.wants_upgrade):
            # Else another request was answered, and the upgrade's answer is still to come.
            self.client.waits = False

    def go_on(self, side: CutSide, position: int) -> None:
        """The message on one side is done with; what follows it starts at `position`."""
        side.http.start_next(position)
        if side is self.client:
            side.speaks_frames = self.exchange.upgraded

    def upgrade(self) -> None:
        """Expect frames in both directions; from a client in the middle of a request, after it."""
        self.exchange.upgraded = True
        self.server.speaks_frames = True
        self.client.waits = False
        self.client.speaks_frames = not self.client.http.head and self.client.http.is_over
