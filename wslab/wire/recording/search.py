r"""Finds rows by what they are and what they say: `opcode=ping`, `Hello from=client`, `re:id=\d+`.

The views, `capture.find`, `wslab explain --find` and the links in the lessons' prose all search so.
Terms that stand side by side, or with `&` between them, must all fit:

    Hello world         this text, in letters of either case, in the content of a message, or in a
                        head; `"in quotes"` it may also be `"status=101"`
    re:id=\d+           a regular expression, in the same places; its letters have their case
    hex:81 05           these bytes, as they crossed the wire or in the content
    opcode=ping         a field: one of `NAMES`, or a header such as `Sec-WebSocket-Protocol=chat`
    text="a b"          the whole content of a frame of that kind

A content is unmasked, inflated, and joined from all frames of its message: the row that fits is the
one in which it begins.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import accumulate, islice
from typing import Literal, NamedTuple, Protocol, Self, get_args

from ..fields import Kind, Unit
from ..protocol.frames import BROKEN, FIN, KIND_OF_OPCODE, header_at, read_header
from ..protocol.headers import HEADERS
from .content_reader import OVERLAP, PIECE, Content, ContentReader, Part, close_text
from .index import CHECKED, FAULTY, HEAD, LARGE, Index
from .log import Log, whose_stream
from .patterns import Pattern
from .trimmed_stream import trimmed

BATCH = 2048
"""After so many rows a search pauses: some 5 ms."""
MOST_SPANS = 1000
"""The most places in one row that are told."""

_RUN = r".+?(?=\s*(?:&|$)|\s+(?:[\w-]+=|re:|hex:))"  # up to the next term
_TERM = re.compile(
    rf"""
      (?P<name>[\w-]+)= (?: "(?P<value>[^"]*)" | (?P<word>[^\s&"][^\s&]*) ) (?=[\s&]|$)
    | (?P<how>re|hex):  (?: "(?P<quoted>[^"]*)"(?=[\s&]|$) | (?P<rest>{_RUN})? )
    | "(?P<text>[^"]*)"(?=[\s&]|$)
    | (?![\w-]+=) (?P<run>{_RUN})
    """,
    re.VERBOSE | re.DOTALL,
)


class Recording(Protocol):
    """What is searched: a `Capture`."""

    log: Log

    @property
    def index(self) -> Index: ...
    def label(self, connection: int) -> str: ...


class _Place(NamedTuple):
    """A row, before anything of it is explained."""

    recording: Recording
    number: int
    stream: int
    start: int
    flags: int

    @property
    def kind(self) -> Kind:
        if self.flags & HEAD and (other := self.recording.index.other(self.number)):
            return other.kind
        return KIND_OF_OPCODE[self.flags & 0x0F]

    def bit(self, byte: int, mask: int) -> str:
        """Whether a frame has a bit of its header: "0" or "1"; "" for what is no frame."""
        if self.flags & HEAD:
            return ""
        return str(int(bool(self.recording.log.streams[self.stream][self.start + byte] & mask)))

    @property
    def length(self) -> int:
        """Bytes of a frame's payload."""
        data = self.recording.log.streams[self.stream]
        return -1 if self.flags & HEAD else header_at(data, self.start).payload_length

    @property
    def broken(self) -> bool:
        if not self.flags & (HEAD | CHECKED | BROKEN | FAULTY):
            return self.recording.index.rows(self.number, self.number + 1)[0].broken
        return bool(self.flags & (BROKEN | FAULTY))


_OF_ROW: dict[str, Callable[[_Place, str], bool]] = {
    # By its number, or by its name: the label is "#3 Ada".
    "connection": lambda row, value: (
        value in row.recording.label(row.stream // 2 + 1)[1:].split(" ", 1)
    ),
    "from": lambda row, value: whose_stream(row.stream)[1] == value,
    "kind": lambda row, value: row.kind == value,
    "opcode": lambda row, value: row.kind == value,  # `parse` makes the number a word
    "fin": lambda row, value: str(int(bool(row.flags & (FIN | HEAD)))) == value,
    "rsv1": lambda row, value: row.bit(0, 0x40) == value,
    "rsv2": lambda row, value: row.bit(0, 0x20) == value,
    "rsv3": lambda row, value: row.bit(0, 0x10) == value,
    "mask": lambda row, value: row.bit(1, 0x80) == value,
    "length": lambda row, value: str(row.length) == value,
    "broken": lambda row, value: str(int(row.broken)) == value,
}
"""What needs no explanation of the row."""

_OF_STREAM = ("connection", "from")
"""Those that are the same for a whole direction."""

_OF_UNIT: dict[str, tuple[Callable[[_Place], bool], Callable[[Unit, str], bool]]] = {
    "close_code": (lambda row: row.kind == "close", lambda unit, value: _close(unit)[0] == value),
    "reason": (lambda row: row.kind == "close", lambda unit, value: _close(unit)[1] == value),
    "status": (lambda row: row.kind == "response", lambda unit, value: _status(unit) == value),
    "rule": (
        lambda row: row.broken,
        lambda unit, value: any(broken.rule == value for broken in unit.violations),
    ),
}
"""What the unit has to be read for, and which rows can have it at all."""

_WITH_PAYLOAD = ("text", "binary", "continuation", "ping", "pong")
"""`text=Hello` is short for `kind=text payload=Hello`, and so on."""

_IN_CONTENT = ("contains", "re", "hex", "payload")
_BITS = ("fin", "rsv1", "rsv2", "rsv3", "mask", "broken")

NAMES = (*_OF_ROW, *_OF_UNIT, "payload", "contains", *_WITH_PAYLOAD, "which")

_FIELDS = {"kind": "opcode", "mask": "MASK", "length": "payload length", "status": "status line"}
"""How a unit names the field that a term is about, where the name is another one."""


class Span(NamedTuple):
    """Some bytes of a unit that are what was looked for."""

    offset: int
    """The first of them, in bytes from the beginning of what `of` says."""
    length: int
    """How many bytes."""
    of: Literal["wire", "content"]
    """`wire`: the unit as it crossed, `Unit.data`. `content`: the payload of a frame, unmasked, or
    what it was inflated to; the bytes of what is no frame."""


def on_the_wire(unit: Unit, spans: Iterable[Span]) -> list[tuple[int, int]]:
    """The bytes of `unit.data` that are found: offset and length of each run.

    What was found in an inflated content stands nowhere on the wire.
    """
    head = len(unit.data) - len(unit.payload)  # bytes before the content
    runs = {
        (
            span.offset + (head if span.of == "content" and unit.opcode is not None else 0),
            span.length,
        )
        for span in spans
        if span.of == "wire" or unit.inflated is None
    }
    return sorted(runs)


class Hit:
    """A row that fits."""

    def __init__(self, recording: Recording, search: Search, row: int) -> None:
        self._recording, self._search = recording, search
        self.row = row
        """Its number: `capture.index.unit(hit.row)` is the unit."""

    @property
    def where(self) -> tuple[Span, ...]:
        """What was found in it, in bytes; empty if nothing stands at one place, as in `from=`."""
        return self._search.where(self._recording, self.row)

    def __repr__(self) -> str:
        where = ", ".join(
            f"{span.of} bytes {span.offset} to {span.offset + span.length - 1}"
            for span in self.where
        )
        return f"<Hit: row {self.row}{where and f', {where}'}>"


class Search(NamedTuple):
    """What is looked for; `parse` reads it."""

    terms: tuple[tuple[str, str], ...]
    """Names and values, which must all fit."""
    which: int | None = None
    """Which of the rows that fit: 1 is the first, -1 the last; None: all of them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read terms with spaces or `&` between them, which must all fit.

        `which=first` (or `last`, or a number from 1 on) chooses among the rows. Raises ValueError
        for a name or value that cannot be.
        """
        terms: list[tuple[str, str]] = []
        which, at = None, 0
        while at < len(text):
            if text[at].isspace() or text[at] == "&":
                at += 1
                continue
            if not (found := _TERM.match(text, at)):
                raise ValueError(
                    f"expected terms such as opcode=ping, got {text[at:]!r} in {text!r}; a text "
                    "that is no term stands in quotes"
                )
            at, name = found.end(), found["name"] or found["how"] or "contains"
            parts = ("value", "word", "quoted", "rest", "text", "run")
            value = next((found[part] for part in parts if found[part] is not None), "")
            if name == "which":
                which = _which(value)
            else:
                terms += _terms(name, value)
        if not terms:
            raise ValueError(f"expected a term such as opcode=ping, got {text!r}")
        return cls(tuple(terms), which)

    def find(self, recording: Recording) -> Iterator[int | None]:
        """Yield the number of the row that `which` says, or of the last one, or end without it.

        Yields None after every `BATCH` rows, so that others can work in between.
        """
        finding = Finding(self, recording)
        while finding.step():
            yield None
        yield from self._chosen(sorted(finding.rows), self.which or -1)

    def hits(self, recording: Recording) -> list[Hit]:
        """The rows that fit, in their order."""
        finding = Finding(self, recording)
        while finding.step():
            pass
        rows = sorted(finding.rows)
        chosen = rows if self.which is None else self._chosen(rows, self.which)
        return [Hit(recording, self, row) for row in chosen]

    def _chosen(self, rows: list[int], which: int) -> list[int]:
        place = which - 1 if which > 0 else len(rows) + which
        return rows[place : place + 1] if place >= 0 else []

    def where(self, recording: Recording, number: int) -> tuple[Span, ...]:
        """Which bytes of a row's unit are what is looked for, in order; at most `MOST_SPANS`.

        Of a message in fragments it says also which bytes of it stand in this row, wherever it
        begins. It looks at the first MiB of each frame.
        """
        index = recording.index
        if index.is_gone(number):
            return ()
        terms = [term for term in self.terms if term[0] not in _IN_CONTENT]
        parts = index.parts(number)
        rows = [row for row, _ in parts] or [number]
        places = [_Place(recording, row, *index.place(row)) for row in rows]
        if not any(all(_fits(place, *term) for term in terms) for place in places):
            return ()
        unit = index.unit(number, LARGE)
        spans = (islice(_where(unit, parts, *term), MOST_SPANS) for term in self.terms)
        found = {span for some in spans for span in some if span.length}
        return tuple(sorted(found)[:MOST_SPANS])

    def within(self, content: bytes) -> list[tuple[int, int]]:
        """Which bytes of a message's content are looked for: offset and length, in order."""
        found: set[tuple[int, int]] = set()
        for name, value in self.terms:
            if name in ("contains", "re", "hex"):
                spans = islice(_seeker(name, value).spans(content), MOST_SPANS)
                found |= {(start, end - start) for start, end in spans}
        return sorted(found)[:MOST_SPANS]


class Finding:
    """A search as far as it has come: `step` goes on, also with what was recorded meanwhile."""

    def __init__(self, search: Search, recording: Recording) -> None:
        self.rows = array("I")
        """The rows that fit, as they were found: a long message is read after shorter ones that
        begin behind it."""
        self.looked = 0
        """How many rows have been looked at."""
        self._recording = recording
        self._terms = [term for term in search.terms if term[0] not in _IN_CONTENT]
        self._own_terms = [term for term in self._terms if term[0] not in _OF_STREAM]
        self._seekers = [_seeker(*term) for term in search.terms if term[0] in _IN_CONTENT]
        self._readers: dict[int, ContentReader] = {}
        # By stream, and by seeker: rows of the present message in which something begins, and rows
        # whose bytes on the wire have it.
        self._begun: dict[int, list[set[int]]] = {}
        self._crossed: dict[int, list[set[int]]] = {}
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
                places.append(_Place(recording, row, stream, at, flag))
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
        self.looked = stop
        return True

    def _place(self, row: int) -> _Place:
        return _Place(self._recording, row, *self._recording.index.place(row))

    def _is_of(self, stream: int) -> bool:
        """Whether the terms that are the same for a whole direction fit."""
        place = _Place(self._recording, 0, stream, 0, 0)
        whole = (term for term in self._terms if term[0] in _OF_STREAM)
        return all(_fits(place, *term) for term in whole)

    def _fits(self, place: _Place) -> bool:
        return all(_fits(place, *term) for term in self._terms)

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
        if unfinished := reader.unfinished:
            self._match(stream, unfinished)
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

    def _look_into(self, place: _Place) -> None:
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


# --- One term -------------------------------------------------------------------------------------


def _terms(name: str, value: str) -> Iterator[tuple[str, str]]:
    """The terms that one stands for. Raises ValueError for a name or value that cannot be."""
    if name in _WITH_PAYLOAD:
        yield "kind", name
        yield "payload", value
        return
    if name in ("kind", "opcode"):
        value = _kind(value)
    elif name == "from" and value not in ("client", "server"):
        raise ValueError(f"expected from=client or from=server, got from={value}")
    elif name in _BITS and value not in ("0", "1"):
        raise ValueError(f"expected {name}=0 or {name}=1, got {name}={value}")
    elif name == "hex":
        try:
            value = bytes.fromhex(value).hex()
        except ValueError:
            raise ValueError(
                f"expected bytes after hex: such as hex:81 05, got {value!r}"
            ) from None
    elif name == "re":
        _seeker(name, value)
    elif name not in (*NAMES, "re", "hex") and "-" not in name and name.lower() not in HEADERS:
        raise ValueError(
            f"expected one of {', '.join(NAMES)}, or the name of a header, got {name!r}; to find "
            f'it as a text, put it in quotes: "{name}={value}"'
        )
    if name in ("re", "hex", "contains") and not value:
        raise ValueError(f"expected something behind {name}{'=' * (name == 'contains') or ':'}")
    yield name, value


def _which(value: str) -> int:
    if value in ("first", "last"):
        return 1 if value == "first" else -1
    if not value.isdecimal() or int(value) == 0:
        raise ValueError(f"expected which=first, which=last or a number from 1 on, got {value!r}")
    return int(value)


def _kind(value: str) -> str:
    if value.isdecimal() and int(value) < len(KIND_OF_OPCODE):
        return KIND_OF_OPCODE[int(value)]
    if value not in get_args(Kind):
        raise ValueError(
            f"expected one of {', '.join(get_args(Kind))}, or an opcode from 0 to 15, got {value!r}"
        )
    return value


def _fits(place: _Place, name: str, value: str) -> bool:
    if name in _OF_ROW:
        return _OF_ROW[name](place, value)
    if name in _OF_UNIT:
        can, fits = _OF_UNIT[name]
        return can(place) and fits(place.recording.index.unit(place.number, LARGE), value)
    other = place.recording.index.other(place.number)
    if other is None or not other.has_head:
        return False
    words = {*other.head.all(name), *other.head.listed(name)}
    return value.casefold() in {word.casefold() for word in words}


class _Bytes:
    """Finds bytes: these, `raw`, or a text with its ASCII letters in either case."""

    def __init__(self, pattern: bytes, raw: bytes = b"") -> None:
        self._pattern, self._any_case = re.compile(pattern), not raw
        self.raw = raw

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        """Begin and end of each occurrence that begins at `begin` or later."""
        data = content.lower() if self._any_case else content
        return (found.span() for found in self._pattern.finditer(data, begin))

    def found(self, content: bytes) -> bool:
        data = content.lower() if self._any_case else content
        return self._pattern.search(data) is not None


class _Whole:
    """Finds what the whole content of a frame is."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def spans(self, content: bytes, begin: int = 0) -> Iterator[tuple[int, int]]:
        if content == self._content:
            yield 0, len(content)

    def found(self, content: bytes) -> bool:
        return content == self._content


_Seeker = _Bytes | _Whole | Pattern


@lru_cache(maxsize=64)
def _seeker(name: str, value: str) -> _Seeker:
    """What finds the value of a term in a content."""
    if name == "re":
        return Pattern(value)
    if name == "hex":
        raw = bytes.fromhex(value)
        return _Bytes(re.escape(raw), raw)
    if name == "payload":
        return _Whole(value.encode())
    # Only ASCII letters can be made small as bytes: others are looked for in each of their forms.
    pattern = b""
    for one in value:
        forms = {form.encode().lower() for form in (one, one.lower(), one.upper(), one.casefold())}
        pattern += b"(?:%s)" % b"|".join(map(re.escape, sorted(forms)))
    return _Bytes(pattern)


def _begins(seeker: _Seeker, content: Content) -> Iterator[int]:
    """The rows in which something begins that is looked for."""
    if isinstance(seeker, _Whole):
        yield from (part.row for part in content.parts if not part.at and seeker.found(part.data))
        return
    begins = [*accumulate((len(part.data) for part in content.parts), initial=0)]
    for start, _ in seeker.spans(content.data, content.begin):
        if content.stop is not None and start >= content.stop:
            return
        yield content.parts[bisect_right(begins, start) - 1].row


def _crossed(
    data: bytearray, seeker: _Seeker, rows: Sequence[int], starts: Sequence[int]
) -> set[int]:
    """The rows of a stream in whose bytes as they crossed the wire the bytes of `hex:` stand."""
    found, raw = set[int](), seeker.raw if isinstance(seeker, _Bytes) else b""
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


def _where(unit: Unit, parts: list[tuple[int, bytes]], name: str, value: str) -> Iterator[Span]:
    """The bytes of a unit that fit one term; `parts` are those of its message, if it has one."""
    if name in _IN_CONTENT:
        seeker, is_close = _seeker(name, value), unit.kind == "close"
        own = unit.data if unit.opcode is None else unit.payload
        own = close_text(own) if is_close else own
        content = Content([Part(row, 0, data) for row, data in parts or [(unit.number, own)]])
        if isinstance(seeker, _Whole):
            content = Content([part for part in content.parts if part.row == unit.number])
        for start, end in seeker.spans(content.data):
            for row, at, size in content.rows(start, end):
                if row == unit.number and is_close:
                    at, stop = (_in_close(edge) for edge in (start, end))
                    yield Span(at, stop - at, "content")
                elif row == unit.number:
                    yield Span(at, size, "content")
        if isinstance(seeker, _Bytes) and seeker.raw:
            for match in re.finditer(re.escape(seeker.raw), unit.data):
                yield Span(match.start(), len(seeker.raw), "wire")
    elif name in ("close_code", "reason"):
        size = len(unit.payload)
        yield Span(0, 2, "content") if name == "close_code" else Span(2, size - 2, "content")
    elif name not in ("connection", "from", "rule", "broken"):
        for field in unit.fields:
            if field.name.lower().removeprefix("extended ") == _FIELDS.get(name, name).lower():
                first, last = field.bit // 8, (field.bit + field.bits - 1) // 8
                yield Span(first, last - first + 1, "wire")


def _in_close(place: int) -> int:
    """Where a place of `close_text` is in the payload, which has the code in two bytes."""
    return place - 3 if place > 4 else 2 * (place > 3)


def _close(unit: Unit) -> tuple[str, str]:
    """The code and the reason of a close frame; both empty for anything else."""
    if unit.kind != "close" or len(unit.payload) < 2:
        return "", ""
    code = str(int.from_bytes(unit.payload[:2], "big"))
    return code, unit.payload[2:].decode("utf-8", "replace")


def _status(unit: Unit) -> str:
    return unit.data.partition(b" ")[2][:3].decode("ascii", "replace")
