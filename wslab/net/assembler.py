"""Cuts the two streams of one connection into what can be held and changed: heads and frames.

Used only while a connection is armed. Where a unit ends is decided by the same functions of
`wslab.wire` by which the index does, so what is held here is a row there, byte for byte.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal, NamedTuple

from wslab.wire import Direction, frames, handshake

LARGEST = 16 * 2**20
"""Bytes of a unit that is still held as a whole. A larger one passes as it comes."""


ENDLESS = 2**63
"""Bytes of a body that goes on until the connection ends."""


class Piece(NamedTuple):
    """Bytes of one direction that belong together."""

    direction: Direction
    offset: int
    """Where they start in their direction's stream."""
    data: bytes
    what: Literal["head", "frame", "large", "body", "loose"]
    """A request or response, a frame, or a part of one, which only can pass: `large` is the first
    of a unit that is larger than `LARGEST`, `body` what follows a head that went ahead because not
    all of its body was there, `loose` any other."""
    unit: int = 0
    """Of a `large` one: bytes of the whole, as far as they are known."""


class _Side:
    def __init__(self, direction: Direction) -> None:
        self.direction: Direction = direction
        self.offset = 0  # where the buffer starts in the stream
        self.buffer = bytearray()
        self.frames = False  # HTTP is over
        self.passed = 0  # bytes at the start of the buffer that were passed on already
        self.skip = 0  # bytes of a frame or body still to come that just pass
        self.body = False  # the head went ahead, this is what follows it
        self.chunks = False  # and it comes in chunks, the next of which starts the buffer
        self.seen = 0  # how far the end of a head was looked for
        self.waits = False  # asked for an upgrade: what follows depends on the answer


class Assembler:
    """Takes chunks in the order in which they came, gives pieces back.

    What is no whole unit yet stays here, until it is, or until `flush`. Only a request or response
    whose body is not all there goes in parts: its head, and then the body as it comes.
    """

    def __init__(self) -> None:
        self._sides = {"client": _Side("client"), "server": _Side("server")}
        self._requests: deque[handshake.Head] = deque()

    # --- A connection that is met in the middle

    def join_upgraded(self, direction: Direction, offset: int, passed: bytes) -> None:
        """Frames it is; the one that starts at `offset` was passed on as far as `passed`."""
        side = self._sides[direction]
        side.frames = True
        side.offset = offset
        side.buffer[:] = passed
        side.passed = len(passed)
        self._advance(side)

    def join_http(self, direction: Direction, passed: bytes) -> None:
        """All that was passed on so far, from the first byte on. The client's side comes first."""
        self.feed(direction, passed)
        for side in self._sides.values():
            side.passed = len(side.buffer)

    # --- Reading

    @property
    def upgraded(self) -> bool:
        """Whether HTTP is over on this connection."""
        return self._sides["server"].frames

    def between_units(self, direction: Direction) -> bool:
        """Whether the last byte that came ended a unit."""
        side = self._sides[direction]
        return not side.buffer and not side.skip and not side.chunks

    def leave_room(self, direction: Direction, size: int) -> int:
        """Somebody else puts `size` bytes into this stream, between two units; returns where."""
        side = self._sides[direction]
        offset = side.offset
        side.offset += size
        return offset

    def feed(self, direction: Direction, data: bytes) -> list[Piece]:
        """The pieces that these bytes complete; after a 101 the client's waiting ones too."""
        side = self._sides[direction]
        side.buffer += data
        pieces = self._advance(side)
        if direction == "server":
            pieces += self._advance(self._sides["client"])
        return pieces

    def flush(self, direction: Direction) -> list[Piece]:
        """What is no whole unit and must not wait any longer."""
        side = self._sides[direction]
        loose = self._loose(side, side.passed, len(side.buffer))
        if side.frames and (header := frames.read_header(side.buffer, 0, len(side.buffer))):
            side.skip = header.length + header.payload_length - len(side.buffer)
            self._cut(side, len(side.buffer))
        side.passed = len(side.buffer)
        return loose

    def _advance(self, side: _Side) -> list[Piece]:
        pieces: list[Piece] = []
        position = 0
        while position < len(side.buffer):
            if side.skip or side.chunks:
                stop = self._end_of_part(side, position)
                if stop is None:
                    break
                pieces += self._loose(side, min(position + side.passed, stop), stop)
                side.passed = max(0, side.passed - (stop - position))
                side.body = side.body and bool(side.skip or side.chunks)
                position = side.seen = stop
                continue
            end = self._end_of_frame(side, position) if side.frames else None
            if not side.frames and not side.waits:
                end = self._end_of_message(side, position)
            if end is None or end > len(side.buffer):
                head = self._head_first(side, position)
                if head is None:
                    break
                pieces.append(head)
                position = side.seen = position + len(head.data)
                continue
            if side.passed:
                pieces += self._loose(side, min(position + side.passed, end), end)
                side.passed = max(0, side.passed - (end - position))
            else:
                what: Literal["head", "frame"] = "frame" if side.frames else "head"
                data = bytes(side.buffer[position:end])
                pieces.append(Piece(side.direction, side.offset + position, data, what))
            if not side.frames:
                self._after_message(side, bytes(side.buffer[position:end]))
            position = side.seen = end
        self._cut(side, position)
        size = len(side.buffer)
        if side.frames and (header := frames.read_header(side.buffer, 0, len(side.buffer))):
            size = header.length + header.payload_length
        if side.passed:
            pieces += self.flush(side.direction)
        elif size > LARGEST:
            first, *_ = self.flush(side.direction)
            pieces.append(first._replace(what="large", unit=size))
        return pieces

    def _end_of_frame(self, side: _Side, position: int) -> int | None:
        header = frames.read_header(side.buffer, position, len(side.buffer))
        return None if header is None else position + header.length + header.payload_length

    def _end_of_part(self, side: _Side, position: int) -> int | None:
        """Where what just passes ends, as far as it is there; None while nobody knows."""
        if not side.skip:
            chunk = _chunk(side.buffer, position)
            if chunk is None:
                return None
            end, last = chunk
            side.chunks = not last
            side.skip = end - position
        stop = min(position + side.skip, len(side.buffer))
        side.skip -= stop - position
        return stop

    def _head_first(self, side: _Side, position: int) -> Piece | None:
        """The head of a message whose body is still to come: nobody knows how long that takes."""
        stop = len(side.buffer)
        if side.frames or side.waits or side.passed:
            return None
        end = handshake.find_end(side.buffer, position, side.seen, stop)
        if end is None:
            return None
        data = bytes(side.buffer[position:end])
        head = handshake.parse_head(data)
        announced = head.get("Content-Length") or ""
        # In the order of `handshake.body_length`, which found that not all of it is there.
        if "chunked" in head.words("Transfer-Encoding"):
            side.chunks = True
        elif announced.isascii() and announced.isdigit():
            side.skip = int(announced[:18])
        else:
            side.skip = ENDLESS
        side.body = True
        self._after_message(side, data)
        return Piece(side.direction, side.offset + position, data, "head")

    def _end_of_message(self, side: _Side, position: int) -> int | None:
        stop = len(side.buffer)
        end = handshake.find_end(side.buffer, position, side.seen, stop)
        if end is None:
            side.seen = stop
            return None
        head = handshake.parse_head(bytes(side.buffer[position:end]))
        request = None
        if side.direction == "server" and self._requests:
            request = self._requests[0]
        begin = position + head.length
        client = side.direction == "client"
        length = handshake.body_length(head, request, side.buffer, begin, stop, client)
        return None if length is None else begin + length

    def _after_message(self, side: _Side, message: bytes) -> None:
        head = handshake.parse_head(message)
        client = self._sides["client"]
        if side.direction == "client":
            self._requests.append(head)
            side.waits = head.wants_upgrade
        elif head.status == 101:
            self._requests.clear()
            client.waits = False
            client.frames = side.frames = True
        elif head.status is None or head.status >= 200:
            answered = self._requests.popleft() if self._requests else None
            if answered is None or answered.wants_upgrade:
                client.waits = False

    def _loose(self, side: _Side, start: int, stop: int) -> list[Piece]:
        if start >= stop:
            return []
        data = bytes(side.buffer[start:stop])
        what: Literal["body", "loose"] = "body" if side.body else "loose"
        return [Piece(side.direction, side.offset + start, data, what)]

    def _cut(self, side: _Side, position: int) -> None:
        del side.buffer[:position]
        side.offset += position
        side.seen = max(0, side.seen - position)


def _chunk(data: bytearray, start: int) -> tuple[int, bool] | None:
    """Where the chunk ends that starts here, and whether it is the last (RFC 9112 §7.1); None while
    its first line, or what follows the last one, is not there.
    """
    line_end = data.find(b"\n", start)
    if line_end < 0:
        return None
    size = bytes(data[start:line_end]).split(b";")[0].strip()
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
        return line_end + 1, True  # no chunk: what follows is somebody else's
    if int(size, 16):
        return line_end + 1 + int(size, 16) + 2, False
    # Trailers may follow; an empty line ends them.
    end = re.compile(rb"\n\r?\n").search(data, line_end)
    return (end.end(), True) if end else None
