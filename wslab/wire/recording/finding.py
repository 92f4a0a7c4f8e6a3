"""A search that goes through a recording, and on through what is recorded meanwhile."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate

from ..protocol.frames import read_header
from .content_reader import OVERLAP, PIECE, Content, ContentReader, Part
from .indexing import HEAD
from .row_terms import OF_STREAM, Place, Recording, fits
from .seekers import Bytes, Seeker, Whole, seeker_of
from .trimmed_stream import trimmed

IN_CONTENT = ("contains", "re", "hex", "payload")
"""The terms that are about what is said; the others are about a row."""
BATCH = 2048
"""After so many rows a search pauses: some 5 ms."""


class Finding:
    """A search as far as it has come: `step` goes on, also with what was recorded meanwhile."""

    def __init__(self, terms: Iterable[tuple[str, str]], recording: Recording) -> None:
        self.rows = array("I")
        """The rows that fit, as they were found: a long message is read after shorter ones that
        begin behind it."""
        self.looked = 0
        """How many rows have been looked at."""
        self._recording, terms = recording, [*terms]
        self._terms = [term for term in terms if term[0] not in IN_CONTENT]
        self._own_terms = [term for term in self._terms if term[0] not in OF_STREAM]
        self._seekers = [seeker_of(*term) for term in terms if term[0] in IN_CONTENT]
        self._readers: dict[int, ContentReader] = {}
        # By stream, and by seeker: rows of the present message in which something begins, and rows
        # whose bytes on the wire have it.
        self._begun: dict[int, list[set[int]]] = {}
        self._crossed: dict[int, list[set[int]]] = {}
        self._unfinished: set[int] = set()  # streams in which a message may have begun
        self._told: set[int] = set()  # rows of messages in several frames

    def step(self, most: int = BATCH) -> bool:
        """Look at the next rows, `most` at a time; returns whether there were any.

        Raises ValueError if a regular expression takes too long.
        """
        recording, index, start = self._recording, self._recording.index, self.looked
        stop = min(len(index), start + most)
        if start >= stop:
            return False
        starts, chunks, flags = index.spans(start, stop)
        stream_of = {chunk: recording.log.stream_of[chunk] for chunk in set(chunks)}
        first = stop - len(starts)
        heads = index.numbers() if start < first else ()  # of the others nothing is left
        places = [self._place(row) for row in heads if start <= row < first]
        frames: dict[int, tuple[list[int], list[int]]] = {}
        for row, at, chunk, flag in zip(range(first, stop), starts, chunks, flags, strict=True):
            stream = stream_of[chunk]
            if flag & HEAD or not self._seekers:
                places.append(Place(recording, row, stream, at, flag))
                continue
            if stream not in frames:
                frames[stream] = [], []
            rows, offsets = frames[stream]
            rows.append(row)
            offsets.append(at)
        for place in places:
            if self._fits(place):
                if self._seekers:
                    self._look_into(place)
                else:
                    self.rows.append(place.number)
        for stream, (rows, offsets) in frames.items():
            if self._is_of(stream):
                self._read(stream, rows, offsets)
        while self._unfinished and stop == len(index):  # once, when no more is here
            stream = self._unfinished.pop()
            if begun := self._readers[stream].unfinished:
                self._match(stream, begun)
        self.looked = stop
        return True

    def _place(self, row: int) -> Place:
        return Place(self._recording, row, *self._recording.index.place(row))

    def _is_of(self, stream: int) -> bool:
        """Whether the terms that are the same for a whole direction fit."""
        place = Place(self._recording, 0, stream, 0, 0)
        whole = (term for term in self._terms if term[0] in OF_STREAM)
        return all(fits(place, *term) for term in whole)

    def _fits(self, place: Place) -> bool:
        return all(fits(place, *term) for term in self._terms)

    def _add(self, rows: Iterable[int]) -> None:
        """Add rows of a stream that fits, if they do."""
        simple = not self._own_terms
        self.rows.extend(row for row in rows if simple or self._fits(self._place(row)))

    def _read(self, stream: int, rows: list[int], starts: list[int]) -> None:
        index, streams, seekers = self._recording.index, self._recording.log.streams, self._seekers
        if stream not in self._readers:
            inflater = partial(index.inflater, stream)
            self._readers[stream] = ContentReader(streams, stream, inflater)
        reader, single = self._readers[stream], list[tuple[int, bytes]]()
        crossed = [_crossed(streams[stream], seeker, rows, starts) for seeker in seekers]
        if stream in self._begun:  # a message goes on
            crossed = [a | b for a, b in zip(crossed, self._crossed[stream], strict=True)]
        self._crossed[stream] = crossed
        for content in reader.read(rows, starts, single):
            self._match(stream, content)
        self._unfinished.add(stream)
        if not any(crossed) and len(seekers) == 1:
            found = seekers[0].found
            self._add([row for row, data in single if found(data)])
            return
        pairs = [*zip(seekers, crossed, strict=True)]
        self._add(
            row
            for row, data in single
            if all(row in there or seeker.found(data) for seeker, there in pairs)
        )

    def _look_into(self, place: Place) -> None:
        """Look into a request, a response, or what else is no frame."""
        other = self._recording.index.other(place.number)
        data = self._recording.log.streams[place.stream]
        less = trimmed(data)
        if other is None or (less and less.start <= place.start < less.stop):
            return
        at = 0
        while True:
            stop = min(at + PIECE, other.length)
            part = Part(place.number, at, bytes(data[place.start + at : place.start + stop]))
            last = stop == other.length
            following = stop - OVERLAP
            new = Content((part,), min(1, at), None if last else following - at, last)
            self._match(~place.number, new)
            if last:
                return
            at = following - 1

    def _match(self, key: int, content: Content) -> None:
        """Look into a message in several frames, or a piece of it."""
        first, *others = self._seekers
        quick = not (others or key in self._begun or any(self._crossed.get(key, ())))
        if quick and not isinstance(first, Whole) and not first.found(content.data):
            return  # as for most
        begun = self._begun.setdefault(key, [set() for _ in self._seekers])
        here = {part.row for part in content.parts}
        crossed = [rows & here for rows in self._crossed.get(key, [set[int]()] * len(begun))]
        for rows, seeker in zip(begun, self._seekers, strict=True):
            rows.update(_begins(seeker, content))
        pairs = [*zip(begun, crossed, strict=True)]
        fits = {
            row
            for row in set[int]().union(*begun, *crossed)
            if all(rows or row in there for rows, there in pairs)
        }
        self._add(sorted(fits - self._told))
        self._told |= fits
        if content.last:
            del self._begun[key]


def _begins(seeker: Seeker, content: Content) -> Iterator[int]:
    """The rows in which something begins that is looked for."""
    if isinstance(seeker, Whole):
        yield from (part.row for part in content.parts if not part.at and seeker.found(part.data))
        return
    begins = [*accumulate((len(part.data) for part in content.parts), initial=0)]
    for start, _ in seeker.spans(content.data, content.begin):
        if content.stop is not None and start >= content.stop:
            return
        yield content.parts[bisect_right(begins, start) - 1].row


def _crossed(
    data: bytearray, seeker: Seeker, rows: Sequence[int], starts: Sequence[int]
) -> set[int]:
    """The rows of a stream in whose bytes as they crossed the wire the bytes of `hex:` stand."""
    found, raw = set[int](), seeker.raw if isinstance(seeker, Bytes) else b""
    if not raw:
        return found
    at, header = starts[0], read_header(data, starts[-1], len(data))
    end = min(len(data), starts[-1] + (header.frame_length if header else 2))
    if less := trimmed(data):
        at = max(at, less.stop)
    while at < end:
        region = bytes(data[at : min(at + PIECE + len(raw), end)])
        place = region.find(raw)
        while place >= 0:
            number = bisect_right(starts, at + place) - 1
            following = starts[number + 1] if number + 1 < len(starts) else end
            within = at + place + len(raw) <= following
            if within:
                found.add(rows[number])
            place = region.find(raw, following - at if within else place + 1)
        at += PIECE
    return found
