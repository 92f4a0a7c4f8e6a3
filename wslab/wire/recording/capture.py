"""Records the traffic of connections: time, direction and bytes, in the order of arrival."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

from ..fields import Direction
from ..protocol.http import MAX_HEAD, begins_head, proxy_length
from ..protocol.secrets import masked_text
from ..protocol.utf8 import encodable
from .cutter import Cutter
from .index import Index
from .log import (
    NOTHING,
    Chunk,
    Event,
    EventName,
    Log,
    MarkName,
    stream_number,
    streams_of,
    whose_stream,
)
from .names import clean_name, program_name
from .search import Hit, Search
from .secrets_mask import SecretsMask, masked_behind
from .trimmed_stream import TrimmedStream, trimmed

LIMIT = 512 << 20
"""The most bytes that a recording keeps by default."""
LEAST = 1 << 20
"""Bytes that rows, chunks and marks may always take, whatever the limit; an unfinished unit too."""
_FEW = 4
_LEAST_UNFINISHED = 1 << 16
"""How many open connections may each have an unfinished unit of a quarter of the limit: more share
the same memory (`_FEW`). Bytes of a unit that any may leave unfinished (`_LEAST_UNFINISHED`)."""
_CHUNK = 20
_EVENT = 500
"""Bytes of memory of a chunk (`_CHUNK`), and of a mark with its part of the index (`_EVENT`)."""
NO_LIMIT = sys.maxsize
_BEGINNING = 256
"""Bytes that a side has sent up to which they are read again with what follows: its mask takes
more memory than they do."""


class Capture:
    """An append-only recording of any number of connections. All methods are thread-safe.

    Times are seconds since the capture was made. Logins in heads are masked before they are
    recorded: each of their bytes becomes a `*` (`wire/protocol/secrets.py` finds them).

    A chunk costs 20 bytes of memory in addition to its own bytes: see `Log`. `save` and `load` of
    `wslab.wire` write a recording to a file and read one.

    When more than `limit` bytes are in memory, the oldest frames are dropped: `dropped` counts
    their bytes; rows and offsets stay. Handshakes are kept, and so is the frame that is arriving,
    up to a quarter of the limit. If rows and marks take more than another quarter, as with very
    small frames, the oldest of them are dropped too. A recording near its limit is indexed as it
    grows, because only the index knows what can be dropped. Of connections that are over the
    handshakes go as well, when the rest of them has gone: `index.forgotten` counts them.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.perf_counter, limit: int = LIMIT
    ) -> None:
        self.limit = limit
        self.dropped = 0
        self.started = datetime.now(UTC)
        self.faults: list[Exception] = []
        """At most 20 exceptions raised by subscribers, which must not stop the traffic."""
        self.notes: list[str] = []
        """What is missing or synthetic in a recording loaded from another program's file."""
        self.only_messages = False
        """Whether it may lack pings, pongs and ends, as a HAR does."""
        self.names: dict[int, str] = {}
        """By connection: the name that `set_name` gave it. `label` shows it."""
        self.log = Log()
        self._programs: dict[int, str] = {}  # by connection: what its request's User-Agent says
        self._clock = clock
        self._zero = clock()
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[], None]] = []
        self._masks: dict[int, SecretsMask] = {}  # by stream: made at its first line
        self._begun: dict[int, bytes] = {}  # by stream, instead of a mask: its bytes, unmasked
        self._masked = bytearray()  # by stream: 1 as long as logins may come
        self._http_sizes: dict[int, int] = {}  # by stream: where its frames begin
        self._replaced: dict[int, tuple[int, bytes]] = {}  # by stream: the last edit in a head
        self._index = Index(self.log)
        self._size = 0  # bytes recorded and kept
        self._new = self._room = (
            0  # bytes taken since the last look at the limit, and until the next
        )

    # --- Recording

    def open_connection(self, *, upgraded: bool = False, at: float | None = None) -> int:
        """Note that a TCP connection was opened, now or at a given time; returns its number.

        `upgraded` says that its bytes are frames from the first byte on, without a handshake.
        """
        with self._lock:
            client = self.log.open()
            self._masked += bytes((not upgraded, not upgraded))
            connection = client // 2 + 1
            self._note(connection, None, "upgraded" if upgraded else "open", at=at)
        if self._new > max(self._room, LEAST):
            self._keep_limit()  # connections without a byte take memory, too
        self.tell()
        return connection

    def record(
        self, connection: int, direction: Direction, data: bytes, *, at: float | None = None
    ) -> None:
        """Record bytes that crossed, now or at a given time (seconds).

        Raises ValueError for a connection that was never opened.
        """
        stream = self._stream(connection, direction)
        self._append(stream, data, self.now() if at is None else at)

    def recorder(self, connection: int, direction: Direction) -> Callable[[bytes], None]:
        """A faster `record` for one direction, which a tap calls for every chunk."""
        stream = self._stream(connection, direction)
        clock, zero, append = self._clock, self._zero, self._append

        def record(data: bytes) -> None:
            append(stream, data, clock() - zero)

        return record

    def _append(self, stream: int, data: bytes, at: float) -> None:
        if not data:
            return
        with self._lock:
            if self._masked[stream]:
                data = self._mask(stream, data)
            self.log.append(stream, data, at)
        self._size += len(data)
        self._new += len(data) + _CHUNK
        if self._new > self._room or self._size > self.limit:
            self._keep_limit()
        if self._subscribers:
            self.tell()

    def extend(self, pieces: Iterable[tuple[int, bytes, float]]) -> None:
        """Append the chunks of a file: stream number, bytes (never empty) and time of each.

        The limit is not checked here.
        """
        with self._lock:
            log, masked = self.log, self._masked
            for stream, data, at in pieces:
                # As in `Log.append`, but without a call for each of perhaps millions.
                whole = log.streams[stream] or log.begin(stream)
                whole += self._mask(stream, data) if masked[stream] else data
                log.stream_of.append(stream)
                log.end_of.append(len(whole))
                log.time_of.append(at)
        self.tell()

    def end(
        self,
        connection: int,
        direction: Direction,
        how: Literal["eof", "reset"] = "eof",
        *,
        note: str = "",
        at: float | None = None,
    ) -> None:
        """Note that one direction's TCP stream ended: with a FIN (`eof`) or a RST (`reset`).

        The note `ASSUMED` says that nobody saw how.
        """
        stream = self._stream(connection, direction)
        with self._lock:
            if begun := self._begun.get(stream):
                self._put_back(stream, self._read_again(stream)[stream].end())
                # Whole lines are still needed, to read the answer.
                self._begun[stream] = begun[: begun.rfind(b"\n") + 1]
            elif mask := self._masks.get(stream):
                self._put_back(stream, mask.end())
            self._note(connection, direction, how, note=note, at=at)
        self.tell()

    def gap(
        self, connection: int, direction: Direction, length: int = 0, *, at: float | None = None
    ) -> None:
        """Note that bytes that crossed are missing here: `length` of them, 0 if nobody knows.

        The recording must be whole before it is read: what follows tells where reading goes on.
        """
        stream = self._stream(connection, direction)
        with self._lock:
            offset = len(self.log.streams[stream])
            self.log.gaps.setdefault(stream, []).append((offset, length))
            if self._masked[stream]:
                if stream not in self._masks:
                    self._keep(self._read_again(stream))
                self._put_back(stream, self._masks[stream].skip(absent=not offset))
            self._note(connection, direction, "gap", offset, length, at=at)
        self.tell()

    def mark(
        self,
        connection: int,
        direction: Direction,
        name: MarkName | Literal["cut", "silence"],
        offset: int = 0,
        length: int = 0,
        *,
        data: bytes | None = None,
        note: str = "",
        at: float | None = None,
    ) -> None:
        """Note what a debugger did to recorded bytes: what each peer sent and received stays known.

        Bytes without a mark were delivered unchanged. With the first mark, bytes count as arrived
        only if `delivered` says so, and `duplicated` says that they arrived once more. `held` and
        `delayed` bytes wait, `edited` ones are replaced by `data`, `dropped` ones are never
        delivered, and `injected` ones were never sent by the peer.
        `cut` says that the debugger ended the direction's stream, and `silence` that what was sent
        to this peer, again and again, had no answer.
        """
        stream = self._stream(connection, direction)
        with self._lock:
            if data is not None:
                data = self._masked_edit(stream, offset, length, data)
            elif name == "injected":
                self._mask_injected(stream, offset, length)
            self._note(connection, direction, name, offset, length, data, note, at=at)
        self.tell()

    def insert(self, events: Iterable[Event]) -> None:
        """Insert the marks of a file among the events, each at its time.

        An event's `position` is its lowest possible one: after the bytes that it is about.
        """
        with self._lock:
            self.log.insert(map(self._masked_event, events))
        self.tell()

    def assume_upgraded(self, connection: int) -> bool:
        """Treat the upgrade that a client asked for as accepted, if its answer was not recorded.

        Returns whether it asked for one.
        """
        if not self.index.accept(connection):
            return False
        with self._lock:
            for direction in ("client", "server"):
                self._end_mask(stream_number(connection, direction))
        return True

    def _note(
        self,
        connection: int,
        direction: Direction | None,
        name: EventName,
        offset: int = 0,
        length: int = 0,
        data: bytes | None = None,
        note: str = "",
        *,
        at: float | None,
    ) -> None:
        with self._lock:
            position, at = len(self), self.now() if at is None else at
            note = encodable(masked_text(note))
            self.log.events.append(
                Event(position, at, connection, direction, name, offset, length, data, note)
            )
        self._new += _EVENT

    def _stream(self, connection: int, direction: Direction) -> int:
        count = len(self.log.streams)
        stream = stream_number(connection, direction)
        if not 0 <= stream < count or direction not in ("client", "server"):
            raise ValueError(
                f"expected a connection from 1 to {count // 2} and the direction "
                f"'client' or 'server', got {connection!r} and {direction!r}; "
                "open_connection() gives a new connection's number"
            )
        return stream

    # --- Masking

    def _mask(self, stream: int, data: bytes) -> bytes:
        masks, begun = self._masks, self._begun.get(stream, b"") + data
        if not (stream in masks or stream ^ 1 in masks):
            # Many connections may end here, and their masks take 2 KB of memory.
            masks = self._read_again(stream)
        again, data = masks[stream].mask(data)
        self._put_back(stream, again)
        if masks is not self._masks:
            if self._is_short(stream, begun) and not masks[stream].done:
                self._begun[stream] = begun
                return data
            self._keep(masks)
        for side in (stream, stream ^ 1):
            if side in self._masks and self._masks[side].done:
                self._end_mask(side)
        return data

    def _is_short(self, stream: int, begun: bytes) -> bool:
        """Whether a stream that begins like this can be read again, the client's side first."""
        answered = self._begun.get(stream | 1) if stream % 2 == 0 else None
        return len(begun) <= _BEGINNING and not (answered and b"\n" in begun + answered)

    def _read_again(self, stream: int) -> dict[int, SecretsMask]:
        """The masks of a connection whose two sides are short, after what was read of them."""
        cutter, offered, masks = Cutter(), dict[bytes, None](), dict[int, SecretsMask]()
        for side in (stream & ~1, stream | 1):
            masks[side] = SecretsMask(whose_stream(side)[1], cutter, offered)
            masks[side].mask(self._begun.get(side, b""))
        return masks

    def _keep(self, masks: dict[int, SecretsMask]) -> None:
        """Keep these masks from now on, instead of reading again."""
        for side in masks:
            self._begun.pop(side, None)
        self._masks.update(masks)

    def _mask_of(self, stream: int) -> SecretsMask | None:
        """The mask of a stream, if anything has been masked there."""
        if stream in self._begun:
            self._keep(self._read_again(stream))
        return self._masks.get(stream)

    def _end_mask(self, stream: int) -> None:
        """End the masking of a stream, because frames follow."""
        self._masked[stream] = 0
        mask = self._mask_of(stream)
        if mask is not None:
            del self._masks[stream]
            self._put_back(stream, mask.end())
            self._http_sizes[stream] = mask.http_size

    def _put_back(self, stream: int, data: bytes) -> None:
        """Replace the bytes last recorded with as many bytes, fewer of them masked."""
        if data:
            self.log.streams[stream][-len(data) :] = data

    def _masked_edit(self, stream: int, offset: int, length: int, data: bytes) -> bytes:
        """The new bytes of an edit, masked if they belong to a head."""
        whole, mask = self.log.streams[stream], self._mask_of(stream)
        if not self._masked[stream] and offset >= self._http_sizes.get(stream, 0):
            return masked_behind(b"", data) if begins_head(data) else data
        end, before = self._replaced.get(stream, (-1, b""))
        if end != offset:  # otherwise a head is edited in several parts
            begun = mask.begun if mask else b""
            before = bytes(whole[max(0, offset - MAX_HEAD) : len(whole) - len(begun)])
            before = (before + begun)[: min(offset, MAX_HEAD)]
        data = masked_behind(before, data)
        self._replaced[stream] = offset + length, (before + data)[-MAX_HEAD:]
        return data

    def _mask_injected(self, stream: int, offset: int, length: int) -> None:
        """Mask a head that was injected among frames, which are not masked when recorded."""
        data = bytes(self.log.streams[stream][offset : offset + length])
        if not self._masked[stream] and begins_head(data):
            self.log.streams[stream][offset : offset + length] = masked_behind(b"", data)

    def _masked_event(self, event: Event) -> Event:
        """A mark of a file, with the logins in its text and bytes masked."""
        data = event.data
        if data is not None and event.direction is not None:
            stream = stream_number(event.connection, event.direction)
            data = self._masked_edit(stream, event.offset, event.length, data)
        return event._replace(data=data, note=encodable(masked_text(event.note)))

    # --- Keeping the limit

    def _keep_limit(self) -> None:
        """Index some of the new bytes, and drop what exceeds the limit.

        It does so in small steps, because the traffic waits for it.
        """
        if self.limit >= NO_LIMIT:
            self._room = NO_LIMIT
            return
        most = max(self.limit // 4, LEAST)
        # A few connections may each have an unfinished unit of that size; many must share.
        share = most * _FEW // max(_FEW, self._index.open_connections)
        self._index.most_unfinished = max(share, _LEAST_UNFINISHED)
        behind = self._index.step()
        if self._size > self.limit:
            self._drop(self.limit * 7 // 8)
        while self._weight > most and self._forget():
            pass
        left = min(self.limit - self._size, most - self._weight)
        # Rows may take more memory than their bytes: seven times, for frames of two bytes.
        self._new, self._room = 0, 0 if behind else max(0, left // 2)

    @property
    def _weight(self) -> int:
        """Bytes of memory of the rows, chunks and marks that could be dropped."""
        log = self.log
        connections = len(log.streams) // 2
        marks = len(log.events) - 3 * connections + 2 * self._index.forgotten
        chunks = len(log.time_of) - log.first
        return _CHUNK * chunks + _EVENT * max(0, marks) + self._index.weight

    def _drop(self, most: int) -> None:
        """Drop the oldest indexed frames until at most `most` bytes are kept."""
        with self._lock:
            log, wanted = self.log, self._size - most
            first, seen = log.oldest, dict[int, int]()
            while wanted > 0 and log.oldest < self._index.chunks_read:
                stream, end = log.stream_of[log.oldest], log.end_of[log.oldest]
                less = trimmed(log.streams[stream])
                wanted -= end - seen.get(stream, less.stop if less else 0)
                seen[stream] = end
                log.oldest += 1
            self._drop_chunks(first)

    def _drop_chunks(self, first: int) -> None:
        """Drop the frames of the chunks from `first` up to the oldest one to keep."""
        log = self.log
        for stream, (start, stop, resume) in self._index.gaps(first, log.oldest).items():
            data = trimmed(log.streams[stream])
            if data is None:
                data = TrimmedStream(log.streams[stream], start)
                log.streams[stream] = cast("bytearray", data)
            dropped, data.resume = data.drop(stop), resume
            self.dropped += dropped
            self._size -= dropped

    def _forget(self) -> bool:
        """Drop a quarter of the chunks, their rows, and the connections that are over and have no
        other chunks; returns whether that made room.
        """
        with self._lock:
            log, known, weight = self.log, self._index.chunks_read, self._weight
            stop = log.first + -(-(known - log.first) // 4)
            if stop > log.oldest:
                first, log.oldest = log.oldest, stop
                self._drop_chunks(first)
            for connection in self._index.forget(stop):
                self._programs.pop(connection, None)
                for stream in streams_of(connection):
                    self._forget_stream(stream)
            return self._weight < weight

    def _forget_stream(self, stream: int) -> None:
        """Drop all bytes of a stream."""
        for state in (self._masks, self._begun, self._http_sizes, self._replaced):
            state.pop(stream, None)
        whole = self.log.streams[stream]
        less = trimmed(whole)
        dropped = len(whole) - (less.stop - less.start if less else 0)
        self.log.streams[stream] = NOTHING
        self.dropped += dropped
        self._size -= dropped

    # --- Names

    def set_name(self, connection: int, name: str) -> None:
        """Name a connection, such as "Ada" or "cell 4"; an empty name takes an earlier one away.

        Raises ValueError for a connection that was never opened.
        """
        self._stream(connection, "client")
        with self._lock:
            if name := clean_name(name):
                self.names[connection] = name
            else:
                self.names.pop(connection, None)
        self.tell()

    def label(self, connection: int) -> str:
        """How a connection is shown: "#3 Ada", or "#3" if it has no name.

        Without a name given, the program that its request names stands there: "#3 Chrome". A
        number that no connection has (yet) has no name.
        """
        name = self.names.get(connection) or self._program(connection)
        return f"#{connection} {name}" if name else f"#{connection}"

    def labels(self) -> dict[int, str]:
        """The labels of all connections, by number."""
        return {number: self.label(number) for number in range(1, len(self.log.streams) // 2 + 1)}

    def _program(self, connection: int) -> str:
        if connection not in self._programs:
            if not 0 < connection <= len(self.log.streams) // 2:
                return ""  # nobody has this number yet
            sent = bytes(self.log.streams[stream_number(connection, "client")][:MAX_HEAD])
            sent = sent[proxy_length(sent) :]
            # Frames without a handshake have no head, and no end of one to wait for.
            found = "" if sent and not begins_head(sent) else program_name(sent)
            if found is None:
                return ""
            self._programs[connection] = found
        return self._programs[connection]

    # --- Subscribing

    def now(self) -> float:
        """Seconds since the capture was made."""
        return self._clock() - self._zero

    def moment(self, time: float) -> datetime:
        """The date `time` seconds after the recording began, within the range of dates."""
        try:
            return (self.started + timedelta(seconds=time)).astimezone(UTC)
        except OverflowError:
            return (datetime.max if time > 0 else datetime.min).replace(tzinfo=UTC)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback()` after each thing recorded; returns a function that ends this.

        The callback runs on the recording thread and must be quick.
        """
        self._subscribers = [*self._subscribers, callback]

        def unsubscribe() -> None:
            self._subscribers = [other for other in self._subscribers if other is not callback]

        return unsubscribe

    def tell(self) -> None:
        """Call all subscribers: something was recorded."""
        for callback in self._subscribers:
            try:
                callback()
            except Exception as fault:
                if len(self.faults) < 20:
                    self.faults.append(fault)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition()` is true after something was recorded; returns whether it is.

        Waits at most `timeout` seconds. Never call it on the thread that records.
        """
        changed = threading.Event()
        unsubscribe = self.subscribe(changed.set)
        deadline = time.monotonic() + timeout
        try:
            while not condition():
                if not changed.wait(max(0.0, deadline - time.monotonic())):
                    return condition()
                changed.clear()
            return True
        finally:
            unsubscribe()

    # --- Reading

    @property
    def index(self) -> Index:
        """The requests, responses and frames in this recording, up to date."""
        self._index.update()
        return self._index

    def find(self, what: str) -> list[Hit]:
        """The rows in which `what` is found, in order; `hit.row` is a row's number.

        `what` is a text, `re:` and a regular expression, `hex:81 05`, a field such as `opcode=ping`
        or `close_code=1006`, or several of these: see `search.py`. Contents are unmasked, inflated
        and joined from fragments. `hit.where` says which bytes were found. Raises ValueError if
        `what` cannot be meant, or if its regular expression takes too long.
        """
        return Search.parse(what).hits(self)

    @property
    def events(self) -> list[Event]:
        """Everything that happened except the bytes, in order."""
        return self.log.events

    def stream(self, connection: int, direction: Direction, *, unmasked: bool = False) -> bytes:
        """All bytes of one direction so far; dropped bytes read as zeros.

        A line of a head that has not ended yet is masked, unless `unmasked`: the tap needs it as
        it came, to read on from there. Nothing `unmasked` may be shown or kept.
        """
        stream = self._stream(connection, direction)
        with self._lock:
            data = bytes(self.log.streams[stream][:])
            mask = self._mask_of(stream) if unmasked else None
            if mask and mask.begun:
                data = data[: -len(mask.begun)] + mask.begun
            return data

    def size(self, connection: int, direction: Direction) -> int:
        """The number of bytes of one direction so far, which is the offset of the next byte."""
        return len(self.log.streams[self._stream(connection, direction)])

    def sent(self, connection: int, direction: Direction) -> bytes:
        """The bytes that the peer itself sent: the stream without what a debugger injected."""
        data = self.log.streams[self._stream(connection, direction)]
        sent, position = bytearray(), 0
        for event in self.log.marks(connection, direction):
            if event.name == "injected":
                sent += data[position : event.offset]
                position = event.offset + event.length
        return bytes(sent + data[position:])

    def delivered(self, connection: int, direction: Direction) -> bytes:
        """The bytes that the other peer received, in that order."""
        data = self.log.streams[self._stream(connection, direction)]
        delivered, plain = bytearray(), 0
        instead: dict[int, bytes] = {}
        for event in self.log.marks(connection, direction):
            if event.offset >= plain:  # this is the first mark on these bytes
                delivered += data[plain : event.offset]
                plain = event.offset + event.length
            if event.name == "edited" and event.data is not None:
                instead[event.offset] = event.data
            elif event.name in ("delivered", "duplicated"):
                sent = bytes(data[event.offset : event.offset + event.length])
                delivered += instead.get(event.offset, sent)
        return bytes(delivered + data[plain:])

    def __len__(self) -> int:
        """How many chunks were recorded."""
        return len(self.log.time_of)

    def __iter__(self) -> Iterator[Chunk]:
        return self.log.chunks()

    def __repr__(self) -> str:
        size = sum(map(len, self.log.streams))
        connections = len(self.log.streams) // 2
        return (
            f"<Capture: {connections} connection{'s' * (connections != 1)}, "
            f"{len(self)} chunks, {size} bytes{f', {self.dropped} dropped' * bool(self.dropped)}>"
        )

    @property
    def loss(self) -> str:
        """A sentence that says what was dropped; empty if nothing was."""
        if not self.dropped:
            return ""
        frames, rows = self.index.dropped, self.index.first
        over = self.index.forgotten
        closed = f" Nothing is kept of {over:,} connections that are closed." if over else ""
        return (
            f"The oldest {frames:,} frame{'s' * (frames != 1)} ({_size(self.dropped)}) are no "
            f"longer kept, only {f'the rows from {rows:,} on' if rows else 'their rows'}: "
            f"the limit of this recording is {_size(self.limit)}.{closed}"
        )


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count:,} bytes"
