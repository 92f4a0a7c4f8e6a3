"""Finds where each unit of a recording starts, and keeps 14 bytes about it: a row of the index."""

from __future__ import annotations

import heapq
import itertools
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ..fields import Kind
from ..protocol import connection_state, deflate, frames, handshake
from ..protocol.connection_state import State, StateEvent
from ..protocol.deflate import Agreement, Inflater
from ..protocol.http import Head, begins_head, parse_head
from .connection import Close, Connection, End, Side
from .contents import Contents
from .fair_lock import FairLock
from .fast import FastSplitter
from .gap import Run, end_of_cut, frames_from, head_from
from .log import ASSUMED, Event, Log
from .row_table import NO_HEAD, Gap, NoFrame, RowTable
from .trimmed_array import TrimmedArray
from .trimmed_stream import trimmed

_MOST_CHUNKS = 1 << 16
"""The most chunks that are read together."""
SLICE = 1 << 18
"""Bytes indexed before other threads get the lock: some 10 ms for the smallest frames."""
_CONNECTION = 9000
"""Bytes of memory of a connection with both its heads."""
_EVENT = 64
"""The cost of reading an event, as the number of bytes indexed in the same time."""
HEAD = 0x100  # not a frame: an HTTP request or response
FRAGMENTS = 4096
"""The most frames of one message that are looked for on each side of one of them."""


class Indexing:
    """Finds the rows of a recording; `Index` reads them. Thread-safe; grows by `update`."""

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

    def _side(self, stream: int) -> Side:
        connection = self._connections[stream // 2]
        return connection.server if stream % 2 else connection.client


def _for_websocket(head: Head | None) -> bool:
    """Whether a head with an upgrade does not name other protocols alone, such as h2c."""
    named = head.words("Upgrade") if head else []
    return not named or any("websocket" in word for word in named)
