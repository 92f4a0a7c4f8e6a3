"""The recording of what crossed: time, direction and bytes, in the order in which they came."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast, get_args

from ..fields import Direction
from ..protocol.exchange import Exchange
from .index import Index
from .secrets_mask import SecretsMask
from .stored_stream import StoredStream
from .trimmed_stream import TrimmedStream, trimmed

MarkName = Literal["held", "delayed", "edited", "dropped", "delivered", "duplicated", "injected"]
"""What a debugger may do to a unit on its way. See `Capture.mark`."""

EventName = Literal["open", "upgraded", "eof", "reset", "cut"] | MarkName

_MARKS = frozenset(get_args(MarkName))


class Event(NamedTuple):
    """Something that happened to a connection beside its bytes."""

    position: int
    """How many chunks had been recorded before it."""
    time: float
    connection: int
    direction: Direction | None
    name: EventName
    offset: int = 0
    """For a mark: where the marked bytes start in their direction's stream."""
    length: int = 0
    """For a mark: how many they are."""
    data: bytes | None = None
    """For `edited`: the bytes that go out in their place."""
    note: str = ""
    """Who did it, or why, in a few words."""

    @property
    def is_mark(self) -> bool:
        """Whether it tells what a debugger did to bytes on their way."""
        return self.name in _MARKS


class Chunk(NamedTuple):
    """Bytes that were read in one piece: what one TCP read gave, which is no unit of anything."""

    time: float
    connection: int
    direction: Direction
    data: bytes


class CaptureError(ValueError):
    """A file that is no capture; says which line, what was expected and what came."""


LIMIT = 512 << 20
"""Bytes that a recording keeps, unless told otherwise."""


class Capture:
    """An append-only recording of any number of connections. All methods are thread-safe.

    Times are seconds since the capture was made. The values of headers that hold logins are masked
    as they are recorded (`wire/protocol/headers.py` lists them).

    Beside the bytes themselves a chunk costs 20 bytes of memory: each direction of a connection is
    one growing bytearray, and one log for all says who wrote how far and when. With `on_disk` the
    bytes are kept in temporary files instead.

    Once there are more than `limit` bytes in memory, the oldest frames go: `dropped` counts their
    bytes, rows and offsets stay. Handshakes are kept, and the frame that is just coming.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.perf_counter,
        on_disk: bool = False,
        limit: int = LIMIT,
    ) -> None:
        self.limit = sys.maxsize if on_disk else limit
        self.dropped = 0
        self.started = datetime.now(UTC)
        self.faults: list[Exception] = []
        """What subscribers raised, at most 20: their faults must not reach the traffic."""
        self.notes: list[str] = []
        """Of a recording that comes from another program's file: what is missing or made up."""
        self.streams: list[bytearray] = []
        self.log_stream = array("I")
        self.log_end = array("Q")
        self.log_time = array("d")
        self.events: list[Event] = []
        # A stored stream does all that is asked of a stream, without being a bytearray.
        self._new_stream = (
            cast("Callable[[], bytearray]", StoredStream.temporary) if on_disk else bytearray
        )
        self._clock = clock
        self._zero = clock()
        self._lock = threading.RLock()
        self._subscribers: list[Callable[[], None]] = []
        self._masks: dict[int, SecretsMask] = {}
        self._index: Index | None = None
        self._size = 0  # bytes recorded and kept
        self.oldest = 0  # the first chunk that has not been dropped

    # A direction's stream: connection 1 has the streams 0 (client) and 1 (server), 2 has 2 and 3.

    @staticmethod
    def stream_number(connection: int, direction: Direction) -> int:
        """Where a direction's bytes are in `streams`."""
        return 2 * (connection - 1) + (direction == "server")

    @staticmethod
    def whose_stream(stream: int) -> tuple[int, Direction]:
        """The connection and direction of a stream."""
        return stream // 2 + 1, "server" if stream % 2 else "client"

    # --- Recording

    def open_connection(self, *, upgraded: bool = False) -> int:
        """Note that a TCP connection was opened; its number, from 1.

        `upgraded` says that its bytes are frames from the first on, with no handshake recorded.
        """
        with self._lock:
            self.streams += [self._new_stream(), self._new_stream()]
            connection = len(self.streams) // 2
            if not upgraded:
                exchange = Exchange()
                self._masks[len(self.streams) - 2] = SecretsMask("client", exchange)
                self._masks[len(self.streams) - 1] = SecretsMask("server", exchange)
            self._note(connection, None, "upgraded" if upgraded else "open", self._now())
        self._tell()
        return connection

    def record(self, connection: int, direction: Direction, data: bytes) -> None:
        """Append bytes that crossed. Raises ValueError for a connection that was never opened."""
        self._append(self._stream(connection, direction), data, self._now())
        self._size += len(data)
        if self._size > self.limit:
            self._drop()
        self._tell()

    def recorder(self, connection: int, direction: Direction) -> Callable[[bytes], None]:
        """`record` for one direction, in half the time: what a tap calls for every chunk."""
        stream = self._stream(connection, direction)
        clock, zero, lock, masks = self._clock, self._zero, self._lock, self._masks

        def record(data: bytes) -> None:
            at = clock() - zero
            if not data:
                return
            with lock:
                if stream in masks:
                    data = self._mask(stream, data)
                whole = self.streams[stream]
                whole += data
                self.log_stream.append(stream)
                self.log_end.append(len(whole))
                self.log_time.append(at)
            self._size += len(data)
            if self._size > self.limit:
                self._drop()
            if self._subscribers:
                self._tell()

        return record

    def end(
        self, connection: int, direction: Direction, how: Literal["eof", "reset"] = "eof"
    ) -> None:
        """Note that one direction's TCP stream ended: with a FIN (`eof`) or a RST (`reset`)."""
        self._stream(connection, direction)
        with self._lock:
            self._note(connection, direction, how, self._now())
        self._tell()

    def mark(
        self,
        connection: int,
        direction: Direction,
        name: MarkName | Literal["cut"],
        offset: int = 0,
        length: int = 0,
        *,
        data: bytes | None = None,
        note: str = "",
    ) -> None:
        """Note what was done to recorded bytes on their way, so that both ends stay readable.

        Bytes without a mark were delivered as they came. The first mark on some bytes takes them
        out of that flow: `held` and `delayed` bytes wait, `edited` ones are replaced by `data`,
        `dropped` ones are never delivered, `injected` ones were never sent by the peer. From then
        on only `delivered` says that they arrived, and `duplicated` that they arrived once more.
        `cut` tells that it was the debugger who ended the direction's stream.
        """
        stream = self._stream(connection, direction)
        with self._lock:
            if data is not None and stream in self._masks:
                data = SecretsMask(direction).mask(data)
            event = Event(
                len(self.log_end), self._now(), connection, direction, name,
                offset, length, data, note,
            )  # fmt: skip
            self.events.append(event)
        self._tell()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback()` called after each thing recorded, on the recording thread: be quick.

        Returns a function that ends the subscription.
        """
        self._subscribers = [*self._subscribers, callback]

        def unsubscribe() -> None:
            self._subscribers = [other for other in self._subscribers if other is not callback]

        return unsubscribe

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait, at most `timeout` seconds, for what is recorded to make `condition()` true.

        Whether it is. Not for the thread that records, which would wait for itself.
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

    def _now(self) -> float:
        return self._clock() - self._zero

    def _stream(self, connection: int, direction: Direction) -> int:
        stream = self.stream_number(connection, direction)
        if not 0 <= stream < len(self.streams) or direction not in ("client", "server"):
            raise ValueError(
                f"expected a connection from 1 to {len(self.streams) // 2} and the direction "
                f"'client' or 'server', got {connection!r} and {direction!r}; "
                "open_connection() gives a new connection's number"
            )
        return stream

    def _append(self, stream: int, data: bytes, at: float) -> None:
        if not data:
            return
        with self._lock:
            if stream in self._masks:
                data = self._mask(stream, data)
            self.streams[stream] += data
            self.log_stream.append(stream)
            self.log_end.append(len(self.streams[stream]))
            self.log_time.append(at)

    def _drop(self) -> None:
        """Drop the oldest frames, an eighth of the limit at once: not with every chunk again."""
        with self._lock:
            index, first, wanted = self.index, self.oldest, self._size - self.limit * 7 // 8
            seen = [0] * len(self.streams)
            while wanted > 0 and self.oldest < len(self):
                stream, end = self.log_stream[self.oldest], self.log_end[self.oldest]
                wanted -= end - max(seen[stream], self._from(stream))
                seen[stream] = end
                self.oldest += 1
            for stream, (start, stop) in index.gaps(first, self.oldest).items():
                data = trimmed(self.streams[stream])
                if data is None:
                    data = TrimmedStream(self.streams[stream], start)
                    self.streams[stream] = cast("bytearray", data)
                dropped = data.drop(stop)
                self.dropped += dropped
                self._size -= dropped

    def _from(self, stream: int) -> int:
        data = trimmed(self.streams[stream])
        return data.stop if data else 0

    def extend(self, pieces: Iterable[tuple[int, bytes, float]]) -> None:
        """Append what a file holds, each with its stream's number and its time; none is empty."""
        with self._lock:
            streams, masks = self.streams, self._masks
            for stream, data, at in pieces:
                if stream in masks:
                    data = self._mask(stream, data)
                whole = streams[stream]
                whole += data
                self.log_stream.append(stream)
                self.log_end.append(len(whole))
                self.log_time.append(at)
        self._tell()

    def restore(self, marks: Iterable[Event]) -> None:
        """Put what a file says about a debugger's doings among the events, each at its time.

        A mark's `position` is the first at which it may stand: behind the bytes that it is about.
        """
        with self._lock:
            placed = [
                mark._replace(position=max(mark.position, bisect_right(self.log_time, mark.time)))
                for mark in marks
            ]
            self.events += placed
            self.events.sort(key=lambda event: (event.position, event.time))
        self._tell()

    def _mask(self, stream: int, data: bytes) -> bytes:
        data = self._masks[stream].mask(data)
        for side in (stream, stream ^ 1):
            if side in self._masks and self._masks[side].done:
                del self._masks[side]
        return data

    def _note(
        self, connection: int, direction: Direction | None, name: EventName, at: float
    ) -> None:
        self.events.append(Event(len(self.log_end), at, connection, direction, name))

    def _tell(self) -> None:
        for callback in self._subscribers:
            try:
                callback()
            except Exception as fault:
                if len(self.faults) < 20:
                    self.faults.append(fault)

    # --- Reading

    @property
    def index(self) -> Index:
        """The requests, responses and frames in this recording, up to date."""
        with self._lock:
            if self._index is None:
                self._index = Index(self)
            index = self._index
        index.update()
        return index

    def stream(self, connection: int, direction: Direction) -> bytes:
        """Everything that one direction carried so far; what was dropped reads as zeros."""
        return bytes(self.streams[self._stream(connection, direction)][:])

    def size(self, connection: int, direction: Direction) -> int:
        """How many bytes that is: the offset of the next byte."""
        return len(self.streams[self._stream(connection, direction)])

    def sent(self, connection: int, direction: Direction) -> bytes:
        """What the peer itself sent: the stream without what a debugger injected."""
        data = self.streams[self._stream(connection, direction)]
        sent, position = bytearray(), 0
        for event in self._marks(connection, direction):
            if event.name == "injected":
                sent += data[position : event.offset]
                position = event.offset + event.length
        return bytes(sent + data[position:])

    def delivered(self, connection: int, direction: Direction) -> bytes:
        """What the other peer was given, in the order in which it got it."""
        data = self.streams[self._stream(connection, direction)]
        delivered, plain = bytearray(), 0
        instead: dict[int, bytes] = {}
        for event in self._marks(connection, direction):
            if event.offset >= plain:  # the first mark on these bytes
                delivered += data[plain : event.offset]
                plain = event.offset + event.length
            if event.name == "edited" and event.data is not None:
                instead[event.offset] = event.data
            elif event.name in ("delivered", "duplicated"):
                sent = bytes(data[event.offset : event.offset + event.length])
                delivered += instead.get(event.offset, sent)
        return bytes(delivered + data[plain:])

    def _marks(self, connection: int, direction: Direction) -> list[Event]:
        return [
            event
            for event in list(self.events)
            if event.is_mark and event.connection == connection and event.direction == direction
        ]

    def __len__(self) -> int:
        """How many chunks were recorded."""
        return len(self.log_end)

    def __iter__(self) -> Iterator[Chunk]:
        starts = [0] * len(self.streams)
        for number in range(len(self)):
            stream, end = self.log_stream[number], self.log_end[number]
            connection, direction = self.whose_stream(stream)
            whole = self.streams[stream]
            less = trimmed(whole)
            start = starts[stream]
            data = less.kept(start, end) if less else bytes(whole[start:end])
            starts[stream] = end
            yield Chunk(self.log_time[number], connection, direction, data)

    def __repr__(self) -> str:
        size = sum(map(len, self.streams))
        connections = len(self.streams) // 2
        return (
            f"<Capture: {connections} connection{'s' * (connections != 1)}, "
            f"{len(self)} chunks, {size} bytes{f', {self.dropped} dropped' * bool(self.dropped)}>"
        )

    @property
    def loss(self) -> str:
        """What is no longer kept, in a sentence; nothing where all is."""
        if not self.dropped:
            return ""
        frames = self.index.dropped
        return (
            f"The oldest {frames:,} frame{'s' * (frames != 1)} ({_size(self.dropped)}) are no "
            f"longer kept, only their rows: the limit of this recording is {_size(self.limit)}."
        )

    # --- On disk

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the recording; an older file of that name is replaced as a whole.

        The end of the name says what is written: `.jsonl` keeps everything, `.pcapng` is for
        Wireshark, `.har` holds messages as a browser's DevTools save them. What a debugger did is
        in all of them. ValueError for others.
        """
        from ..formats import files  # not above: it needs this module first

        return files.save(self, path)

    def history(self) -> Iterator[Chunk | Event]:
        """Chunks and events in the order in which they came, as if what was dropped never had."""
        with self._lock:
            count, events = len(self), self.kept_events()
        chunks = iter(self)
        position = 0
        for event in [*events, None]:
            stop = count if event is None else event.position
            for chunk in itertools.islice(chunks, stop - position):
                if chunk.data:
                    yield chunk
            position = stop
            if event is not None:
                yield event

    def kept_events(self) -> list[Event]:
        """The events, as if what was dropped never had been: those on dropped bytes are not there,
        the others tell the place among the bytes that are kept."""
        return [moved for event in list(self.events) if (moved := self._moved(event)) is not None]

    def _moved(self, event: Event) -> Event | None:
        """An event with its place among the bytes that are kept; None for one on dropped bytes."""
        if not event.is_mark or event.direction is None:
            return event
        data = trimmed(self.streams[self.stream_number(event.connection, event.direction)])
        if data is None or event.offset < data.start:
            return event
        gap = data.stop - data.start
        return event._replace(offset=event.offset - gap) if event.offset >= data.stop else None

    def json_lines(self) -> Iterator[str]:
        """The lines of a capture file: a head, then chunks and events in the order they came."""
        head = {"wslab": "capture", "version": 1, "started": self.started.isoformat()}
        yield _line(head | ({"dropped": self.dropped} if self.dropped else {}))
        for thing in self.history():
            line: dict[str, Any] = {"time": round(thing.time, 6), "connection": thing.connection}
            if isinstance(thing, Chunk):
                yield _line(line | {"direction": thing.direction, "hex": thing.data.hex()})
                continue
            line["event"] = thing.name
            if thing.direction:
                line["direction"] = thing.direction
            if thing.is_mark:
                line |= {"offset": thing.offset, "length": thing.length}
            if thing.data is not None:
                line["hex"] = thing.data.hex()
            if thing.note:
                line["note"] = thing.note
            yield _line(line)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Capture:
        """Read what `save` wrote, or a HAR, pcap or pcapng of another program, by its content.

        What is missing or made up then stands in `notes`. Raises CaptureError for anything else,
        OSError for no file.
        """
        from ..formats import files

        return files.load(path)

    @classmethod
    def load_lines(
        cls,
        path: str | os.PathLike[str],
        *,
        on_disk: bool = False,
        file: BinaryIO | None = None,
    ) -> Capture:
        """Read a capture in JSON Lines, from `file` where that is open already.

        Raises as `load` does.
        """
        capture = cls(on_disk=on_disk)
        number = 0
        try:
            with io.TextIOWrapper(file or Path(path).open("rb"), encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, 1):
                    capture._load_line(json.loads(line), number)
        except (
            ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
        ) as error:  # fmt: skip
            raise CaptureError(
                f"{path}, line {max(number, 1)}: expected a line of a wslab capture "
                f"(JSON Lines, as Capture.save writes it), got something else: {error}"
            ) from error
        if not number:
            raise CaptureError(f"{path}: expected a wslab capture, got an empty file")
        return capture

    def _load_line(self, line: dict[str, Any], number: int) -> None:
        if number == 1:
            if line.get("wslab") != "capture" or line.get("version") != 1:
                raise ValueError("the first line does not say wslab capture, version 1")
            self.started = datetime.fromisoformat(line["started"])
            if line.get("dropped"):
                self.notes.append(not_kept(int(line["dropped"])))
        elif "event" not in line:
            stream = self._stream(_whole(line["connection"]), line["direction"])
            self._append(stream, bytes.fromhex(line["hex"]), float(line["time"]))
        elif line["event"] in ("open", "upgraded"):
            connection = self.open_connection(upgraded=line["event"] == "upgraded")
            if connection != line["connection"]:
                raise ValueError(f"connection {line['connection']} opens out of turn")
            self.events[-1] = self.events[-1]._replace(time=float(line["time"]))
        elif line["event"] in ("eof", "reset"):
            connection = _whole(line["connection"])
            self._stream(connection, line["direction"])
            self._note(connection, line["direction"], line["event"], float(line["time"]))
        elif line["event"] == "cut" or line["event"] in _MARKS:
            connection = _whole(line["connection"])
            self._stream(connection, line["direction"])
            replaced = line.get("hex")
            event = Event(
                len(self.log_end), float(line["time"]), connection, line["direction"],
                line["event"], int(line.get("offset", 0)), int(line.get("length", 0)),
                None if replaced is None else bytes.fromhex(replaced), str(line.get("note", "")),
            )  # fmt: skip
            self.events.append(event)
        else:
            raise ValueError(f"no such event: {line['event']!r}")


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise ValueError(f"expected the number of a connection, got {number!r}")
    return number


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(", ", ": ")) + "\n"


def not_kept(dropped: int) -> str:
    """What files say of a recording that had reached its limit."""
    return f"{dropped} bytes of its oldest frames were not kept"


def _size(count: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count:,} bytes"
