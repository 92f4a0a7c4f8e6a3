"""The rows of a recording as columns, 14 bytes for a row; the oldest can be forgotten."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from ..fields import Kind, Violation
from ..protocol import handshake
from ..protocol.http import Head
from .log import Log
from .trimmed_array import TrimmedArray, drop, first_place

_ROW = 14
_MESSAGE = 3000
_HEADLESS = 200
"""Bytes of memory of a row (`_ROW`), of a request or response with its head (`_MESSAGE`), and of a
chunk of a body, a TLS record or a message of SOCKS (`_HEADLESS`)."""

NO_HEAD = Head("", 0, (), 0)


class NoFrame(NamedTuple):
    """A request, a response, a chunk of its body, a TLS record or SOCKS message, that is a row."""

    kind: Kind
    length: int
    head: Head = NO_HEAD
    """Of a chunk: that of its response. A TLS record has none; that of a message of SOCKS has the
    message's name as its first line."""
    request: Head | None = None
    """For a response: the request that it answers."""

    @property
    def has_head(self) -> bool:
        """Whether it begins with its head."""
        return self.kind in ("request", "response")

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The rules that the message's head breaks."""
        if self.kind == "request":
            return handshake.request_violations(self.head)
        if self.kind == "response":
            return handshake.response_violations(self.head, self.request)
        return ()


class Gap(NamedTuple):
    """A place where bytes are missing in the recording, and the bytes around it, that is a row."""

    length: int
    """Bytes that are here, but are no whole unit."""
    missing: int | None
    """How many are missing; None if nobody knows."""
    cut: int
    """How many bytes of a cut unit stand before the missing ones."""
    proven: bool
    """Whether the length of the cut frame tells where the next one begins."""

    kind: Kind = "gap"
    head: Head = NO_HEAD
    request: Head | None = None
    has_head: bool = False
    violations: tuple[Violation, ...] = ()


class RowTable:
    """The rows of an index, in the order in which they were found."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.start = array("Q")
        """By row: the offset of the unit in its stream."""
        self.chunk = array("I")
        """By row: the chunk with its last byte."""
        self.flags = array("H")
        """By row: see `protocol/frames.py`, `indexing.py` and `index.py`."""
        self.others: dict[int, NoFrame | Gap] = {}
        """By row: what is no frame."""
        self.heads = array("I")
        """The rows that are no frames."""
        self._headless = 0  # how many of those that can be forgotten have no head
        self._late: list[tuple[int, int, int]] = []  # see `read_by`
        self._of_stream: dict[int, array[int]] = {}  # see `of_stream`
        self._sorted = 0

    def __len__(self) -> int:
        return len(self.start)

    @property
    def first(self) -> int:
        """The first row from which on all are kept; before it only handshakes are."""
        return first_place(self.start)

    @property
    def weight(self) -> int:
        """Bytes of memory of the rows that can be forgotten."""
        heads = len(self.heads) - bisect_left(self.heads, self.first) - self._headless
        rows = len(self.start) - self.first
        return _ROW * rows + _MESSAGE * heads + _HEADLESS * self._headless

    def is_gone(self, number: int) -> bool:
        """Whether a row is no longer kept, because the recording has reached its limit."""
        start = self.start
        return (
            isinstance(start, TrimmedArray) and number < start.first and number not in self.others
        )

    def add(self, other: NoFrame | Gap, start: int, chunk: int, flags: int) -> None:
        """Add the row of what is no frame."""
        row = len(self.start)
        self.others[row] = other
        self._headless += not other.has_head
        self.heads.append(row)
        self.start.append(start)
        self.chunk.append(chunk)
        self.flags.append(flags)

    # --- By stream

    def of_stream(self, stream: int) -> array[int]:
        """The rows of one stream, in its order. They are sorted when they are first asked for."""
        rows, stream_of, first = self._of_stream, self._log.stream_of, self._sorted
        # A slice: in a recording at its limit that is faster than reading each element.
        for row, chunk in enumerate(self.chunk[first:], first):
            whose = stream_of[chunk]
            if whose not in rows:
                rows[whose] = array("I")
            rows[whose].append(row)
        self._sorted = len(self.start)
        return rows.get(stream, array("I"))

    def find(self, stream: int, offset: int) -> int | None:
        """The row of the unit that contains `offset`, or the last row of the stream."""
        rows = self.of_stream(stream)
        place = bisect_right(rows, offset, key=self.start.__getitem__)
        return rows[place - 1] if place else None

    def following(self, number: int, stream: int) -> int | None:
        """The offset of the row after this one in their stream; None if there is none."""
        # It is usually a few rows later.
        for row in range(number + 1, min(number + 64, len(self.start))):
            if self._log.stream_of[self.chunk[row]] == stream:
                return self.start[row]
        rows = self.of_stream(stream)
        place = bisect_right(rows, number)
        return self.start[rows[place]] if place < len(rows) else None

    # --- By the chunk that was being read

    def note_late(self, first: int, chunk: int, now: int) -> None:
        """Note that the rows from `first` on, which end in `chunk`, were found at chunk `now`."""
        stop = len(self.start)
        if chunk >= now or first == stop:
            return
        if self._late and self._late[-1][1:] == (first, now):
            first = self._late.pop()[0]
        self._late.append((first, stop, now))

    def _read_by(self, row: int) -> int:
        """The chunk that was being read when a row was found; it ascends with the row numbers.

        Usually the chunk with its last byte. But a body without a length ends with its connection,
        and bytes that came too early wait for the answer.
        """
        place = bisect_right(self._late, row, key=itemgetter(0)) - 1
        if place >= 0 and row < self._late[place][1]:
            return self._late[place][2]
        return self.chunk[row]

    def found_by(self, chunk: int) -> int:
        """How many rows were found before a chunk was read."""
        return bisect_left(range(len(self.start)), chunk, key=self._read_by)

    # --- Forgetting

    def forget(self, row: int, keep: Sequence[int]) -> None:
        """Forget the rows before `row` except the requests and responses `keep`."""
        before = self.heads[: bisect_left(self.heads, row)]
        for head in before:
            self._headless -= not self.others[head].has_head
        for head in {*before} - {*keep}:
            del self.others[head]
        self.heads = array("I", keep) + self.heads[len(before) :]
        self.start = drop(self.start, row, keep)
        self.chunk = drop(self.chunk, row, keep)
        self.flags = drop(self.flags, row, keep)
        for stream, rows in self._of_stream.items():
            if rows and rows[0] < row:
                gone = rows[: bisect_left(rows, row)]
                left = array("I", [head for head in gone if head in self.others])
                self._of_stream[stream] = left + rows[len(gone) :]
        for head in keep:  # rows that are not sorted by stream yet can stay so
            if head >= self._sorted:
                stream = self._log.stream_of[self.chunk[head]]
                self._of_stream.setdefault(stream, array("I")).append(head)
        self._sorted = max(self._sorted, row)
        self._late = [late for late in self._late if late[1] > row]

    def forget_stream(self, stream: int) -> None:
        """Forget which rows belong to a stream."""
        self._of_stream.pop(stream, None)
