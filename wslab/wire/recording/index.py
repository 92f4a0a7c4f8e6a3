"""Indexes a recording: its requests, responses and frames become rows in the order of time.

The index works at two levels. `update` finds where each unit starts and keeps 14 bytes about it.
`rows` and `unit` explain a unit, but only when they are called.
"""

from __future__ import annotations

import heapq
import itertools
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from ..fields import Direction, Kind, Unit, Violation
from ..protocol import frames, handshake, socks
from ..protocol.chunk import chunk_fields, chunk_text
from ..protocol.connection_state import State
from ..protocol.deflate import Inflater
from ..protocol.frames import FrameHeader
from ..protocol.http import Head
from ..protocol.tls_records import record_fields, record_text
from ..protocol.utf8 import is_utf8, utf8_fault
from ..rules import RULES
from .connection import Connection, Side
from .contents import Contents, FrameContent, not_utf8, slip_of
from .fast import FastJoiner
from .gap import gap_fields, gap_text
from .indexing import FRAGMENTS, HEAD, Indexing
from .log import Event, stream_number, whose_stream
from .messages import Message
from .preview import PREVIEW, preview, printable
from .row_table import Gap, NoFrame
from .trimmed_array import drop, first_place
from .trimmed_stream import trimmed

# More flags of a row, besides those of `protocol/frames.py`.
CHECKED = 0x400  # its part of the message has been checked
FAULTY = 0x800  # its part of the message breaks a rule
DROPPED = "no longer kept"
"""The preview of a row whose bytes have been dropped (see `Capture`)."""
UNFINISHED = "not all here yet"
"""The preview of a frame that is listed before its end has come."""
_BEGINNING = 256
"""Bytes of a chunk of a body that its row is made of."""
_BATCH = 4096
"""The most rows whose messages are joined together."""
LARGE = 1 << 20
"""Bytes of payload above which a text or binary frame is read piece by piece."""
_BROKEN_BYTE = re.compile(rb"[\x40-\x7f\xc0-\xff]")
"""The low byte of flags with `frames.BROKEN`."""
_PING_OR_PONG = re.compile(rb"[\x19\x1a\x39\x3a\x99\x9a\xb9\xba]")
"""The same, of a healthy ping or pong."""


class Row(NamedTuple):
    """A summary of one unit."""

    number: int
    time: float
    connection: int
    direction: Direction
    kind: Kind
    offset: int
    length: int
    fin: bool
    preview: str
    broken: bool
    mark: str = ""
    """What a debugger did to the unit, in words: `held`, `dropped`, `edited, duplicated`."""


class Doubt(NamedTuple):
    """The bytes around the first fault in a direction's framing: see `tail.py`."""

    start: int
    """The offset of `data` in the stream."""
    data: bytes
    """From some frames before the fault on; at most `DOUBTED` bytes behind it."""
    fault: int
    """Where in `data` the fault stands: a broken frame, or the unfinished end."""
    before: tuple[int, ...]
    """Where in `data` the frames before it begin."""
    broken: bool
    """Whether what stands there breaks a rule, and does not only lack its end."""
    in_head: bool
    """Whether it is the beginning of a request or a response."""
    rsv1_allowed: bool


def can_begin(data: bytes, direction: Direction) -> bool:
    """Whether the first two bytes of a frame can be these, as far as they are here."""
    opcode, mask = data[0] & 0x0F, data[1:] >= b"\x80"
    masked_right = len(data) < 2 or mask == (direction == "client")
    return not data[0] & 0x30 and frames.KIND_OF_OPCODE[opcode] != "reserved" and masked_right


DOUBTED = (1 << 20) + 1
"""The most bytes from a fault on that are read once more, and the one that tells of more."""


class Index(Indexing):
    """The rows of a recording. Thread-safe; grows by `update`."""

    def __len__(self) -> int:
        return len(self._table.start)

    @property
    def connections(self) -> list[int]:
        """The numbers of the connections seen so far."""
        return [connection.number for connection in self._connections]

    def state(self, connection: int) -> str:
        """The connection's state as an onlooker sees it: CONNECTING, OPEN, CLOSING or CLOSED.

        While TLS hides which, it is ENCRYPTED.
        """
        with self._lock:
            found = self._connections[connection - 1]
            hidden = found.begun and found.client.cut.speaks_tls
            return "ENCRYPTED" if hidden and found.state is State.CONNECTING else found.state.name

    def is_upgraded(self, connection: int) -> bool:
        """Whether HTTP has ended on this connection, so that frames follow."""
        with self._lock:
            return self._connections[connection - 1].cutter.server.speaks_frames

    def is_whole(self, connection: int) -> bool:
        """Whether no bytes of this connection have been dropped."""
        streams = self._log.streams[2 * connection - 2 : 2 * connection]
        return not any(map(trimmed, streams))

    def speaks_frames(self, connection: int, direction: Direction) -> bool:
        """Whether HTTP has ended in one direction; a request may end late, after its 101."""
        with self._lock:
            return self._connections[connection - 1].cutter.side(direction).speaks_frames

    def unfinished(self, connection: int, direction: Direction) -> tuple[Kind, int, int] | None:
        """The sound frame that lacks its end: its kind, its bytes here, and its length in bytes.

        Of a message in fragments that lacks the last one, the length is 0.
        """
        with self._lock:
            side = self._side(stream_number(connection, direction))
            if (splitter := side.splitter) is None:
                return None
            data, end = self._log.streams[side.stream], self._end_of(side)
            start = splitter.position if splitter.position <= end else side.too_long[0]
            header = frames.read_header(data, start, end)
            if header is not None and not self._violations(side, header):
                kind = frames.KIND_OF_OPCODE[data[start] & 0x0F]
                return kind, end - start, header.frame_length
            return ("continuation", 0, 0) if splitter.in_message else None

    def pings(self, start: int) -> Iterator[tuple[int, float, bool]]:
        """Of the rows from `start` on that are pings or pongs: stream, time, and which it is.

        Without the pings that a debugger did not deliver.
        """
        start = max(start, self.first)
        low = self._low_flags(start, None)
        for found in _PING_OR_PONG.finditer(low):
            chunk = self._table.chunk[start + found.start()]
            is_ping = low[found.start()] & 0x0F == frames.Opcode.PING
            marks = self._row_marks.get(start + found.start())
            if is_ping and marks and not any(mark.name == "delivered" for mark in marks):
                continue
            yield self._log.stream_of[chunk], self._log.time_of[chunk], is_ping

    def heard(self, connection: int, direction: Direction) -> float | None:
        """The time of the last bytes of a direction; None if there are none."""
        with self._lock:
            chunk = self._side(stream_number(connection, direction)).chunk
            return None if chunk < 0 else self._log.time_of[chunk]

    def marks_at(self, stream: int, offset: int) -> tuple[Event, ...]:
        """What a debugger did to the unit at an offset."""
        if not self.marked:
            return ()
        with self._lock:
            row = self._table.find(stream, offset)
            return () if row is None else self.marks(row)

    def incomplete(self, connection: int, direction: Direction) -> int:
        """How many bytes at the end of a direction's stream are not a whole unit yet."""
        with self._lock:
            side = self._side(stream_number(connection, direction))
            return side.incomplete(self._end_of(side))

    def missing(self, connection: int, direction: Direction) -> int:
        """How many bytes are still missing of a frame that already has its row."""
        with self._lock:
            side = self._side(stream_number(connection, direction))
            return side.missing(self._end_of(side))

    def incomplete_violations(self, connection: int, direction: Direction) -> tuple[Violation, ...]:
        """The rules that the incomplete frame at the end of a stream already breaks."""
        with self._lock:
            side = self._side(stream_number(connection, direction))
            splitter = side.splitter
            if splitter is None or splitter.position >= self._end_of(side):
                return ()
            data = self._log.streams[side.stream]
            header = frames.read_header(data, splitter.position, len(data))
            return self._violations(side, header) if header else ()

    def _violations(self, side: Side, header: FrameHeader) -> tuple[Violation, ...]:
        """The rules that the unfinished frame of a side breaks."""
        assert side.splitter is not None, "frames are spoken"
        first, splitter = self._log.streams[side.stream][side.splitter.position], side.splitter
        return tuple(
            frames.frame_violations(
                first, header, side.direction, splitter.context, splitter.rsv1_allowed, b""
            )
        )

    def broken_rows(self, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """The rows from `start` up to `stop` whose frame's header breaks a rule."""
        for found in _BROKEN_BYTE.finditer(self._low_flags(start, stop)):
            if not self._table.flags[start + found.start()] & HEAD:
                yield start + found.start()

    def _low_flags(self, start: int, stop: int | None) -> bytes:
        """The low bytes of rows' flags: millions of them are searched in no time."""
        flags = self._table.flags[start:stop]
        return flags.tobytes()[0 if sys.byteorder == "little" else 1 :: 2]

    def stream_of(self, row: int) -> int:
        """The stream of a row that is kept."""
        return self._log.stream_of[self._table.chunk[row]]

    def places(self, spots: Iterable[tuple[int, Direction, int]]) -> list[tuple[int, float]]:
        """Where bytes stand in the list, by connection, direction and offset: a row, and its time.

        It is the row that begins with them or, if none does, the last (-1: none) that was found
        when the newest bytes of their direction had come.
        """
        log, table, found = self._log, self._table, list[tuple[int, float]]()
        with self._lock:
            streams = [(stream_number(whose, way), offset) for whose, way, offset in spots]
            wanted, newest = {stream for stream, _ in streams}, dict[int, int]()
            for chunk in reversed(range(log.first, self._chunks_read)):
                if len(newest) == len(wanted):
                    break
                if (stream := log.stream_of[chunk]) in wanted:
                    newest.setdefault(stream, chunk)
            for stream, offset in streams:
                row = table.find(stream, offset)
                if row is None or table.start[row] != offset:
                    chunk = newest.get(stream, 0)
                    found.append((table.found_by(chunk + 1) - 1, log.time_of[chunk]))
                else:
                    found.append((row, log.time_of[table.chunk[row]]))
        return found

    def doubts(self) -> Iterator[tuple[int, Doubt]]:
        """By stream, the bytes around its first broken frame, or else its unfinished end."""
        with self._lock:
            faults: dict[int, int] = {}
            connections = [one for one in self._connections if not one.gone]
            speaking = sum(
                side.splitter is not None
                for one in connections
                for side in (one.client, one.server)
            )
        start, count = 0, len(self)
        while start < count and len(faults) < speaking:
            with self._lock:  # for a moment at a time: a million rows may be broken
                start = max(start, self.first)
                for row in self.broken_rows(start, start + _BATCH):
                    faults.setdefault(self.stream_of(row), row)
                start += _BATCH
        for one in connections:
            for side in (one.client, one.server):
                with self._lock:
                    doubt = self._doubt(side, faults.get(side.stream))
                if doubt is not None:
                    yield side.stream, doubt

    def _doubt(self, side: Side, row: int | None) -> Doubt | None:
        data, end, splitter = self._log.streams[side.stream], self._end_of(side), side.splitter
        fault = side.next_unit if row is None else self._table.start[row]
        if fault >= end or trimmed(data) is not None or side.cut.waits or side.cut.record:
            return None
        if splitter is None:
            head = side.cut.http.head is not None
            piece = bytes(data[fault : fault + DOUBTED])
            return None if head else Doubt(fault, piece, 0, (), False, True, False)
        header = frames.read_header(data, fault, end)
        broken = row is not None or (
            bool(self._violations(side, header))
            if header
            else not can_begin(bytes(data[fault : min(fault + 2, end)]), side.direction)
        )
        before: list[int] = []
        if broken:
            rows = self._table.of_stream(side.stream)
            place = bisect_left(rows, fault, key=self._table.start.__getitem__)
            near = rows[max(0, place - 3) : place]
            gaps = [at for at, one in enumerate(near, 1) if self._table.flags[one] & HEAD]
            before = [self._table.start[one] for one in near[max(gaps, default=0) :]]
            before = [at for at in before if max(side.frames, fault - DOUBTED // 2) <= at]
        start = before[0] if before else fault
        return Doubt(
            start, bytes(data[start : start + DOUBTED]), fault - start,
            tuple(at - start for at in before), broken, False, splitter.rsv1_allowed,
        )  # fmt: skip

    def rows(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """The rows from `start` up to `stop` (the end, if None), as a slice of a list."""
        with self._lock:
            return [self._row(number) for number in range(len(self._table.start))[start:stop]]

    def rows_of(self, connection: int, direction: Direction, start: int = 0) -> list[Row]:
        """The rows of one direction, from offset `start` of its stream on."""
        with self._lock:
            rows = self._table.of_stream(stream_number(connection, direction))
            first = bisect_left(rows, start, key=self._table.start.__getitem__)
            return [self._row(number) for number in rows[first:]]

    def spans(self, start: int, stop: int) -> tuple[array[int], array[int], array[int]]:
        """The offsets, last chunks and flags of rows (see `frames`), for code that lists millions.

        `rows` explains the same rows.
        """
        with self._lock:
            table = self._table
            return table.start[start:stop], table.chunk[start:stop], table.flags[start:stop]

    @property
    def first(self) -> int:
        """The first row from which on all are kept; before it only handshakes are."""
        return self._table.first

    def numbers(self) -> Iterator[int]:
        """The numbers of all rows that are kept."""
        count = self.update()
        with self._lock:
            first = self.first
            heads = self._table.heads[: bisect_left(self._table.heads, first)]
        return itertools.chain(heads, range(first, count))

    def is_gone(self, number: int) -> bool:
        """Whether a row is no longer kept, because the recording has reached its limit."""
        return self._table.is_gone(number)

    def _row(self, number: int) -> Row:
        if self._table.is_gone(number):
            return Row(number, 0.0, 1, "client", "continuation", 0, 0, False, DROPPED, False)
        stream, (connection, direction), time, start, flags = self._place(number)
        data, fin = self._log.streams[stream], bool(flags & frames.FIN)
        kind = frames.KIND_OF_OPCODE[flags & 0x0F]
        if flags & HEAD:
            other, fin = self._table.others[number], True
            kind, length, text = other.kind, other.length, other.head.first_line
            if not other.has_head:
                less = trimmed(data)
                if less is not None and less.start <= start < less.stop:
                    text = DROPPED
                elif kind == "tls":
                    text = record_text(bytes(data[start : start + length]))
                elif kind == "socks":
                    text = socks.text(text, bytes(data[start : start + length]))
                elif isinstance(other, Gap):
                    text = gap_text(
                        bytes(data[start : start + min(length, _BEGINNING)]), other, start
                    )
                else:
                    text = chunk_text(bytes(data[start : start + min(length, _BEGINNING)]))
            elif kind == "response" and other.head.status is not None:
                text = text.partition(" ")[2]
            text = printable(text[:PREVIEW])
        elif (less := trimmed(data)) and start < less.stop:
            length, text = self._dropped_length(number, stream), DROPPED
        elif (header := frames.header_at(data, start)).frame_length > len(data) - start:
            length, text = header.frame_length, UNFINISHED
        else:
            part, length = self._part(number, stream, data[start], header), header.frame_length
            text = preview(data, start, header, part)
            if not flags & CHECKED:
                flags = self._check(number, data, header, part)
        return Row(
            number, time, connection, direction, kind, start, length, fin, text,
            bool(flags & (frames.BROKEN | FAULTY)), self._words(number),
        )  # fmt: skip

    def _place(self, number: int) -> tuple[int, tuple[int, Direction], float, int, int]:
        """A row's stream, connection and direction, time, offset and flags."""
        chunk = self._table.chunk[number]
        stream = self._log.stream_of[chunk]
        return (
            stream, whose_stream(stream), self._log.time_of[chunk],
            self._table.start[number], self._table.flags[number],
        )  # fmt: skip

    def _dropped_length(self, number: int, stream: int) -> int:
        """The length in bytes of a frame that was dropped."""
        # A frame ends where the next one starts.
        following = self._table.following(number, stream)
        end = self._side(stream).next_unit if following is None else following
        return end - self._table.start[number]

    @property
    def dropped(self) -> int:
        """How many frames were dropped, so that only their rows are kept."""
        with self._lock:
            row = self._table.found_by(self._log.oldest)
            return row - bisect_left(self._table.heads, row)

    @property
    def chunks_read(self) -> int:
        """How many chunks are indexed."""
        return self._chunks_read

    @property
    def weight(self) -> int:
        """Bytes of memory of the rows and connections that `forget` can drop."""
        return self._table.weight + self._over_weight

    @property
    def open_connections(self) -> int:
        """How many connections are not over."""
        return len(self._connections) - len(self._over) - self.forgotten

    def forget(self, stop: int) -> list[int]:
        """Forget the chunks before `stop`, whose bytes must have been dropped, and their rows.

        These are the rows found before chunk `stop` was read. Handshakes are kept, except those of
        connections that are over and have no later chunks. Returns these connections' numbers.
        """
        with self._lock:
            table, row = self._table, self._table.found_by(stop)
            forgotten = self._forget_connections(stop)
            before = table.heads[: bisect_left(table.heads, row)]
            heads = [head for head in before if self._is_handshake(head)]
            chunks = {table.chunk[head] for head in heads}
            for one in self._connections:
                if one.begun:
                    chunks.update(one.client.waiting or ())
            table.forget(row, heads)
            self._row_marks = {n: e for n, e in self._row_marks.items() if not table.is_gone(n)}
            first = first_place(self.marked)
            kept = next((n for n, r in enumerate(self.marked, first) if r >= row), len(self.marked))
            self.marked = drop(self.marked, kept)
            self._events_read = self._log.forget(stop, chunks, self._events_read, forgotten)
            return forgotten

    def _forget_connections(self, stop: int) -> list[int]:
        """Forget the connections that are over and have no chunks from `stop` on."""
        later = {whose_stream(stream)[0] for stream in set(self._log.stream_of[stop:])}
        gone = [number for number in self._over if number not in later]
        for number in gone:
            connection = self._connections[number - 1]
            for side in (connection.client, connection.server):
                self._table.forget_stream(side.stream)
                self._early_marks.pop(side.stream, None)
                self.closes.pop(side.stream, None)
                if side.contents is not None and side.contents is self._looked_at:
                    self._looked_at = None
            self.ends.pop(number, None)
            self.refused.pop(number, None)
            self._connections[number - 1] = left = Connection(number)
            left.gone, left.state = True, connection.state
            self._over_weight -= self._over.pop(number)
        self.forgotten += len(gone)
        return gone

    def _is_handshake(self, row: int) -> bool:
        """Whether this head is needed to understand the frames that follow it."""
        stream = self._log.stream_of[self._table.chunk[row]]
        if self._connections[stream // 2].gone:
            return False
        side = self._side(stream)
        return self._table.start[row] < side.frames if side.splitter else side.shakes_hands

    def gaps(self, first: int, stop: int) -> dict[int, tuple[int, int, int]]:
        """The ranges that can be dropped with the chunks from `first` up to `stop`, by stream.

        Each has three offsets: of the stream's first frame; of the end of the last whole unit in
        these chunks; and this end again, or the end of a unit that is too long to wait for. A
        stream with only HTTP can be dropped completely.
        """
        with self._lock:
            stream_of, found = self._log.stream_of, dict[int, tuple[int, int, int]]()
            last = dict(zip(stream_of[first:stop], range(first, stop), strict=True))
            wanted = set()
            for stream, chunk in last.items():
                side = self._side(stream)
                if side.shakes_hands:
                    continue
                if (gap := side.gap(self._log.end_of[chunk])) is None:
                    wanted.add(stream)
                else:
                    found[stream] = gap
            for row in range(self._table.found_by(stop) - 1, self._table.found_by(first) - 1, -1):
                if not wanted:
                    break
                stream, start = stream_of[self._table.chunk[row]], self._table.start[row]
                side = self._side(stream)
                if stream not in wanted or (self._table.flags[row] & HEAD and side.splitter):
                    continue
                wanted.discard(stream)
                if start == side.too_long[0]:
                    end = side.too_long[1]
                elif row in self._table.others:
                    end = start + self._table.others[row].length
                else:
                    end = start + frames.header_at(self._log.streams[stream], start).frame_length
                found[stream] = side.frames, end, end
            return found

    def exchanges(self) -> dict[int, list[tuple[int, int | None]]]:
        """By connection: the row of each request, and the row of its response or None.

        An interim response does not count.
        """
        found: dict[int, list[tuple[int, int | None]]] = {}
        with self._lock:
            answers = {
                id(other.request): row
                for row, other in self._table.others.items()
                if other.kind == "response" and other.request and not other.head.is_interim
            }
            for row, other in self._table.others.items():
                if other.kind == "request":
                    _, (connection, _), *_ = self._place(row)
                    pair = row, answers.get(id(other.head))
                    found.setdefault(connection, []).append(pair)
        return found

    def streamed(self) -> dict[int, int]:
        """By row of a response that came in chunks: the bytes of these chunks."""
        found: dict[int, int] = {}
        with self._lock:
            latest: dict[int, int] = {}  # by stream: its last response
            for row, other in sorted(self._table.others.items()):
                stream, *_ = self._place(row)
                if other.kind != "chunk":
                    latest[stream] = row
                elif stream in latest:  # else it is no longer kept
                    found[latest[stream]] = found.get(latest[stream], 0) + other.length
        return found

    def marks(self, number: int) -> tuple[Event, ...]:
        """What a debugger did to the unit of a row, in order; see `Capture.mark`."""
        with self._lock:
            return tuple(self._row_marks.get(number, ()))

    def _words(self, number: int) -> str:
        events = self._row_marks.get(number)
        return mark_words(events) if events else ""

    def _part(
        self, number: int, stream: int, first: int, header: FrameHeader, whole: bool = False
    ) -> FrameContent | None:
        """A frame's part of its message; None if that is simply its payload."""
        large = header.payload_length >= LARGE
        if first & 0x0F > 2 or (first in (0x81, 0x82) and not large):
            return None
        side = self._side(stream)
        begins = first & 0x0F > 0
        fragment = first < 0x80 if begins else bool(self._table.flags[number] & frames.IN_MESSAGE)
        if not fragment and not (begins and (large or (first & 0x40 and side.inflater))):
            return None
        if side.contents is None:
            streams, splitter = self._log.streams, side.splitter
            assert splitter is not None, "a frame stands behind a handshake"
            begin = side.frames
            holes = self._holes.get(stream, ())
            side.contents = Contents(streams, stream, splitter, side.inflater, begin, holes)
        if self._looked_at is not side.contents and self._looked_at is not None:
            self._looked_at.forget()  # up to 1 MiB each, for thousands of streams
        self._looked_at = side.contents
        return side.contents.frame(self._table.start[number], fragment, whole)

    def _check(
        self, number: int, data: bytearray, header: FrameHeader, part: FrameContent | None
    ) -> int:
        """Set a row's flags: checked, and whether its part of the message breaks a rule."""
        start = self._table.start[number]
        if part is not None:
            faulty = bool(part.faults)
        else:
            text = data[start] & 0x0F == frames.Opcode.TEXT
            faulty = text and not is_utf8(frames.frame_payload(data, start, header))
        self._table.flags[number] |= CHECKED | (FAULTY if faulty else 0)
        return self._table.flags[number]

    def messages(self, connection: int | None = None) -> Iterator[Message]:
        """The complete text and binary messages of one connection or all, in order of their ends.

        For illegal frames see `Assembler` in `protocol/messages.py`.
        """
        count = self.update()
        if connection is not None:
            streams = stream_number(connection, "client"), stream_number(connection, "server")
            both = [self._messages_of(stream, count) for stream in streams]
            yield from heapq.merge(*both, key=attrgetter("row"))
            return
        joiners: dict[int, FastJoiner] = {}
        for position in range(self.first, count, _BATCH):
            with self._lock:
                found = self._by_stream(position, min(position + _BATCH, count))
            joined = []
            for stream, rows in found.items():
                if stream not in joiners:
                    joiners[stream] = self._joiner(stream)
                joined.append(self._join(joiners[stream], rows))
            if len(joined) == 1:
                yield from joined[0]
            else:
                yield from heapq.merge(*joined, key=attrgetter("row"))

    def message(self, number: int, *, whole: bool = False) -> Message | None:
        """The message to which a row belongs, as far as it has come; None if it belongs to none.

        `row` is that of its last frame. Unless `whole`, `content` has at most a MiB of each frame,
        and of at most `FRAGMENTS` frames.
        """
        with self._lock:
            parts = self.parts(number, whole=whole)
            if not parts:
                return None
            stream, (connection, direction), _, begin, flags = self._place(parts[0][0])
            data, last = self._log.streams[stream], parts[-1][0]
            starts = [self._table.start[row] for row, _ in parts]
            return Message(
                connection, direction,
                "text" if frames.KIND_OF_OPCODE[flags & 0x0F] == "text" else "binary",
                self._log.time_of[self._table.chunk[last]], begin, len(parts),
                sum(frames.header_at(data, start).payload_length for start in starts),
                b"".join(content for _, content in parts), row=last,
            )  # fmt: skip

    def parts(self, number: int, *, whole: bool = False) -> list[tuple[int, bytes]]:
        """The rows of the message to which a row belongs, and what each adds to its content.

        Empty if it belongs to none. The limits are those of `message`.
        """
        most = sys.maxsize if whole else FRAGMENTS
        with self._lock:
            if not 0 <= number < len(self._table.start) or self._not_data(number):
                return []
            stream, *_ = self._place(number)
            data, rows = self._log.streams[stream], self._table.of_stream(stream)
            place = bisect_left(rows, number)
            first = last = place
            while self._table.flags[rows[first]] & 0x0F == 0:  # a continuation
                first = self._neighbour(rows, first, -1, place, most)
                if first < 0:
                    return []
            while not self._table.flags[rows[last]] & frames.FIN:
                following = self._neighbour(rows, last, 1, place, most)
                if following < 0 or self._table.flags[rows[following]] & 0x0F:
                    break
                last = following
            found = []
            for row in rows[first : last + 1]:
                if self._not_data(row):
                    continue
                header = frames.header_at(data, self._table.start[row])
                begins = data[self._table.start[row]]
                part = self._part(row, stream, begins, header, whole)
                if part is None:
                    payload = frames.frame_payload(data, self._table.start[row], header)
                found.append((row, payload if part is None else part.content))
            return found

    def place(self, number: int) -> tuple[int, int, int]:
        """The stream of a row that is kept, its offset there in bytes, and its flags."""
        with self._lock:
            stream, _, _, start, flags = self._place(number)
            return stream, start, flags

    def other(self, number: int) -> NoFrame | Gap | None:
        """What a row is that is no frame; None for a frame."""
        return self._table.others.get(number)

    def inflater(self, stream: int) -> Inflater | None:
        """A new inflater for the frames of a stream; None without compression."""
        with self._lock:
            agreed = self._side(stream).inflater
            return agreed and agreed.again()

    def _not_data(self, row: int) -> bool:
        """Whether a row is no text, binary or continuation frame whose bytes are all here."""
        if self._table.flags[row] & HEAD or self._table.flags[row] & 0x0F > 2 or self.is_gone(row):
            return True
        start = self._table.start[row]
        data = self._log.streams[self._log.stream_of[self._table.chunk[row]]]
        if (less := trimmed(data)) and start < less.stop:
            return True
        return frames.header_at(data, start).frame_length > len(data) - start

    def _neighbour(self, rows: Sequence[int], place: int, step: int, home: int, most: int) -> int:
        """The place of the next data frame among `rows`; -1 where there is none or it is far."""
        place += step
        while 0 <= place < len(rows) and abs(place - home) <= most:
            if not self._not_data(rows[place]):
                return place
            if not self._table.flags[rows[place]] & 0x0F >= 8:  # a gap
                return -1
            place += step
        return -1

    def handshake(self, connection: int) -> tuple[Head | None, Head | None]:
        """The heads of the request and of the 101 that began a connection's frames, or None."""
        with self._lock:
            stream = stream_number(connection, "server")
            for row in reversed(self._table.of_stream(stream)[:FRAGMENTS]):
                other = self._table.others.get(row)
                if other is not None and other.head.status == 101:
                    return other.request, other.head
            return None, None

    def _messages_of(self, stream: int, count: int) -> Iterator[Message]:
        """The messages of one stream among the first `count` rows."""
        with self._lock:
            rows = self._table.of_stream(stream)
            first = bisect_left(rows, self._side(stream).frames, key=self._table.start.__getitem__)
            rows = rows[first : bisect_left(rows, count)]
            if stream in self._holes:
                rows = array("I", [row for row in rows if not self._table.flags[row] & HEAD])
            if not rows or self._table.flags[rows[0]] & HEAD:
                return  # no frames yet
            joiner = self._joiner(stream)
        for position in range(0, len(rows), _BATCH):
            yield from self._join(joiner, rows[position : position + _BATCH])

    def _join(self, joiner: FastJoiner, rows: Sequence[int]) -> Iterator[Message]:
        starts = list(map(self._table.start.__getitem__, rows))
        chunks = map(self._table.chunk.__getitem__, rows)
        times = list(map(self._log.time_of.__getitem__, chunks))
        at = 0
        while joiner.holes and joiner.holes[0] <= starts[-1]:
            stop = bisect_left(starts, joiner.holes.popleft(), at)
            if at < stop:
                yield from joiner.join(rows[at:stop], starts[at:stop], times[at:stop])
            joiner.begin_again()
            at = stop
        yield from joiner.join(rows[at:], starts[at:], times[at:])

    def _by_stream(self, first: int, stop: int) -> dict[int, Sequence[int]]:
        """The rows from `first` up to `stop` that are frames, by stream."""
        stream_of = self._log.stream_of
        streams = {stream_of[chunk] for chunk in set(self._table.chunk[first:stop])}
        heads = bisect_left(self._table.heads, first) < bisect_left(self._table.heads, stop)
        if len(streams) == 1 and not heads:
            return {streams.pop(): range(first, stop)}
        rows: dict[int, list[int]] = {}
        for row in range(first, stop):
            if not self._table.flags[row] & HEAD:
                rows.setdefault(stream_of[self._table.chunk[row]], []).append(row)
        return {**rows}

    def _joiner(self, stream: int) -> FastJoiner:
        connection, direction = whose_stream(stream)
        joiner = FastJoiner(connection, direction, self._log.streams[stream], self.inflater(stream))
        joiner.holes.extend(end for _, end in self._holes.get(stream, ()))
        return joiner

    def unit(self, number: int, most: int | None = None) -> Unit:
        """The unit of a row, explained bit by bit. Raises IndexError if there is no such row.

        `data`, `payload` and the value of its field have at most `most` bytes of a payload or
        body. Length, bits and rules are those of the whole unit.
        """
        with self._lock:
            if not 0 <= number < len(self._table.start):
                raise IndexError(
                    f"expected a row from 0 to {len(self._table.start) - 1}, got {number}"
                    if len(self._table.start)
                    else f"there is no row {number}: nothing has been recorded yet"
                )
            if self._table.is_gone(number):
                return Unit(number, 1, "client", "continuation", 0.0, 0, b"", (), ())
            if number in self._table.others:
                return self._other(number, most)
            return self._frame(number, most)

    def _other(self, number: int, most: int | None) -> Unit:
        stream, (connection, direction), time, start, flags = self._place(number)
        other = self._table.others[number]
        length, head, violations = other.length, other.head, other.violations
        held = length
        if most is not None and other.kind not in ("tls", "socks"):  # a record has some KiB
            held = min(length, (head.length if other.has_head else _BEGINNING) + most)
        if (less := trimmed(self._log.streams[stream])) and less.start <= start < less.stop:
            return Unit(
                number, connection, direction, other.kind, time, start, b"", (), (),
                mark=self._words(number), body_rest=length,
            )  # fmt: skip
        data = bytes(self._log.streams[stream][start : start + held])
        if flags & frames.EARLY:
            violations += (RULES["data-before-response"],)
        if other.kind == "tls":
            fields = record_fields(data)
        elif other.kind == "socks":
            fields = socks.fields(head.first_line, data)
        elif isinstance(other, Gap):
            fields = gap_fields(data, other, direction, start + length)
        elif other.kind == "chunk":
            fields = chunk_fields(data, length, head)
        else:
            in_request = other.kind == "request"
            fields = handshake.head_fields(data, head, in_request, length, other.request)
        return Unit(
            number, connection, direction, other.kind, time, start, data, fields, violations,
            mark=self._words(number), body_rest=length - held,
            missing=other.missing if isinstance(other, Gap) else 0,
        )  # fmt: skip

    def _frame(self, number: int, most: int | None) -> Unit:
        stream, (connection, direction), time, start, flags = self._place(number)
        data, opcode, fin = self._log.streams[stream], flags & 0x0F, bool(flags & frames.FIN)
        kind = frames.KIND_OF_OPCODE[opcode]
        length = 0
        if (less := trimmed(data)) and start < less.stop:
            length = self._dropped_length(number, stream)
        elif (header := frames.header_at(data, start)).frame_length > len(data) - start:
            length = header.frame_length
        if length:
            return Unit(
                number, connection, direction, kind, time, start, b"", (), (), fin, opcode,
                mark=self._words(number), rest=length,
            )  # fmt: skip
        length = header.payload_length
        cut = most is not None and length > most
        whole = bytes(data[start : start + header.length + (most if cut and most else length)])
        payload = frames.frame_payload(whole, 0, header)
        violations: tuple[Violation, ...] = ()
        if flags & frames.BROKEN:
            violations = tuple(
                frames.frame_violations(
                    whole[0], header, direction, flags,
                    self._side(stream).inflater is not None, b"" if cut else payload,
                )
            )  # fmt: skip
        meaning = inflated = None
        part = self._part(number, stream, whole[0], header)
        if part is not None:
            violations += part.violations
            meaning = part.meaning(length)
            inflated = part.content if part.compressed else None
        elif opcode == frames.Opcode.TEXT and not is_utf8(payload):
            sent, key = whole[header.length :], whole[header.length - 4 : header.length]
            slip = slip_of(sent, key if header.masked else None, payload)
            violations += (not_utf8(payload, utf8_fault(payload) or 0, length, slip),)
        fields = frames.frame_fields(whole, header, direction, payload, meaning)
        if cut:
            says = meaning or f"{length} bytes"
            fields = (*fields[:-1], fields[-1]._replace(bits=8 * length, meaning=says))
        return Unit(
            number, connection, direction, kind, time, start, whole, fields, violations, fin,
            opcode, whole[header.length - 4 : header.length] if header.masked else None, payload,
            inflated, self._words(number), length - len(payload),
        )  # fmt: skip


def mark_words(events: Iterable[Event]) -> str:
    """The marks of one unit in words: whether or how long it waited, and what happened to it."""
    words: list[str] = []
    told: set[str] = set()
    waiting: Event | None = None
    for event in events:
        if event.name in ("held", "delayed"):
            waiting = waiting or event
        else:
            if waiting is not None and event.name in ("delivered", "dropped"):
                words.append(f"{waiting.name} {event.time - waiting.time:.1f} s")
                waiting = None
            if event.name != "delivered" and event.name not in told:
                words.append(event.name)
                told.add(event.name)
    return ", ".join([*words, waiting.name] if waiting is not None else words)
