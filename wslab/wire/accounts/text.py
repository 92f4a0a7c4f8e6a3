"""Explains a recording as text for a terminal, with or without colour.

Characters from a peer that would move, hide or colour text in a terminal are escaped.
"""

from __future__ import annotations

import itertools
import textwrap
from array import array
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache

from ..fields import Direction, Field, Kind, Unit, Violation
from ..kinds import ALARM, KINDS
from ..payloads import Inside, Insides
from ..protocol import frames
from ..recording.capture import Capture
from ..recording.ending import OTHER, Ending, endings
from ..recording.fast import unmask_short
from ..recording.index import CHECKED, Row
from ..recording.log import stream_number, whose_stream
from ..recording.preview import PREVIEW, printable
from ..recording.search import Hit, Span, on_the_wire, quotation
from ..recording.tail import Explanation, explanations

MOST = 4096
"""Bytes of a frame's payload that are read for showing it."""
LINE = 16
"""Bytes in a line of hex."""
LINES = 8
"""The most lines of hex for one frame."""
VALUE = 60
"""The most characters of a field's value."""
WIDTH = 100
"""Columns that the text is wrapped to; the lines of `brief` are never wrapped."""
SHORT = PREVIEW - 3
"""Bytes of the longest text that `brief` shows in full."""
BATCH = 1000
"""Rows whose lines are made together: their numbers differ in the last three digits only."""
REGION = 1 << 18
"""Bytes of the longest part of a stream from which texts are read together."""
INDENT = " " * 8
FOUND = 5
"""The most places in one unit that are quoted."""
SHOWN = 20
"""So many broken units behind a lost framing are listed; the others are one line at the end."""
SHOWN_UNPROVEN = 1000
"""The same where nothing proves what stands there: the broken units are all there is."""

WHOSE = 20
"""The most characters of a connection's label; the longest one of a recording sets the width."""

_ARROWS = {"client": "──▶", "server": "◀──"}


Labels = Mapping[int, str]
"""By connection: what stands before its rows."""


class Pen:
    """Writes text in colour, or plain."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def kind(self, kind: Kind, text: str) -> str:
        return self._write(f"38;5;{KINDS[kind].colour.terminal}", text)

    def bold(self, text: str) -> str:
        return self._write("1", text)

    def faint(self, text: str) -> str:
        return self._write("2", text)

    def broken(self, text: str) -> str:
        return self._write(f"1;38;5;{ALARM.terminal}", text)

    def _write(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def lines(
    capture: Capture,
    *,
    colour: bool = False,
    brief: bool = False,
    width: int = WIDTH,
    insides: Insides | None = None,
) -> Iterator[str]:
    """The lines of the text: one for each unit if `brief`, else each unit field by field.

    With `insides` also what is inside each message.
    """
    for block in text_pieces(capture, colour=colour, brief=brief, width=width, insides=insides):
        yield from block.removesuffix("\n").split("\n")


def text_pieces(
    capture: Capture,
    *,
    colour: bool = False,
    brief: bool = False,
    width: int = WIDTH,
    insides: Insides | None = None,
    hits: Mapping[int, Hit] | None = None,
) -> Iterator[str]:
    """The same text in pieces of many lines, each with its line end.

    With `hits`, by row, it has only these units, with a mark at what was found.
    """
    pen = Pen(colour)
    index = capture.index
    whose = row_labels(capture)
    lost = _Lost(capture)
    ended = _endings(capture) if hits is None else {}
    yield from (f"{pen.faint(f'note: {printable(note)}')}\n" for note in capture.notes)
    if brief and insides is None and hits is None:
        for start in range(0, len(index), BATCH):
            yield _brief(capture, start, whose, pen, lost, ended)
    else:
        for number in range(len(index)) if hits is None else hits:
            for one in ended.get(number - 1, ()):
                yield _ending_lines(one, whose, width, pen, brief)
            if hits is None and lost.folds(number):
                continue
            (row,) = index.rows(number, number + 1)
            found = insides.of(number) if insides else None
            line = lost.row_line(row, whose, pen)
            if lost.is_consequence(row):
                yield f"{line}\n" if brief else f"{line}\n\n"
                continue
            if brief:
                yield f"{line}  {pen.bold(printable(found.says))}\n" if found else f"{line}\n"
                continue
            unit = index.unit(number, MOST)
            inner = _inside_lines(found, unit.kind, width, pen) if found else ()
            told = lost.unit_lines(row, pen)
            where = hits[number].where if hits else ()
            units = _unit_lines(unit, width, pen, where)
            yield "\n".join([line, *units, *told, *inner, "\n"])
        for one in ended.get(len(index) - 1, ()):
            yield _ending_lines(one, whose, width, pen, brief)
    if hits is not None:
        yield pen.faint(f"{len(hits):,} of {len(index):,} units") + "\n"
        return
    yield from (f"{line}\n" for line in _summary(capture, width, pen, lost))


class _Lost:
    """Where directions lose their framing: the broken units behind it are consequences."""

    def __init__(self, capture: Capture) -> None:
        self.index = capture.index
        self.found = explanations(capture)
        self.folded: dict[int, int] = {}
        """By stream, how many units are not listed."""
        self._left = {
            stream_number(*whose): SHOWN if lost.proven else SHOWN_UNPROVEN
            for whose, lost in self.found.items()
        }
        self._broken = set[int]()  # broken rows of the batch that is being read
        self._batch = -1

    def folds(self, number: int) -> bool:
        """Whether a row is one of many consequences, and stays out of the list."""
        if not self._left:
            return False
        if number // BATCH != self._batch:
            self._batch = number // BATCH
            start = number // BATCH * BATCH
            self._broken = set(self.index.broken_rows(start, start + BATCH))
        if number not in self._broken or (stream := self.index.stream_of(number)) not in self._left:
            return False
        if self._left[stream]:
            self._left[stream] -= 1
            return False
        self.folded[stream] = self.folded.get(stream, 0) + 1
        return True

    def is_consequence(self, row: Row) -> bool:
        """Whether a row breaks rules only because of what stands before it."""
        lost = self.found.get((row.connection, row.direction))
        return row.broken and lost is not None and lost.proven and row.offset > lost.offset

    def row_line(self, row: Row, whose: Labels, pen: Pen) -> str:
        """A row's line, without a mark for a consequence."""
        if not self.is_consequence(row):
            return row_line(row, whose, pen)
        line = row_line(row._replace(broken=False), whose, pen)
        lost = self.found[row.connection, row.direction]
        return f"{line}  {pen.faint(f'a consequence of byte {lost.offset:,}: see the end')}"

    def unit_lines(self, row: Row, pen: Pen) -> Iterator[str]:
        """What a unit really is whose length is wrong."""
        lost = self.found.get((row.connection, row.direction))
        if lost is not None and lost.proven and lost.offset == row.offset:
            yield pen.broken(f"{INDENT}✗ {lost.says}") + pen.faint("  (see the end)")


def row_labels(capture: Capture) -> Labels:
    """What stands before each row to say whose it is; nothing where there is one connection."""
    labels = capture.labels()
    if len(labels) < 2:
        return {}
    short = {
        number: label if len(label) <= WHOSE else f"{label[: WHOSE - 1]}…"
        for number, label in labels.items()
    }
    width = max(map(len, short.values()))
    return {number: f"{label:<{width}} " for number, label in short.items()}


_Ended = Mapping[int, Sequence[Ending]]
"""By row: the endings that come after it."""


def _endings(capture: Capture) -> _Ended:
    found: dict[int, list[Ending]] = {}
    for ending in endings(capture).values():
        found.setdefault(ending.row or 0, []).append(ending)
    return found


def _ending_lines(ending: Ending, whose: Labels, width: int, pen: Pen, brief: bool) -> str:
    """How a connection ended, in its place in time."""
    label = whose.get(ending.connection, "")
    line = f"{'':>7} {ending.time:>11.6f} {label}{pen.bold(f'end: {printable(ending.says)}')}"
    if brief:
        return f"{line}\n"
    rfc = ending.rfc.replace(" ", "\xa0")  # textwrap must not split a reference
    told = printable(f"{ending.evidence} {ending.programs}".strip())
    more = textwrap.wrap(f"{told} ({rfc})".strip(), max(30, width - len(INDENT)))
    return "\n".join(
        [line, *(INDENT + pen.faint(part.replace("\xa0", " ")) for part in more), "\n"]
    )


def _brief(
    capture: Capture, start: int, whose: Labels, pen: Pen, lost: _Lost, ended: _Ended
) -> str:
    """The lines of a batch of rows from `start` on.

    Most rows of a long list are short texts. Their lines are made straight from the bytes, which
    takes a sixth of the time that a `Row` for each would take.
    """
    index, log = capture.index, capture.log
    starts, chunks, flags = index.spans(start, start + BATCH)
    times = {chunk: f" {log.time_of[chunk]:11.6f}" for chunk in set(chunks)}
    thousands, digits = (f"{start // BATCH:4}", _DIGITS) if start else ("", _FIRST)
    lines = [""] * len(starts)
    for stream, places in _whole_texts(capture, start, chunks, flags).items():
        connection, direction = whose_stream(stream)
        where = _where(whose.get(connection, ""), direction, "text", pen)
        head = 6 if direction == "client" else 2
        texts = _short_texts(log.streams[stream], [starts[at] for at in places], head)
        before = _before_texts(where, head)
        for at, text in zip(places, texts, strict=True):
            if text is not None:
                lines[at] = (
                    f'{thousands}{digits[at]}{times[chunks[at]]}{before[len(text)]}{text}"\n'
                )
    at = 0
    if lost.found:
        lines = [line or _FOLDED * lost.folds(start + at) for at, line in enumerate(lines)]
    for done, group in itertools.groupby([*map(bool, lines)]):
        stop = at + len(list(group))
        if not done:
            rows = index.rows(start + at, start + stop)
            lines[at:stop] = [f"{lost.row_line(row, whose, pen)}\n" for row in rows]
        at = stop
    for row in range(start, start + len(lines)) if ended else ():
        if row in ended:
            told = (_ending_lines(one, whose, 0, pen, True) for one in ended[row])
            lines[row - start] += "".join(told)
    return "".join(lines).replace(_FOLDED, "")


_FOLDED = "\0"
"""In place of a line that is left out: no line has this character."""


# Row numbers as text, made in advance: formatting each one anew would take longer.
_FIRST = [f"{number:7}" for number in range(BATCH)]
_DIGITS = [f"{number:03}" for number in range(BATCH)]  # after the thousands


@lru_cache(maxsize=256)
def _before_texts(where: str, head: int) -> list[str]:
    """The part of a line between the time and the text, for each length of the text."""
    return [f'{where}{head + size:7}  "' for size in range(SHORT + 1)]


def _whole_texts(
    capture: Capture, start: int, chunks: array[int], flags: array[int]
) -> dict[int, list[int]]:
    """By stream, the rows that are texts in a single frame and whose header breaks no rule."""
    streams = {chunk: capture.log.stream_of[chunk] for chunk in set(chunks)}
    plain = frames.FIN | frames.Opcode.TEXT, frames.FIN | frames.Opcode.TEXT | CHECKED
    places = [at for at, flag in enumerate(flags) if flag in plain]
    if capture.index.marked:
        places = [at for at in places if not capture.index.marks(start + at)]
    if len(set(streams.values())) == 1:
        return {stream: places for stream in streams.values() if places}
    texts: dict[int, list[int]] = {}
    for at in places:
        texts.setdefault(streams[chunks[at]], []).append(at)
    return texts


def _short_texts(data: bytes | bytearray, starts: Sequence[int], head: int) -> Sequence[str | None]:
    """The texts of frames whose headers have `head` bytes; None for a text that is long, is
    compressed or has to be escaped."""
    if starts[-1] - starts[0] > REGION:
        return [None] * len(starts)
    stop = starts[-1] + head + SHORT
    region = unmask_short(data, starts, stop) if head == 6 else bytes(data[starts[0] : stop])
    begins = [start - starts[0] for start in starts]
    sizes = [region[begin + 1] & 0x7F for begin in begins]
    said = region.decode("latin-1")
    texts = [
        said[begin + head : begin + head + size] for begin, size in zip(begins, sizes, strict=True)
    ]
    firsts = [said[begin] for begin in begins]
    if firsts.count("\x81") == len(firsts) and max(sizes) <= SHORT and _plain("".join(texts)):
        return texts
    return [
        text if first == "\x81" and len(text) <= SHORT and _plain(text) else None
        for first, text in zip(firsts, texts, strict=True)
    ]


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def row_line(row: Row, whose: Labels, pen: Pen) -> str:
    """One unit on one line: its time, sender, kind, length and beginning."""
    label = whose.get(row.connection, "")
    where = _where(label, row.direction, row.kind, pen, "" if row.fin else "…")
    line = f"{row.number:>7} {row.time:>11.6f}{where}{row.length:>7}  {row.preview}"
    if row.mark:
        line += "  " + pen.faint(f"[{printable(row.mark)}]")
    return f"{line}  {pen.broken('✗ broken')}" if row.broken else line


def _where(whose: str, direction: Direction, kind: Kind, pen: Pen, more: str = "") -> str:
    """The part of a line between time and length: the sender and the kind."""
    word = f"{kind}{more}"
    return f" {whose}{direction} {_ARROWS[direction]} {pen.kind(kind, f'{word:<13}')} "


def _unit_lines(unit: Unit, width: int, pen: Pen, where: Sequence[Span] = ()) -> Iterator[str]:
    if unit.mark:
        yield pen.faint(f"        {printable(unit.mark)} on its way")
    if unit.opcode is not None and unit.data:
        runs = on_the_wire(unit, where) if where else ()
        found = {at for start, size in runs for at in range(start, start + min(size, MOST))}
        yield from _hex_lines(unit, pen, found)
    if where:
        yield from _found_lines(unit, where, pen)
    yield from _field_lines(unit.fields, unit.kind, width, pen)
    for violation in unit.violations:
        yield pen.broken(f"        ✗ {violation.rule}: {printable(violation.text)}") + pen.faint(
            f"  ({_section_and_code(violation)})"
        )


def _section_and_code(violation: Violation) -> str:
    text = violation.rfc
    if violation.close_code is not None:
        text += f", close code {violation.close_code}"
    if violation.http_status is not None:
        text += f", status {violation.http_status}"
    return text


def _found_lines(unit: Unit, where: Sequence[Span], pen: Pen) -> Iterator[str]:
    """What was found in the content, which the bytes on the wire may not show."""
    spans = [span for span in where if span.of == "content" and unit.kind != "close"]
    for span in spans[:FOUND]:
        what = f"{'inflated ' * (unit.inflated is not None)}content:"
        place = f"found at byte {span.offset:,} of the {what}"
        yield f"{INDENT}{pen.bold(place)} {quotation(unit, span)}"
    if len(spans) > FOUND:
        yield f"{INDENT}… and {len(spans) - FOUND:,} times more"


def _hex_lines(unit: Unit, pen: Pen, found: Set[int] = frozenset()) -> Iterator[str]:
    """The bytes as they crossed the wire: the header on one line, the payload below.

    A line of ^^ stands below bytes that were found.
    """
    header = len(unit.data) - len(unit.payload)
    yield f"        {pen.kind(unit.kind, unit.data[:header].hex(' '))}"
    if found:
        yield from _below(found, 0, header, pen, text=False)
    shown = unit.data[header : header + LINE * LINES]
    for start in range(0, len(shown), LINE):
        part = shown[start : start + LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        yield f"        {part.hex(' '):<{LINE * 3}} {pen.faint(text)}"
        if found:
            yield from _below(found, header + start, len(part), pen)
    left = unit.length - header - len(shown)
    if left > 0:
        yield pen.faint(f"        … {left:,} more bytes of payload")


def _below(found: Set[int], start: int, size: int, pen: Pen, text: bool = True) -> Iterator[str]:
    """The marks below a line of hex, if any of its bytes was found."""
    marks = ["^" if at in found else " " for at in range(start, start + size)]
    if "^" in marks:
        line = " ".join(2 * mark for mark in marks)
        yield INDENT + pen.bold(f"{line:<{LINE * 3}} {''.join(marks) if text else ''}".rstrip())


def _inside_lines(found: Inside, kind: Kind, width: int, pen: Pen) -> Iterator[str]:
    """What is inside the message that ends here: its fields, their places in its content."""
    size, many = len(found.message.content), found.message.frames
    of = f" of {many} frames" if many > 1 else ""
    what = f"inside: {printable(found.says)}, a message{of} with {size:,} bytes"
    yield f"        {pen.bold(what)}"
    yield from _field_lines(found.fields, kind, width, pen)


def _field_lines(fields: Sequence[Field], kind: Kind, width: int, pen: Pen) -> Iterator[str]:
    """Each field on a line or two: its place (byte, or byte.bit), name, value and meaning."""
    names = min(max((len(field.name) for field in fields), default=0), VALUE)
    for field in fields:
        whole = not (field.bit % 8 or field.bits % 8)
        where = f"{field.bit // 8}" if whole else f"{field.bit // 8}.{field.bit % 8}"
        value = "" if field.value is None else printable(str(field.value)[: VALUE + 1])
        if len(value) > VALUE:
            value = value[: VALUE - 1] + "…"
        name = f"{field.name:<{names}}"
        line = f"{INDENT}{where:>6}  {pen.bold(printable(name))}  {pen.kind(kind, value)}"
        # Non-breaking spaces: textwrap must not split a reference.
        rfc = field.rfc.replace(" ", "\xa0")
        says = textwrap.wrap(f"{printable(field.meaning)} ({rfc})", max(30, width - 22))
        says = [part.replace("\xa0", " ") for part in says]
        used = len(INDENT) + 6 + 2 + names + 2 + len(value)
        if len(says) == 1 and used + 2 + len(says[0]) <= width:
            yield f"{line}  {pen.faint(says[0])}"
        else:
            yield line.rstrip()
            yield from (f"{INDENT}{'':>6}    {pen.faint(part)}" for part in says)


def _summary(capture: Capture, width: int, pen: Pen, lost: _Lost) -> Iterator[str]:
    index = capture.index
    for connection in index.connections:
        for direction in _DIRECTIONS:
            left = index.incomplete(connection, direction)
            whose = f"connection {capture.label(connection)}"
            found = lost.found.get((connection, direction))
            told: tuple[str, ...] = ()
            if found is not None:
                folded = lost.folded.get(stream_number(connection, direction), 0)
                told = tuple(_explanation_lines(found, whose, folded, width, pen))
            if left:
                what = (
                    f"{left:,} bytes from the {direction} are"
                    if left > 1
                    else (f"1 byte from the {direction} is")
                )
                line = f"{whose}: the last {what} no whole unit"
                other = lost.found.get((connection, OTHER[direction]))
                if found is None and other is not None and not index.is_upgraded(connection):
                    line += f": they wait for the end of the {other.direction}'s head, see there"
                if found is not None and found.proven:
                    end = len(capture.log.streams[stream_number(connection, direction)])
                    if end - left > found.offset:
                        line += f": a consequence of byte {found.offset:,}, see below"
                    yield pen.broken(line)
                else:
                    yield pen.broken(line)
                    for violation in index.incomplete_violations(connection, direction):
                        yield pen.broken(f"        ✗ {violation.rule}: {printable(violation.text)}")
            yield from told
    units, connections = len(index), len(index.connections)
    yield pen.faint(
        f"{units:,} unit{'s' * (units != 1)} in {connections:,} "
        f"connection{'s' * (connections != 1)}"
    )


_DIRECTIONS: tuple[Direction, Direction] = ("client", "server")


def _explanation_lines(
    found: Explanation, whose: str, folded: int, width: int, pen: Pen
) -> Iterator[str]:
    """What stands where the framing of a direction is lost: the bytes and the evidence."""
    if not found.proven and not folded:
        return  # its few faults are listed
    line = f"{whose}: byte {found.offset:,} from the {found.direction}: {found.says}"
    yield pen.broken(line) + pen.faint(f"  ({found.rfc})")
    for part in textwrap.wrap(printable(found.evidence), max(30, width - len(INDENT))):
        yield f"{INDENT}{part}"
    for start in range(0, min(len(found.data), LINE * 4), LINE):
        piece = found.data[start : start + LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        yield f"{INDENT}{piece.hex(' '):<{LINE * 3}} {pen.faint(text)}"
    if found.length > LINE * 4:
        yield pen.faint(f"{INDENT}… {found.length - LINE * 4:,} more bytes")
    if folded:
        units = f"{folded:,} more broken unit{'s' * (folded != 1)}"
        yield pen.faint(f"{INDENT}{units} behind it are not listed: they were cut at wrong places")
