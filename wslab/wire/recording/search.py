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
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple, Self, get_args

from ..fields import Kind, Unit
from ..protocol.frames import KIND_OF_OPCODE
from ..protocol.headers import HEADERS
from ..protocol.utf8 import is_utf8
from .content_reader import Content, Part, close_text
from .finding import IN_CONTENT, Finding
from .index import LARGE
from .preview import printable
from .row_terms import OF_ROW, OF_UNIT, Place, Recording, fits
from .seekers import Bytes, Whole, seeker_of

MOST_SPANS = 1000
"""The most places in one row that are told."""
QUOTED, AROUND = 60, 20
"""Bytes of what was found that are quoted at most, and of what stands on each side of it."""

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


_WITH_PAYLOAD = ("text", "binary", "continuation", "ping", "pong")
"""`text=Hello` is short for `kind=text payload=Hello`, and so on."""

_BITS = ("fin", "rsv1", "rsv2", "rsv3", "mask", "broken")

NAMES = (*OF_ROW, *OF_UNIT, "payload", "contains", *_WITH_PAYLOAD, "which")

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


def quotation(unit: Unit, span: Span) -> str:
    """What was found in a content, with what stands around it: `He«ll»o`; hex if it is no text."""
    content = unit.data if unit.opcode is None else unit.payload
    content = content if unit.inflated is None else unit.inflated
    start, stop = span.offset, span.offset + span.length
    found = content[start : min(stop, start + QUOTED)]
    if not is_utf8(found):
        return found.hex(" ")
    before, after = content[max(0, start - AROUND) : start], content[stop : stop + AROUND]
    around = (before.decode(errors="ignore"), after.decode(errors="ignore"))
    return printable(f"{around[0]}«{found.decode()}»{around[1]}")


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
        finding = Finding(self.terms, recording)
        while finding.step():
            yield None
        yield from self._chosen(sorted(finding.rows), self.which or -1)

    def hits(self, recording: Recording) -> list[Hit]:
        """The rows that fit, in their order."""
        finding = Finding(self.terms, recording)
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
        terms = [term for term in self.terms if term[0] not in IN_CONTENT]
        parts = index.parts(number)
        rows = [row for row, _ in parts] or [number]
        places = [Place(recording, row, *index.place(row)) for row in rows]
        if not any(all(fits(place, *term) for term in terms) for place in places):
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
                spans = islice(seeker_of(name, value).spans(content), MOST_SPANS)
                found |= {(start, end - start) for start, end in spans}
        return sorted(found)[:MOST_SPANS]


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
        seeker_of(name, value)
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


def _where(unit: Unit, parts: list[tuple[int, bytes]], name: str, value: str) -> Iterator[Span]:
    """The bytes of a unit that fit one term; `parts` are those of its message, if it has one."""
    if name in IN_CONTENT:
        seeker, is_close = seeker_of(name, value), unit.kind == "close"
        own = unit.data if unit.opcode is None else unit.payload
        own = close_text(own) if is_close else own
        content = Content([Part(row, 0, data) for row, data in parts or [(unit.number, own)]])
        if isinstance(seeker, Whole):
            content = Content([part for part in content.parts if part.row == unit.number])
        for start, end in seeker.spans(content.data):
            for row, at, size in content.rows(start, end):
                if row == unit.number and is_close:
                    at, stop = (_in_close(edge) for edge in (start, end))
                    yield Span(at, stop - at, "content")
                elif row == unit.number:
                    yield Span(at, size, "content")
        if isinstance(seeker, Bytes) and seeker.raw:
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
