"""Splits the two streams of a connection into the units that can be held and changed.

Used only while a connection is armed. Where HTTP ends is decided by the `Cutter` that the index
has too, so what is held here is a row there, byte for byte.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from wslab.wire import Direction
from wslab.wire.protocol import read_header
from wslab.wire.recording import Cutter, SideState

LARGEST = 16 * 2**20
"""Bytes of the largest unit that can be held. A larger one passes as it comes."""


class Piece(NamedTuple):
    """Bytes of one direction that belong together."""

    direction: Direction
    offset: int
    """Their offset in their direction's stream."""
    data: bytes
    what: Literal["head", "frame", "record", "large", "body", "loose"]
    """A request or response, a frame, a TLS record, or a part of one, which only can pass: `large`
    is the first of a unit that is larger than `LARGEST`, `body` what follows a head that went ahead
    because not all of its body was there, `loose` any other."""
    unit: int = 0
    """For `large`: bytes of the whole unit, as far as known."""


class _Side:
    def __init__(self, cut: SideState) -> None:
        self.direction: Direction = cut.http.direction
        self.cut = cut  # its positions are those in the buffer
        self.offset = 0  # the buffer's offset in the stream
        self.buffer = bytearray()
        self.passed = 0  # bytes at the start of the buffer that were passed on already
        self.skip = 0  # bytes of a frame still to come that just pass
        self.body = False  # the head went ahead, what follows it just passes


class UnitAssembler:
    """Takes the chunks of both directions in order, and returns the pieces that they complete.

    An incomplete unit stays here until it is complete, or until `flush`. Only a request or response
    whose body is incomplete is returned in parts: first its head, then the body as it comes.
    """

    def __init__(self) -> None:
        self._cutter = Cutter()
        self._sides: dict[Direction, _Side] = {
            "client": _Side(self._cutter.client),
            "server": _Side(self._cutter.server),
        }

    # --- Joining a connection in the middle

    def join_upgraded(
        self, direction: Direction, offset: int, passed: bytes, frames: bool = True
    ) -> None:
        """Frames it is; the one that starts at `offset` was passed on as far as `passed`.

        Not `frames`: the server did not wait for the request, and that is what comes first.
        """
        side = self._sides[direction]
        side.cut.speaks_frames = frames
        self._cutter.exchange.upgraded = True
        self._cutter.exchange.unasked = bool(self._cutter.exchange.unasked) or not frames
        side.offset = offset
        side.buffer[:] = passed
        side.passed = len(passed)
        self._advance(side)

    def join_large(self, direction: Direction, offset: int, missing: int) -> None:
        """Expect frames, after the `missing` bytes of a frame, which just pass."""
        self.join_upgraded(direction, offset, b"")
        self._sides[direction].skip = missing

    def join_http(self, direction: Direction, passed: bytes) -> None:
        """Read all bytes that were passed on so far, from the first one on; the client's first."""
        self.feed(direction, passed)
        for side in self._sides.values():
            side.passed = len(side.buffer)

    # --- Reading

    @property
    def upgraded(self) -> bool:
        """Whether HTTP is over on this connection."""
        return self._cutter.server.speaks_frames

    def between_units(self, direction: Direction) -> bool:
        """Whether the last byte received ended a unit."""
        side = self._sides[direction]
        return not side.buffer and not side.skip and not side.body

    def leave_room(self, direction: Direction, size: int) -> int:
        """Make room for `size` injected bytes between two units; returns their offset."""
        side = self._sides[direction]
        offset = side.offset
        side.offset += size
        return offset

    def feed(self, direction: Direction, data: bytes) -> list[Piece]:
        """The pieces that these bytes complete; after a 101, waiting ones of the client as well."""
        side = self._sides[direction]
        side.buffer += data
        pieces = self._advance(side)
        if direction == "server":
            pieces += self._advance(self._sides["client"])
        return pieces

    def flush(self, direction: Direction) -> list[Piece]:
        """Return the incomplete unit, which must not wait any longer."""
        side = self._sides[direction]
        loose = self._loose(side, side.passed, len(side.buffer))
        size = self._size_of_frame(side)
        if size is not None:
            side.skip = size - len(side.buffer)
            self._cut(side, len(side.buffer))
        side.passed = len(side.buffer)
        return loose

    def rest(self, direction: Direction, stop: int | None) -> bytes:
        """The bytes before offset `stop` of a stream, or all, that were in no piece yet."""
        side = self._sides[direction]
        end = None if stop is None else max(side.passed, stop - side.offset)
        return bytes(side.buffer[side.passed : end])

    def _advance(self, side: _Side) -> list[Piece]:
        pieces: list[Piece] = []
        position = 0
        if side.skip:
            position = min(side.skip, len(side.buffer))
            pieces += self._loose(side, 0, position)
            side.skip -= position
        while position < len(side.buffer):
            end = self._cutter.message_end(side.cut, side.buffer, position, len(side.buffer))
            if size := self._size_of_frame(side, position):
                end = position + size
            if side.body:
                stop = len(side.buffer) if end is None else end
                pieces += self._loose(side, position, stop)
                position = stop
                if end is not None:
                    side.body = False
                    self._cutter.start_next(side.cut, end)
                continue
            if end is None and (head := side.cut.http.head) and not side.passed:
                # Its body is still to come, which may take any time.
                end = position + head.length
                side.body = True
            if end is None or end > len(side.buffer):
                break
            if side.passed:
                pieces += self._loose(side, min(position + side.passed, end), end)
                side.passed = max(0, side.passed - (end - position))
            else:
                what: Literal["head", "frame", "record"] = "head"
                if side.cut.speaks_frames:
                    what = "frame"
                elif side.cut.record:
                    what = "record"
                data = bytes(side.buffer[position:end])
                pieces.append(Piece(side.direction, side.offset + position, data, what))
            if not side.cut.speaks_frames:
                self._cutter.decide(side.cut)
                if not side.body:
                    self._cutter.start_next(side.cut, end)
            position = end
        self._cut(side, position)
        size = self._size_of_frame(side) or len(side.buffer)
        if side.passed:
            pieces += self.flush(side.direction)
        elif size > LARGEST:
            first, *_ = self.flush(side.direction)
            pieces.append(first._replace(what="large", unit=size))
        return pieces

    def _size_of_frame(self, side: _Side, position: int = 0) -> int | None:
        """Bytes of the frame at a position in the buffer; None if its header is incomplete."""
        if not side.cut.speaks_frames:
            return None
        header = read_header(side.buffer, position, len(side.buffer))
        return None if header is None else header.frame_length

    def _loose(self, side: _Side, start: int, stop: int) -> list[Piece]:
        if start >= stop:
            return []
        data = bytes(side.buffer[start:stop])
        what: Literal["body", "loose"] = "body" if side.body else "loose"
        return [Piece(side.direction, side.offset + start, data, what)]

    def _cut(self, side: _Side, position: int) -> None:
        del side.buffer[:position]
        side.offset += position
        side.cut.http.seen = max(0, side.cut.http.seen - position)
