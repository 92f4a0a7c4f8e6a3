"""The data of a recording: each direction's bytes, their times, and all other events."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from ..fields import Direction
from .trimmed_array import drop, first_place, places
from .trimmed_stream import trimmed

MarkName = Literal["held", "delayed", "edited", "dropped", "delivered", "duplicated", "injected"]
"""The names of what a debugger may do to a unit on its way. See `Capture.mark`."""

EventName = Literal["open", "upgraded", "eof", "reset", "silence", "cut", "gap"] | MarkName

MARKS: frozenset[str] = frozenset(get_args(MarkName))

ASSUMED = "assumed: the file does not say how it ended"
"""The note on an end that is there only because a file ends."""

FARTHEST = 1e12
"""Seconds (about 30,000 years): no time may be farther from a recording's beginning. A file with a
larger one is wrong."""


class Event(NamedTuple):
    """Something other than bytes that happened to a connection, such as its end."""

    position: int
    """How many chunks had been recorded before it."""
    time: float
    """Seconds since the recording began."""
    connection: int
    direction: Direction | None
    name: EventName
    offset: int = 0
    """For a mark: the offset of the marked bytes in their direction's stream. For a gap: its place
    there, which counts only bytes that are here."""
    length: int = 0
    """For a mark: the number of marked bytes. For a gap: how many are missing; 0 if unknown."""
    data: bytes | None = None
    """For `edited`: the bytes that are sent in their place."""
    note: str = ""
    """Who did it or why, in a few words."""

    @property
    def is_mark(self) -> bool:
        """Whether it says what a debugger did to bytes on their way."""
        return self.name in MARKS


class Chunk(NamedTuple):
    """The bytes of one TCP read; frames and messages may begin and end anywhere in it."""

    time: float
    """Seconds since the recording began."""
    connection: int
    direction: Direction
    data: bytes


class CaptureError(ValueError):
    """A file is not a capture; the message names the line, what was expected and what came."""


def stream_number(connection: int, direction: Direction) -> int:
    """The place of a direction's bytes in `Log.streams`.

    Connection 1 has the streams 0 (client) and 1 (server), connection 2 has 2 and 3, and so on.
    """
    return 2 * (connection - 1) + (direction == "server")


def streams_of(connection: int) -> tuple[int, int]:
    """Both streams of a connection, the client's first."""
    return 2 * connection - 2, 2 * connection - 1


def whose_stream(stream: int) -> tuple[int, Direction]:
    """The connection and direction of a stream."""
    return stream // 2 + 1, "server" if stream % 2 else "client"


NOTHING = bytearray()
"""The bytes of every stream that is still empty: shared, so never append to it."""


class Log:
    """A recording as plain lists that only grow. It has no lock: only `Capture` writes to it.

    A chunk is a place in three arrays, which takes 20 bytes; its data are in the stream. In a
    recording at its limit the oldest places have been dropped (see `TrimmedArray`).
    """

    def __init__(self) -> None:
        self.streams: list[bytearray] = []
        """By stream (see `stream_number`): its bytes so far. If its oldest frames were dropped, it
        is a `TrimmedStream`, which behaves like a bytearray here."""
        self.stream_of = array("I")
        """By chunk: the stream that it belongs to."""
        self.end_of = array("Q")
        """By chunk: its end, as an offset in its stream. It starts where the previous chunk of that
        stream ends, and none is empty: within a stream the numbers ascend."""
        self.time_of = array("d")
        """By chunk: seconds since the recording began. It is written last, so that another thread
        that counts these sees complete chunks only."""
        self.events: list[Event] = []
        """Ordered by `position`."""
        self.gaps: dict[int, list[tuple[int, int]]] = {}
        """By stream: offset and length of each gap, as in its event; in order."""
        self.oldest = 0
        """The first chunk that was not dropped; of those before it, only HTTP may be kept."""
        self._newest: dict[int, int] = {}  # by stream: its newest chunk among those forgotten

    def append(self, stream: int, data: bytes, time: float) -> None:
        """Append a chunk, which must not be empty."""
        whole = self.streams[stream] or self.begin(stream)
        whole += data
        self.stream_of.append(stream)
        self.end_of.append(len(whole))
        self.time_of.append(time)

    def open(self) -> int:
        """Add the two streams of a connection; returns the client's number."""
        self.streams += [NOTHING, NOTHING]
        return len(self.streams) - 2

    def begin(self, stream: int) -> bytearray:
        """Make the bytearray of a stream, when its first bytes come."""
        self.streams[stream] = bytearray()
        return self.streams[stream]

    def insert(self, events: Iterable[Event]) -> None:
        """Insert events by time, but none before its `position`."""
        self.events += [
            event._replace(position=max(event.position, bisect_right(self.time_of, event.time)))
            for event in events
        ]
        self.events.sort(key=lambda event: (event.position, event.time))

    def marks(self, connection: int, direction: Direction) -> list[Event]:
        """What a debugger did to one direction's bytes, in order."""
        return [
            event
            for event in list(self.events)
            if event.is_mark and event.connection == connection and event.direction == direction
        ]

    def chunks(self) -> Iterator[Chunk]:
        """All chunks; of a dropped one only the bytes that are kept, perhaps none."""
        return (chunk for _, chunk in self._numbered())

    def _numbered(self) -> Iterator[tuple[int, Chunk]]:
        starts = [0] * len(self.streams)
        for number in places(self.time_of):
            stream, end = self.stream_of[number], self.end_of[number]
            whole = self.streams[stream]
            less, start = trimmed(whole), starts[stream]
            data = less.kept(start, end) if less else bytes(whole[start:end])
            starts[stream] = end
            yield number, Chunk(self.time_of[number], *whose_stream(stream), data)

    def history(self) -> Iterator[Chunk | Event]:
        """Chunks and events in the order in which they came, without what was dropped."""
        events = deque(self.kept_events())
        for number, chunk in self._numbered():
            while events and events[0].position <= number:
                yield events.popleft()
            if chunk.data:
                yield chunk
        yield from events

    @property
    def first(self) -> int:
        """The first chunk that is not forgotten."""
        return first_place(self.time_of)

    def forget(self, stop: int, keep: Iterable[int], read: int, gone: Collection[int]) -> int:
        """Forget the chunks before `stop` except those in `keep`, and the marks on dropped bytes;
        returns how many of the first `read` events are left.

        Each stream's newest chunk is kept: it may hold the beginning of a unit. Of the connections
        in `gone` only the event is kept with which they began.
        """
        first = self.first
        newest = zip(self.stream_of[first:stop], range(first, stop), strict=True)
        self._newest.update(newest)
        for connection in gone:
            for stream in streams_of(connection):
                self._newest.pop(stream, None)
        keep = {*keep, *self._newest.values()}
        self.stream_of = drop(self.stream_of, stop, keep)
        self.end_of = drop(self.end_of, stop, keep)
        self.time_of = drop(self.time_of, stop, keep)
        over = set(gone)
        left = [
            event
            for event in self.events[:read]
            if self._moved(event) is not None
            and (event.connection not in over or event.direction is None)
        ]
        self.events[:read] = left
        return len(left)

    def kept_events(self) -> list[Event]:
        """The events without those on dropped bytes; places count only the bytes that are kept."""
        return [moved for event in list(self.events) if (moved := self._moved(event)) is not None]

    def _moved(self, event: Event) -> Event | None:
        """An event, its place counted among the kept bytes; None if it is on dropped ones."""
        if not event.is_mark or event.direction is None:
            return event
        data = trimmed(self.streams[stream_number(event.connection, event.direction)])
        if data is None or event.offset < data.start:
            return event
        first = max(data.stop, data.resume)
        gap = first - data.start
        return event._replace(offset=event.offset - gap) if event.offset >= first else None
