"""Reads what the frames of one direction say, in order and many at a time, for a search.

`contents.py` reads a single frame, wherever it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from ..protocol import frames
from ..protocol.deflate import Inflater
from ..protocol.messages import Assembler
from .fast import unmask_short
from .trimmed_stream import trimmed

PIECE = 1 << 20
"""Bytes of a content that are looked at together: a message can be far longer."""
OVERLAP = 1 << 16
"""Bytes of a piece that the next one has again, because what is looked for may begin there."""


class Part(NamedTuple):
    """What one frame adds to a content, or a piece of that."""

    row: int
    at: int
    """The offset of its first byte in all that the frame adds."""
    data: bytes


class Content(NamedTuple):
    """A message, or a piece of one that is long."""

    parts: Sequence[Part]
    begin: int = 0
    """What begins before this byte, was found in the piece before."""
    stop: int | None = None
    """What begins at this byte or later, will be found in the next piece; None: there is none."""
    last: bool = True
    """Whether the message ends with it."""

    @property
    def data(self) -> bytes:
        parts = self.parts
        return parts[0].data if len(parts) == 1 else b"".join(part.data for part in parts)

    def rows(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Whose the bytes from `start` to `end` are: rows, and offset and length in each."""
        for part in self.parts:
            size = len(part.data)
            if start < size and end > 0:
                begin = max(0, start)
                yield part.row, part.at + begin, min(end, size) - begin
            start, end = start - size, end - size


def close_text(payload: bytes) -> bytes:
    """What a close frame says as people write it: `4000 done`."""
    if len(payload) < 2:
        return b""
    return b" ".join(filter(None, (b"%d" % int.from_bytes(payload[:2], "big"), payload[2:])))


class ContentReader:
    """Reads the contents of one direction's frames: unmasked, inflated, joined to messages.

    `stream` is the direction's number in `streams`; `inflater` makes one, or None where nothing is
    compressed.
    """

    def __init__(
        self, streams: list[bytearray], stream: int, inflater: Callable[[], Inflater | None]
    ) -> None:
        self._streams, self._stream, self._inflater = streams, stream, inflater
        self._assembler = Assembler(inflater())
        self._parts: list[Part] = []  # of the message that has begun, without what was yielded
        self._size = self._begin = 0  # bytes of these, and how many of them were yielded as well
        self._next = -1  # where the next frame begins, once one has been read
        self._waiting: tuple[list[int], list[int]] = [], []  # a frame that is not all here

    def read(
        self, rows: Sequence[int], starts: Sequence[int], single: list[tuple[int, bytes]]
    ) -> Iterator[Content]:
        """Read the next frames, given their rows and offsets.

        What is a content by itself goes to `single`, with its row; the others are yielded.
        """
        rows, starts = [*self._waiting[0], *rows], [*self._waiting[1], *starts]
        self._waiting = [], []
        data = self._streams[self._stream]
        if not rows:
            return
        ends = starts[1:]  # a frame ends where the next one begins
        header = frames.read_header(data, starts[-1], len(data))
        ends.append(starts[-1] + header.frame_length if header else len(data) + 1)
        if ends[-1] > len(data):
            self._waiting = [rows.pop()], [starts.pop()]
            ends.pop()
        at = 0
        while at < len(rows):
            stop = max(at + 1, bisect_right(ends, starts[at] + PIECE))
            is_long = ends[at] - starts[at] > PIECE
            region = b"" if is_long else bytes(data[starts[at] : ends[stop - 1]])
            kept = bisect_left(starts, less.stop) if (less := trimmed(data)) else 0
            first = max(at, min(kept, stop))  # those before have been dropped meanwhile
            if first < stop and starts[first] != self._next and self._next >= 0:
                if self._parts:
                    yield self._taken(last=True)
                self._assembler = Assembler(self._inflater())
            if first < stop:
                self._next = ends[stop - 1]
            if is_long and first < stop:
                header = frames.header_at(data, starts[at])
                pieces = frames.payload_pieces(data, starts[at], header)
                yield from self._join(rows[at], data[starts[at]], pieces, single)
            elif first < stop:
                begins = [start - starts[at] for start in starts[first:stop]]
                yield from self._read(rows[first:stop], begins, region, single)
            at = stop

    def _read(
        self, rows: list[int], begins: list[int], region: bytes, single: list[tuple[int, bytes]]
    ) -> Iterator[Content]:
        append, made, inflater = single.append, self._assembler, self._assembler.inflater
        short = [begin for begin in begins if 0x80 <= region[begin + 1] < 0xFE]
        unmasked = unmask_short(region, short, len(region)) if short else b""
        less = short[0] if short else 0
        for row, begin in zip(rows, begins, strict=True):
            first, second = region[begin], region[begin + 1]
            if second < 126:
                payload = region[begin + 2 : begin + 2 + second]
            elif 0x80 <= second < 0xFE:
                payload = unmasked[begin - less + 6 : begin - less + second - 122]
            elif second == 0xFE:
                stop = begin + 8 + int.from_bytes(region[begin + 2 : begin + 4], "big")
                payload = frames.mask(region[begin + 8 : stop], region[begin + 4 : begin + 8])
            else:
                payload = frames.frame_payload(region, begin, frames.header_at(region, begin))
            whole: bytes | None = None
            if first & 0x0F > 2:
                whole = close_text(payload) if first & 0x0F == 8 else payload
            elif first & 0xBF in (0x81, 0x82) and not made.open:
                whole = inflater.whole(payload) if inflater and first & 0x40 else payload
            if whole is not None:
                append((row, whole))
            else:
                yield from self._join(row, first, [payload], single)

    def _join(
        self, row: int, first: int, pieces: Iterable[bytes], single: list[tuple[int, bytes]]
    ) -> Iterator[Content]:
        """Add a frame to its message, or a long one piece by piece."""
        made, at = self._assembler, 0
        if 0 < first & 0x0F <= 2 and self._parts:
            yield self._taken(last=True)  # another message interrupts it
        made.begin(first)
        made.utf8 = None  # whether it is UTF-8 does not matter here
        if made.kind is None:  # no part of a message, or a control frame that is far too long
            single.append((row, b"".join(pieces)))
            return
        fed = chain.from_iterable(map(made.feed, pieces))
        for piece in chain(fed, made.end()):  # what it adds is read only when the frame is fed
            self._parts.append(Part(row, at, piece))
            at, self._size = at + len(piece), self._size + len(piece)
            if self._size > PIECE or len(self._parts) > 2 * OVERLAP:
                yield self._taken(last=False)
        if not at:
            self._parts.append(Part(row, 0, b""))
        if made.ended:
            yield self._taken(last=True)

    @property
    def unfinished(self) -> Content | None:
        """What is here of a message whose end is not."""
        return Content(tuple(self._parts), self._begin, last=False) if self._parts else None

    def _taken(self, last: bool) -> Content:
        """What is here of the message; the end of it is kept for the next piece."""
        parts, begin = tuple(self._parts), self._begin
        stop = None if last else max(0, self._size - OVERLAP)
        self._begin = self._size = 0
        self._parts = []
        if stop is None:
            return Content(parts, begin)
        # One byte more than what will be found next: an expression may ask what stands before.
        self._begin, before = min(1, stop), max(0, stop - 1)
        for part in parts:
            if before < len(part.data):
                cut = max(0, before)
                self._parts.append(Part(part.row, part.at + cut, part.data[cut:]))
                self._size += len(part.data) - cut
            before -= len(part.data)
        return Content(parts, begin, stop, last=False)
