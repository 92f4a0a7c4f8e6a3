"""The data of a recording: each direction's bytes, when they came, and what else happened."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

from ..fields import Direction
from .trimmed_array import drop, first_place, places
from .trimmed_stream import trimmed

MarkName = Literal["held", "delayed", "edited", "dropped", "delivered", "duplicated", "injected"]
"""What a debugger may do to a unit on its way. See `Capture.mark`."""

EventName = Literal["open", "upgraded", "eof", "reset", "cut"] | MarkName

MARKS: frozenset[str] = frozenset(get_args(MarkName))

FARTHEST = 1e12
"""Seconds, some 30,000 years: no time in a recording is farther from its beginning. A file that
says so is wrong."""


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
        return self.name in MARKS


class Chunk(NamedTuple):
    """The bytes of one TCP read; frames and messages may begin and end anywhere in it."""

    time: float
    """Seconds since the recording began."""
    connection: int
    direction: Direction
    data: bytes


class CaptureError(ValueError):
    """A file that is no capture; says which line, what was expected and what came."""


def stream_number(connection: int, direction: Direction) -> int:
    """Where a direction's bytes are in `Log.streams`.

    Connection 1 has the streams 0 (client) and 1 (server), connection 2 has 2 and 3, and so on.
    """
    return 2 * (connection - 1) + (direction == "server")


def whose_stream(stream: int) -> tuple[int, Direction]:
    """The connection and direction of a stream."""
    return stream // 2 + 1, "server" if stream % 2 else "client"


NOTHING = bytearray()
"""The bytes of a stream in which none came: shared, so never appended to."""


class Log:
    """A recording as plain lists that only grow. It has no lock: only `Capture` writes to it.

    A chunk is a place in three arrays, 20 bytes in all: the bytes themselves stand in the stream.
    Of a recording at its limit the oldest places are gone (see `TrimmedArray`).
    """

    def __init__(self) -> None:
        self.streams: list[bytearray] = []
        """By stream (see `stream_number`): its bytes so far. One whose oldest frames were dropped
        is a `TrimmedStream`, which does all that is asked of it here without being a bytearray."""
        self.stream_of = array("I")
        """By chunk: the stream that it belongs to."""
        self.end_of = array("Q")
        """By chunk: the size of its stream with it, in bytes. It starts where the chunk before it
        in that stream ends, and none is empty: within a stream the numbers ascend."""
        self.time_of = array("d")
        """By chunk: seconds since the recording began. It is written last, so that a reader on
        another thread who counts these sees whole chunks only."""
        self.events: list[Event] = []
        """Ordered by `position`."""
        self.oldest = 0
        """The first chunk that was not dropped; those before it may keep what is no frame."""
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
        """The bytes of a stream, for its first ones to be appended."""
        self.streams[stream] = bytearray()
        return self.streams[stream]

    def insert(self, events: Iterable[Event]) -> None:
        """Insert events, each at its time but not before its `position`."""
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
        """All chunks; of one that was dropped what is kept of it, which may be nothing."""
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
        """Chunks and events in the order in which they came, as if what was dropped never had."""
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

    def forget(self, stop: int, keep: Iterable[int], read: int) -> int:
        """Forget the chunks before `stop`, which were dropped, but for those of `keep`, and the
        marks on what is not there any more; returns how many of the first `read` events are left.

        Each stream's newest chunk is kept: it may have brought what is no whole unit yet.
        """
        first = self.first
        newest = zip(self.stream_of[first:stop], range(first, stop), strict=True)
        self._newest.update(newest)
        keep = {*keep, *self._newest.values()}
        self.stream_of = drop(self.stream_of, stop, keep)
        self.end_of = drop(self.end_of, stop, keep)
        self.time_of = drop(self.time_of, stop, keep)
        left = [event for event in self.events[:read] if self._moved(event) is not None]
        self.events[:read] = left
        return len(left)

    def kept_events(self) -> list[Event]:
        """The events, as if what was dropped never had been: those on dropped bytes are not there,
        the others tell the place among the bytes that are kept."""
        return [moved for event in list(self.events) if (moved := self._moved(event)) is not None]

    def _moved(self, event: Event) -> Event | None:
        """An event with its place among the bytes that are kept; None for one on dropped bytes."""
        if not event.is_mark or event.direction is None:
            return event
        data = trimmed(self.streams[stream_number(event.connection, event.direction)])
        if data is None or event.offset < data.start:
            return event
        first = max(data.stop, data.resume)
        gap = first - data.start
        return event._replace(offset=event.offset - gap) if event.offset >= first else None
