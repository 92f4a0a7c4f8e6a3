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
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from ..fields import Direction, Kind, Unit, Violation
from ..protocol import connection_state, deflate, frames, handshake, socks
from ..protocol.chunk import chunk_fields, chunk_text
from ..protocol.connection_state import State, StateEvent
from ..protocol.deflate import Agreement, Inflater
from ..protocol.frames import FrameHeader
from ..protocol.http import Head, begins_head, parse_head
from ..protocol.tls_records import record_fields, record_text
from ..protocol.utf8 import is_utf8, utf8_fault
from ..rules import RULES
from .connection import Close, Connection, End, Side
from .contents import Contents, FrameContent, not_utf8, slip_of
from .fair_lock import FairLock
from .fast import FastJoiner, FastSplitter
from .gap import Run, end_of_cut, frames_from, gap_fields, gap_text, head_from
from .log import ASSUMED, Event, Log, stream_number, whose_stream
from .messages import Message
from .preview import PREVIEW, preview, printable
from .row_table import NO_HEAD, Gap, NoFrame, RowTable
from .trimmed_array import TrimmedArray, drop, first_place
from .trimmed_stream import trimmed

_MOST_CHUNKS = 1 << 16
"""The most chunks that are read together."""
SLICE = 1 << 18
"""Bytes indexed before other threads get the lock: some 10 ms for the smallest frames."""
_CONNECTION = 9000
"""Bytes of memory of a connection with both its heads."""
_EVENT = 64
"""The cost of reading an event, as the number of bytes indexed in the same time."""

# More flags of a row, besides those of `protocol/frames.py`.
HEAD = 0x100  # not a frame: an HTTP request or response
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
FRAGMENTS = 4096
"""The most frames of one message that are looked for on each side of one of them."""
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
    return not data[0] & 0x30 and opcode in (0, 1, 2, 8, 9, 10) and masked_right


DOUBTED = (1 << 20) + 1
"""The most bytes from a fault on that are read once more, and the one that tells of more."""


class Index:
    """The rows of a recording. Thread-safe; grows by `update`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = FairLock()
        self._table = RowTable(log)
        self._connections: list[Connection] = []
        self.closes: dict[int, Close] = {}
        """By stream: its first close frame."""
        self.ends: dict[int, list[End]] = {}
        """By connection that is a WebSocket or asked for one: the ends and cuts, in order."""
        self.refused: dict[int, Head] = {}
        """By connection: the last answer to a request for an upgrade, if it is no 101 that a client
        accepts."""
        self._over: dict[int, int] = {}  # by connection that is over: bytes that go only with it
        self._over_weight = 0  # their sum
        self._chunks_read = 0
        self._events_read = 0
        self._row_marks: dict[int, list[Event]] = {}  # by row: what was done to it
        self._early_marks: dict[int, list[tuple[int, int, Event]]] = {}  # by stream, heaps:
        # marks of units that are not complete yet, by offset
        self._marks_read = 0
        self._looked_at: Contents | None = None
        self._gaps_read: Counter[int] = Counter()  # by stream: how many have their row
        self._holes: dict[int, list[tuple[int, int]]] = {}  # by stream: where these begin and end
        self._due: dict[int, int] = {}  # by stream that waits: up to where its gaps are to be read
        self._assumed: set[int] = set()  # connections of which nobody knows what was agreed
        self._together = 64  # how many chunks are worth reading together
        self.ended = array("I")
        """The connections in the order in which a direction of them ended or was cut; one of which
        more is heard is repeated."""
        self.marked: list[int] = []
        """The rows in the order in which they were marked; one marked again is repeated."""
        self.forgotten = 0
        """How many connections are over and gone: only their numbers and beginnings are kept."""
        self.most_unfinished = sys.maxsize
        """Bytes of a frame after which it becomes a row before its end has come."""

    # --- Indexing

    def update(self) -> int:
        """Index what was recorded since the last time; returns the number of rows."""
        count, events = len(self._log.time_of), len(self._log.events)
        while self.step() and (self._chunks_read < count or self._events_read < events):
            pass  # only what was recorded before: new chunks may never stop
        return len(self._table.start)

    def step(self, most: int = SLICE) -> bool:
        """Index about `most` bytes of what was recorded; returns whether there are more.

        Callers use it so that indexing a long recording does not make other threads wait.
        """
        with self._lock:
            log, left = self._log, most
            count, events = len(log.time_of), log.events  # time_of is written last
            while left > 0:
                stop = count
                if self._events_read < len(events):
                    event = events[self._events_read]
                    if event.position <= self._chunks_read:
                        self._events_read += 1
                        self._read_event(event)
                        left -= _EVENT
                        continue
                    stop = min(stop, event.position)
                if self._chunks_read >= count:
                    return False
                left -= self._read_chunks(stop, left)
            return True

    def _read_chunks(self, stop: int, most: int) -> int:
        """Read one chunk of HTTP, or some of the chunks of frames before chunk `stop`.

        Reads little more than `most` bytes; returns how many.
        """
        log, first = self._log, self._chunks_read
        stream = log.stream_of[first]
        splitter = self._side(stream).splitter
        if splitter is None:
            begin = self._side(stream).position
            self._advance(self._connections[stream // 2], self._side(stream), first)
            self._chunks_read = first + 1
            self._mark_whole((stream, stream ^ 1))
            return max(_EVENT, self._side(stream).position - begin)
        # If few could be read last time, do not try many, because most would fail again.
        stop = min(stop, first + self._together)
        run = log.stream_of[first:stop]
        if run.count(stream) == len(run):
            ends: Sequence[int] = log.end_of[first:stop]
            begin = splitter.position
            ends = ends[: bisect_left(ends, begin + most) + 1]
            stop = self._chunks_read = first + len(ends)
            self._together = min(_MOST_CHUNKS, max(64, 2 * len(ends)))
            self._add_frames(stream, range(first, stop), ends)
            self._mark_whole((stream,))
            return max(_EVENT, ends[-1] - begin)
        pieces: dict[int, tuple[list[int], array[int]]] = {}  # by stream: chunks and their ends
        size = 0
        for chunk, stream in enumerate(run, first):
            if stream not in pieces:
                splitter = self._side(stream).splitter
                if splitter is None:
                    stop = chunk
                    break
                pieces[stream] = [], array("Q")
                size -= splitter.position
            else:
                size -= pieces[stream][1][-1]
            chunks, ends_there = pieces[stream]
            chunks.append(chunk)
            ends_there.append(log.end_of[chunk])
            size += ends_there[-1]
            if size > most:
                stop = chunk + 1
                break
        self._chunks_read = stop
        self._together = min(_MOST_CHUNKS, max(64, 2 * (stop - first)))
        # Rows are in the order of time, which is that of the chunks.
        merged: list[tuple[int, int, int]] = []
        for stream, (chunks, ends) in pieces.items():
            found, brought, flags = array("Q"), array("I"), array("H")
            self._split(stream, chunks, ends, found, brought, flags)
            merged += zip(brought, found, flags, strict=True)
        merged.sort()
        self._table.chunk.extend(row[0] for row in merged)
        self._table.start.extend(row[1] for row in merged)
        self._table.flags.extend(row[2] for row in merged)
        self._mark_whole(pieces)
        return max(_EVENT, size)

    def _add_frames(self, stream: int, chunks: Sequence[int], ends: Sequence[int]) -> None:
        """Add the rows of the frames in chunks of one stream."""
        if not isinstance(self._table.start, TrimmedArray):
            table = self._table
            self._split(stream, chunks, ends, table.start, table.chunk, table.flags)
            return
        found, brought, flags = array("Q"), array("I"), array("H")
        self._split(stream, chunks, ends, found, brought, flags)
        self._table.start.extend(found)
        self._table.chunk.extend(brought)
        self._table.flags.extend(flags)

    def _split(
        self,
        stream: int,
        chunks: Sequence[int],
        ends: Sequence[int],
        found: array[int],
        brought: array[int],
        flags: array[int],
    ) -> None:
        """Find the frames in chunks of one stream: their offsets, and the chunk that ended each."""
        side = self._side(stream)
        splitter = side.splitter
        assert splitter is not None, "only what follows a handshake is frames"
        closed, row = splitter.closed, len(found)
        self._split_stream(side, splitter, ends[-1], found, flags)
        side.chunk = chunks[-1]
        if row == len(found):
            return
        first = row
        stops = found[row + 1 :]  # a frame ends where the next one starts
        stops.append(splitter.position)
        last, taken = chunks[-1], 0
        if stops == ends:  # one chunk, one frame
            brought.extend(chunks)
            chunks, ends, taken = (), (), len(stops)
        for chunk, end in zip(chunks, ends, strict=True):
            upto = bisect_right(stops, end, taken)
            if upto == taken + 1:
                brought.append(chunk)
            elif upto > taken:
                brought.extend(array("I", [chunk]) * (upto - taken))
            taken = upto
        if taken < len(stops):  # the last frame is not complete yet
            brought.append(last)
        while row < len(found) and found[row] < side.early:
            flags[row] |= frames.EARLY | frames.BROKEN
            row += 1
        if splitter.closed and not closed:
            at = next(at for at in range(first, len(found)) if flags[at] & 0x0F == 8)
            data = self._log.streams[stream]
            said = frames.frame_payload(data, found[at], frames.header_at(data, found[at]))[:2]
            code = int.from_bytes(said, "big") if said else 1005
            broken = flags[at] & frames.BROKEN
            self.closes[stream] = Close(found[at], brought[at], None if broken else code)
            self._change_state(self._connections[stream // 2], StateEvent.CLOSE_FRAME)

    def _split_stream(
        self,
        side: Side,
        splitter: frames.Splitter,
        stop: int,
        found: array[int],
        flags: array[int],
    ) -> None:
        """Append offset and flags of the frames of one stream up to `stop`."""
        data, base = self._log.streams[side.stream], splitter.position
        if base >= stop:
            return  # in the middle of a frame that already has its row
        if trimmed(data) is None:
            splitter.split(data, stop, found, flags)
        elif (header := frames.read_header(data, base, stop)) is None:
            return
        elif base + header.frame_length <= stop:
            # Reading such a stream byte by byte is slow.
            fragments, starts = len(splitter.fragmented), array("Q")
            splitter.position = 0
            splitter.split(data[base:stop], stop - base, starts, flags)
            splitter.position += base
            found.extend(map(base.__add__, starts))
            fragmented = splitter.fragmented
            fragmented[fragments:] = array("Q", map(base.__add__, fragmented[fragments:]))
        start = splitter.position
        if stop - start > self.most_unfinished:
            header = frames.read_header(data, start, stop)
            if header is not None and start + header.frame_length > stop:
                splitter.take(data, start + header.frame_length, found, flags)
                side.too_long = start, splitter.position

    def _read_event(self, event: Event) -> None:
        while len(self._connections) < event.connection:  # a file's times may be wrong
            self._connections.append(Connection(len(self._connections) + 1))
        connection = self._connections[event.connection - 1]
        if event.name in ("open", "upgraded"):
            if event.name == "upgraded":
                connection.cutter.upgrade()
            return
        side = connection.client if event.direction == "client" else connection.server
        if event.name == "gap":
            if side is connection.server and not self._log.streams[side.stream]:
                connection.cutter.exchange.unasked = None
            self._read_gaps(connection, side, event.offset + 1, self._chunks_read)
            return
        if event.name not in ("eof", "reset"):
            if event.is_mark:
                self._mark(side.stream, event)
            else:
                self._note_end(connection, event)
            return
        side.ended = True
        if side.cut.http.head and (not side.in_body or side.position < self._end_of(side)):
            # A body without a length ends with the connection.
            self._end_message(connection, side, self._end_of(side), side.chunk)
            self._mark_whole((side.stream, side.stream ^ 1))
        self._note_end(connection, event)
        over = connection.client.ended and connection.server.ended
        if event.name == "reset" or over:
            self._change_state(connection, StateEvent.TCP_CLOSED)
        if over:
            sides = connection.client, connection.server
            size = _CONNECTION + sum(side.lasting(self._end_of(side)) for side in sides)
            self._over[connection.number] = size
            self._over_weight += size

    def _note_end(self, connection: Connection, event: Event) -> None:
        exchange = connection.cutter.exchange
        refused = self.refused.get(connection.number)
        asked = exchange.upgraded and _for_websocket(refused)
        asked = asked or (exchange.awaits_upgrade and _for_websocket(exchange.last))
        asked = asked or (refused is not None and refused.status != 101)
        if event.note == ASSUMED or not asked:
            return
        client, server = connection.client, connection.server
        closed = client.stream in self.closes, server.stream in self.closes
        end = End(event, len(self._table.start), (client.chunk, server.chunk), closed)
        self.ends.setdefault(connection.number, []).append(end)
        self.ended.append(connection.number)

    # --- Gaps

    def _read_gaps(self, connection: Connection, side: Side, stop: int, chunk: int) -> None:
        """Read the gaps of a side before the offset `stop`; `chunk` stands behind the first."""
        gaps = self._log.gaps.get(side.stream, [])
        while (
            self._gaps_read[side.stream] < len(gaps)
            and gaps[self._gaps_read[side.stream]][0] < stop
        ):
            if side.cut.waits:
                self._due[side.stream] = stop  # they are read with the chunks that wait
                return
            if side.splitter is None and side.cut.speaks_frames:
                if side.position == gaps[0][0] == 0 and connection.agreed is None:
                    self._assume(connection, None)  # it begins in the middle of a connection
                self._speak_frames(connection, side)
            if side.splitter is not None:
                self._read_gap(side, side.splitter, gaps, chunk)
            elif not self._read_gap_in_http(connection, side, gaps, chunk):
                self._gaps_read[side.stream] += 1

    def _read_gap(
        self, side: Side, splitter: frames.Splitter, gaps: list[tuple[int, int]], chunk: int
    ) -> None:
        """Add the row of a gap among frames, which may cover the next gaps; read on behind it."""
        data, start, masked = self._log.streams[side.stream], splitter.position, splitter.masks
        first = self._gaps_read[side.stream]
        end, self._gaps_read[side.stream] = end_of_cut(data, start, gaps, first)
        proven = end > 0
        if proven:
            splitter.follow(data[start], end - start)
        else:
            end = self._frames_behind(side, gaps, chunk, masked, splitter.rsv1_allowed)
            splitter.position = end
            self._join_message(side, splitter)
        self._holes.setdefault(side.stream, []).append((start, end))
        side.contents = None  # its walk might lead through this gap
        gaps = gaps[first : self._gaps_read[side.stream]]
        if end or gaps[0] != (0, 0):  # else it only says that the beginning is missing
            self._add_gap(side, gaps, start, end, chunk, proven)

    def _join_message(self, side: Side, splitter: frames.Splitter) -> None:
        """Note behind a gap whether its first frames continue a message that began before."""
        gaps = self._log.gaps[side.stream]
        run = Run(splitter.position, splitter.masks, splitter.rsv1_allowed)
        run.fits(self._log.streams[side.stream], self._gap_after(side, gaps), FRAGMENTS)
        splitter.in_message = bool(run.joins)

    def _frames_behind(
        self, side: Side, gaps: list[tuple[int, int]], chunk: int, masked: bool, rsv1: bool
    ) -> int:
        """The offset from which on frames fit behind the last gap read, or one of the next."""
        data = self._log.streams[side.stream]
        while True:
            read = self._gaps_read[side.stream]
            at = gaps[read - 1][0]
            chunk = self._chunk_behind(side.stream, chunk, at)
            edges = self._edges(side.stream, chunk, at)
            found = frames_from(data, at, gaps, read, edges, masked, rsv1)
            if found is not None:
                return found
            if read == len(gaps):
                return len(data)
            self._gaps_read[side.stream] += 1

    def _gap_after(self, side: Side, gaps: list[tuple[int, int]]) -> int:
        """The offset up to which no bytes are missing behind the last gap read."""
        left = gaps[self._gaps_read[side.stream] : self._gaps_read[side.stream] + 1]
        return left[0][0] if left else self._end_of(side)

    def _chunk_behind(self, stream: int, chunk: int, at: int) -> int:
        """The first chunk from `chunk` on that ends behind an offset of its stream."""
        log = self._log
        while chunk < len(log.time_of) and (
            log.stream_of[chunk] != stream or log.end_of[chunk] <= at
        ):
            chunk += 1
        return chunk

    def _edges(self, stream: int, chunk: int, after: int) -> Iterator[int]:
        """Where a stream's chunks begin, behind an offset."""
        log = self._log
        for number in range(chunk, min(len(log.time_of), chunk + _MOST_CHUNKS)):
            if log.stream_of[number] == stream and log.end_of[number] > after:
                yield log.end_of[number]

    def _read_gap_in_http(
        self, connection: Connection, side: Side, gaps: list[tuple[int, int]], chunk: int
    ) -> bool:
        """Add the row of a gap before frames; False where the gap leaves the next unit known."""
        data, http, cutter = self._log.streams[side.stream], side.cut.http, connection.cutter
        at, missing = gaps[self._gaps_read[side.stream]]
        if side.cut.speaks_tls or http.skip(missing):
            return False
        if http.head is not None:
            self._end_message(connection, side, at, side.chunk)
            return True  # the gap is read again: behind a message, perhaps among frames
        first, start, client = (
            self._gaps_read[side.stream],
            side.position,
            side is connection.client,
        )
        self._gaps_read[side.stream] += 1
        stop = self._gap_after(side, gaps)
        head = parse_head(bytes(data[start:at]))
        end, fits = at, False
        if not begins_head(bytes(data[at : at + 64])):
            rest = head_from(data, at, stop)
            end = at if rest is None else rest
            run = Run(end, client, True)
            fits = end < stop and run.fits(data, stop) is not False
            if rest is None and not fits:
                edges = itertools.takewhile(stop.__gt__, self._edges(side.stream, chunk, at))
                heads = (edge for edge in edges if begins_head(bytes(data[edge : edge + 64])))
                end = next(heads, -1)
                if end < 0:
                    end = self._frames_behind(side, gaps, chunk, client, True)
                    fits = end < self._end_of(side)
        if at or end or missing:  # else it only says that the beginning is missing
            self._add_gap(side, gaps[first : self._gaps_read[side.stream]], start, end, chunk)
        side.position = end
        http.start_next(end)
        if client:
            side.cut.speaks_frames = cutter.exchange.upgraded
            side.cut.waits = not cutter.exchange.upgraded and (fits or end == self._end_of(side))
        elif head.status == 101 or (head.status is None and fits):
            request = cutter.exchange.last
            self._change_state(connection, StateEvent.ACCEPTED)
            self._assume(connection, request, head)
            cutter.upgrade()
            self._resume(connection, early=False)
        return True

    def _assume(
        self, connection: Connection, request: Head | None, response: Head | None = None
    ) -> None:
        """Assume what the response agreed on that is missing, or the end of which is missing."""
        heads = [head for head in (response, request) if head is not None]
        named = [
            extension
            for head in heads
            for extension in handshake.extensions(head)
            if extension.name == deflate.NAME
        ]
        # Messages can be inflated even if the agreed parameters are unknown.
        assumed = request is None or bool(named)
        self._assumed |= {connection.number} if assumed else set()
        connection.agreed = Agreement.of_response(()) if assumed else None

    def _add_gap(
        self, side: Side, gaps: list[tuple[int, int]], start: int, end: int, chunk: int,
        proven: bool = False,
    ) -> None:  # fmt: skip
        """Add the row of some gaps in a row, and of the bytes around them that cannot be read."""
        log, row = self._log, len(self._table.start)
        missing = None if any(not length for _, length in gaps) else sum(size for _, size in gaps)
        gap = Gap(end - start, missing, gaps[0][0] - start, proven)
        # Its time is that of the bytes before it if they are a unit's, else that behind it.
        whose = log.stream_of
        before = chunk > 0 and whose[chunk - 1] == side.stream
        behind = chunk < len(log.time_of) and whose[chunk] == side.stream
        if before and (gap.cut or not behind):
            chunk -= 1
        elif not behind:
            rows = self._table.of_stream(side.stream)
            all_chunks = range(len(log.time_of))
            chunk = (
                self._table.chunk[rows[-1]]
                if rows
                else next((one for one in all_chunks if whose[one] == side.stream), -1)
            )
        if chunk >= 0:
            self._table.add(gap, start, chunk, HEAD)
            self._table.note_late(row, chunk, self._chunks_read)

    def _mark(self, stream: int, event: Event) -> None:
        side = self._side(stream)
        if event.offset >= side.next_unit:
            # Not a whole unit yet: the rest may still come.
            waiting = self._early_marks.setdefault(stream, [])
            heapq.heappush(waiting, (event.offset, self._marks_read, event))
            self._marks_read += 1
            return
        row = self._table.find(stream, event.offset)
        if row is not None and self._table.start[row] == event.offset:
            self._row_marks.setdefault(row, []).append(event)
            self.marked.append(row)

    def _mark_whole(self, streams: Iterable[int]) -> None:
        """Attach waiting marks to those units of some streams that are now complete."""
        if not self._early_marks:
            return
        for stream in streams:
            side, waiting = self._side(stream), self._early_marks.get(stream, [])
            while waiting and waiting[0][0] < side.next_unit:
                self._mark(stream, heapq.heappop(waiting)[2])
            if not waiting:
                self._early_marks.pop(stream, None)

    def _end_of(self, side: Side) -> int:
        return len(self._log.streams[side.stream])

    def _change_state(self, connection: Connection, event: StateEvent) -> None:
        connection.state = connection_state.after(connection.state, event)

    def _advance(self, connection: Connection, side: Side, chunk: int) -> None:
        stop, data = self._log.end_of[chunk], self._log.streams[side.stream]
        side.chunk = chunk
        while side.splitter is None:
            if side.cut.waits:
                side.wait(chunk)
                if stop - side.position > self.most_unfinished:
                    # No server answers: bytes this early can only be frames.
                    side.cut.waits, side.cut.speaks_frames = False, True
                    self._resume(connection)
                return
            if side.position >= stop:
                return
            end = connection.cutter.message_end(side.cut, data, side.position, stop)
            self._add_chunks(side, chunk)
            if side.cut.record:
                if end is None:
                    return
                self._end_record(connection, side, end, chunk)
            elif end is not None:
                self._end_message(connection, side, end, chunk)
            elif side.cut.speaks_frames:
                self._speak_frames(connection, side)
            else:
                if stop - side.position > self.most_unfinished and side.cut.http.head:
                    side.too_long = side.position, sys.maxsize
                return
        first = len(self._table.start)
        self._add_frames(side.stream, [chunk], [stop])
        self._table.note_late(first, chunk, self._chunks_read)

    def _add_chunks(self, side: Side, chunk: int) -> None:
        """Add the rows of a head and of the chunks behind it that are here, if there are any."""
        http, first = side.cut.http, len(self._table.start)
        if http.head is None or http.chunk_ends is None:
            return
        if not side.in_body:
            self._add_message(side, side.position + http.head.length, chunk)
            side.in_body = True
        for end in http.chunk_ends:
            self._add_message(side, end, chunk)
        self._table.note_late(first, chunk, self._chunks_read)

    def _add_message(self, side: Side, end: int, chunk: int) -> None:
        """Add the row of a part of HTTP that ends at `end`; the next unit begins there."""
        http = side.cut.http
        assert http.head is not None, "a message has a head"
        early = side.position < side.early  # before the answer to an upgrade had come
        kind: Kind = "request" if side.direction == "client" else "response"
        if side.in_body:
            kind = "chunk"
        message = NoFrame(kind, end - side.position, http.head, http.request)
        flags = (frames.BROKEN if message.violations or early else 0) | (
            frames.EARLY if early else 0
        )
        self._table.add(message, side.position, chunk, HEAD | flags)
        side.position = end

    def _end_record(self, connection: Connection, side: Side, end: int, chunk: int) -> None:
        """Add the row of the TLS record or SOCKS message that ends at `end`."""
        first = len(self._table.start)
        kind: Kind = "socks" if side.cut.in_socks else "tls"
        name = NO_HEAD._replace(first_line=side.cut.record) if kind == "socks" else NO_HEAD
        record = NoFrame(kind, end - side.position, name)
        self._table.add(record, side.position, chunk, HEAD)
        self._table.note_late(first, chunk, self._chunks_read)
        side.position = end
        connection.cutter.decide(side.cut)
        connection.cutter.start_next(side.cut, end)

    def _end_message(self, connection: Connection, side: Side, end: int, chunk: int) -> None:
        """Add the row of the request or response that was read, and handle its consequences."""
        head, request, client = side.cut.http.head, side.cut.http.request, connection.client
        assert head is not None, "a message has a head"
        if head.status == 101 and side is not client and client.cut.http.head:
            # After a 101, its body counts as complete.
            self._end_message(connection, client, client.cut.http.seen, client.chunk)
        row, start = len(self._table.start), side.position
        if not side.in_body or start < end:
            self._add_message(side, end, chunk)
        side.in_body = False
        self._table.note_late(row, chunk, self._chunks_read)
        if side.too_long[0] == start:
            side.too_long = start, end
            if (less := trimmed(self._log.streams[side.stream])) is not None:
                less.resume = end
        connection.cutter.decide(side.cut)
        connection.cutter.start_next(side.cut, end)
        if side is client:
            return
        if head.status == 101:
            refused = handshake.client_refuses(head, request)
            self.refused.pop(connection.number, None)
            if refused:
                self.refused[connection.number] = head
            self._change_state(
                connection,
                StateEvent.REFUSED if refused else StateEvent.ACCEPTED,
            )
            agreed = [
                Agreement.of_response(extension.parameters)
                for extension in handshake.extensions(head)
                if extension.name == deflate.NAME
            ]
            connection.agreed = agreed[0] if agreed else None
            self._assumed.discard(connection.number)
            if client.cut.speaks_frames and client.cut.http.seen > client.position:
                client.wait(client.chunk)  # it began with frames, before a request
        elif not head.is_interim and request and request.wants_upgrade:
            if _for_websocket(request):
                self.refused[connection.number] = head
            self._change_state(connection, StateEvent.REFUSED)
        if not client.cut.waits:
            self._resume(connection)

    def _speak_frames(self, connection: Connection, side: Side) -> None:
        """From now on, read frames in this direction."""
        if connection.cutter.exchange.unasked is None and connection.state is State.CONNECTING:
            self._change_state(connection, StateEvent.ACCEPTED)
            self._assume(connection, connection.cutter.exchange.last)
        agreed = connection.agreed
        side.inflater = (
            Inflater.of(side.direction, agreed, connection.number in self._assumed)
            if agreed
            else None
        )
        side.splitter = FastSplitter(side.direction, side.position, agreed is not None)
        side.frames = side.position
        if self._gaps_read[side.stream]:
            self._holes.setdefault(side.stream, []).append((side.frames, side.frames))
            self._join_message(side, side.splitter)

    def _resume(self, connection: Connection, early: bool = True) -> None:
        """Read what the client sent while it waited for its answer; `early`: before that came."""
        side = connection.client
        waiting, side.waiting = side.waiting or [], None
        if waiting and early and side.stream not in self._log.gaps:
            side.early = self._log.end_of[waiting[-1]]
        due = self._due.pop(side.stream, 0)
        for chunk in waiting:
            if due:
                self._read_gaps(connection, side, min(due, self._log.end_of[chunk]), chunk)
            self._advance(connection, side, chunk)
        if due:
            self._read_gaps(connection, side, due, self._chunks_read)

    def accept(self, connection: int) -> bool:
        """Treat the upgrade that a client asked for as accepted; False if it asked for none."""
        with self._lock:
            found = self._connections[connection - 1]
            if not found.client.cut.waits:
                return False
            self._change_state(found, StateEvent.ACCEPTED)
            self._assume(found, found.cutter.exchange.last)
            found.cutter.upgrade()
            self._resume(found, early=False)
            self._mark_whole((found.client.stream, found.server.stream))
            return True

    # --- Reading

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

    def _side(self, stream: int) -> Side:
        connection = self._connections[stream // 2]
        return connection.server if stream % 2 else connection.client

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


def _for_websocket(head: Head | None) -> bool:
    """Whether a head with an upgrade does not name other protocols alone, such as h2c."""
    named = head.words("Upgrade") if head else []
    return not named or any("websocket" in word for word in named)


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
