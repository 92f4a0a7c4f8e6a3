"""A recording explained for people, as text: for a terminal, in colour or without.

Everything that a peer sent is escaped where it would move, hide or colour what stands on the line.
"""

from __future__ import annotations

import textwrap
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate

from . import frames
from .capture import Capture
from .fields import Kind, Unit, Violation
from .index import Row
from .preview import PREVIEW, printable

BATCH = 500
"""Rows that are listed at a time."""

MOST = 4096
"""Bytes of a frame's payload that are looked at to be shown."""
LINE = 16
"""Bytes in a line of hex."""
LINES = 8
"""Lines of hex of one field at most."""
VALUE = 60
"""Characters of a field's value at most."""
WIDTH = 100
"""Columns that the account keeps to, where it can: one line of `brief` is one line."""
INDENT = " " * 8

# Okabe-Ito, as the wire view has it, in the nearest of a terminal's 256 colours.
_COLOURS: dict[Kind, int] = {
    "request": 32,
    "response": 32,
    "text": 36,
    "binary": 214,
    "continuation": 184,
    "ping": 175,
    "pong": 175,
    "close": 202,
    "reserved": 246,
}
_BROKEN = 160
_ARROWS = {"client": "──▶", "server": "◀──"}


class Pen:
    """Colours text, or leaves it as it is."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def kind(self, kind: Kind, text: str) -> str:
        return self._write(f"38;5;{_COLOURS[kind]}", text)

    def bold(self, text: str) -> str:
        return self._write("1", text)

    def faint(self, text: str) -> str:
        return self._write("2", text)

    def broken(self, text: str) -> str:
        return self._write(f"1;38;5;{_BROKEN}", text)

    def _write(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def lines(
    capture: Capture, *, colour: bool = False, brief: bool = False, width: int = WIDTH
) -> Iterator[str]:
    """The account: one line a unit if `brief`, else each unit field by field."""
    for batch in batches(capture, colour=colour, brief=brief, width=width):
        yield from batch


def batches(
    capture: Capture, *, colour: bool = False, brief: bool = False, width: int = WIDTH
) -> Iterator[list[str]]:
    """The same, many lines at a time."""
    pen = Pen(colour)
    index = capture.index
    yield [pen.faint(f"note: {printable(note)}") for note in capture.notes]
    several = len(index.connections) > 1
    count = len(index)
    for start in range(0, count, BATCH):
        stop = min(start + BATCH, count)
        if brief:
            yield _batch_lines(capture, start, stop, several, pen)
            continue
        for row in index.rows(start, stop):
            unit = index.unit(row.number, MOST)
            yield [row_line(row, several, pen), *_unit_lines(unit, width, pen), ""]
    yield list(_ending(capture, pen))


def row_line(row: Row, several: bool, pen: Pen) -> str:
    """One unit on one line: when, who, what, how long, what it says."""
    whose = f"{row.connection:>3} " if several else ""
    kind = row.kind if row.fin else f"{row.kind}…"
    line = (
        f"{row.number:>7} {row.time:>11.6f} {whose}{row.direction} {_ARROWS[row.direction]} "
        f"{pen.kind(row.kind, f'{kind:<13}')} {row.length:>7}  {row.preview}"
    )
    if row.mark:
        line += "  " + pen.faint(f"[{printable(row.mark)}]")
    return f"{line}  {pen.broken('✗ broken')}" if row.broken else line


# Most lines of a long list are short whole texts. They are made together: unmasking and decoding
# hundreds at a time takes a quarter of the time that one after the other takes.

_SHORT = PREVIEW - 3
_LENGTHS = [f"{length:>7}" for length in range(_SHORT + 7)]
_KEY_TIMES = _SHORT // 4 + 1
_PRINTABLE = bytes(range(0x20, 0x7F))
_REGION = 1 << 18
"""Bytes of a stream in which frames are looked at together."""


def _batch_lines(capture: Capture, start: int, stop: int, several: bool, pen: Pen) -> list[str]:
    """The same lines as `row_line` gives for each."""
    index = capture.index
    starts, chunks, marks = index.spans(start, stop)
    lines = [""] * (stop - start)
    for stream, rows in _whole_texts(capture, start, chunks, marks).items():
        connection, direction = capture.whose_stream(stream)
        whose = f"{connection:>3} " if several else ""
        kind = pen.kind("text", f"{'text':<13}")
        where = f" {whose}{direction} {_ARROWS[direction]} {kind} "
        head = 6 if direction == "client" else 2
        rows, sizes, content, text = _short_texts(capture.streams[stream], rows, starts, head)
        if not rows:
            continue
        brought = [chunks[at] for at in rows]
        when = {chunk: f" {capture.log_time[chunk]:>11.6f}{where}" for chunk in set(brought)}
        ends = list(accumulate(sizes))
        said: list[str] | list[str | None]
        if text:
            said = [text[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        else:
            said = [
                _decode(content[end - size : end]) for size, end in zip(sizes, ends, strict=True)
            ]
        # One simple step after the other is done sooner than all that at once for each line.
        numbers = _numbers(start, rows)
        whens = [when[chunk] for chunk in brought]
        lengths = _LENGTHS[head:]
        some = [
            f'{number}{when}{lengths[size]}  "{part}"'
            for number, when, size, part in zip(numbers, whens, sizes, said, strict=True)
        ]
        if text and len(rows) == len(lines):
            return some
        for at, line, part in zip(rows, some, said, strict=True):
            if part is not None:
                lines[at] = line
    for at, line in enumerate(lines):
        if not line:
            lines[at] = row_line(index.rows(start + at, start + at + 1)[0], several, pen)
    return lines


def _whole_texts(
    capture: Capture, start: int, chunks: array[int], marks: array[int]
) -> dict[int, Sequence[int]]:
    """By stream: which of the rows are texts in one frame that break no rule of one frame."""
    log_stream, marked = capture.log_stream, capture.index.marked
    plain = frames.FIN | frames.Opcode.TEXT
    all_plain = marks.count(plain) + marks.count(plain | frames.CHECKED) == len(marks)
    if all_plain and not marked and len({log_stream[chunk] for chunk in chunks}) == 1:
        return {log_stream[chunks[0]]: range(len(marks))}
    done_to = {row - start for row in marked}
    texts: dict[int, list[int]] = {}
    for at, mark in enumerate(marks):
        if mark & ~frames.CHECKED == plain and at not in done_to:
            texts.setdefault(log_stream[chunks[at]], []).append(at)
    return dict(texts)


def _short_texts(
    data: bytes | bytearray, rows: Sequence[int], starts: array[int], head: int
) -> tuple[Sequence[int], list[int], bytes, str]:
    """Of rows of one stream the short ones, how long their texts are, and these in a row.

    As text too, if all is printable ASCII. `head` is the bytes before the payload.
    """
    base, last = starts[rows[0]], starts[rows[-1]]
    if last - base > _REGION:
        return [], [], b"", ""
    region = bytes(data[base : last + head + _SHORT])
    places = [starts[at] - base for at in rows]
    sizes = [region[place + 1] & 0x7F for place in places]
    firsts = bytes([region[place] for place in places])
    if max(sizes) > _SHORT or firsts.count(0x81) < len(places):
        short = [i for i, n in enumerate(sizes) if n <= _SHORT and firsts[i] == 0x81]
        rows = [rows[i] for i in short]
        places = [places[i] for i in short]
        sizes = [sizes[i] for i in short]
    whole = list(zip(places, sizes, strict=True))
    content = b"".join([region[place + head : place + head + size] for place, size in whole])
    if head == 6:
        keys = [(region[place + 2 : place + 6] * _KEY_TIMES)[:size] for place, size in whole]
        content = _xor(content, b"".join(keys))
    return rows, sizes, content, "" if content.translate(None, _PRINTABLE) else content.decode()


def _numbers(start: int, rows: Sequence[int]) -> list[str]:
    """The numbers of rows, which are in one batch, as `row_line` writes them."""
    first = start // 1000
    if not first or start % 1000 + rows[-1] >= 1000:
        return [f"{start + at:7}" for at in rows]
    thousands = f"{first:4}"
    if isinstance(rows, range):
        return [thousands + last for last in _LAST[start % 1000 :][: len(rows)]]
    return [thousands + _LAST[start % 1000 + at] for at in rows]


_LAST = [f"{number:03}" for number in range(1000)]


def _decode(content: bytes) -> str | None:
    """The text, if it may stand on a line as it is."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _xor(data: bytes, keys: bytes) -> bytes:
    number = int.from_bytes(data, "little") ^ int.from_bytes(keys, "little")
    return number.to_bytes(len(data), "little")


def _unit_lines(unit: Unit, width: int, pen: Pen) -> Iterator[str]:
    if unit.mark:
        yield pen.faint(f"        {printable(unit.mark)} on its way")
    if unit.opcode is not None and unit.data:
        yield from _hex_lines(unit, pen)
    yield from _field_lines(unit, width, pen)
    for violation in unit.violations:
        yield pen.broken(f"        ✗ {violation.rule}: {printable(violation.text)}") + pen.faint(
            f"  ({_earns(violation)})"
        )


def _earns(violation: Violation) -> str:
    earns = violation.rfc
    if violation.close_code is not None:
        earns += f", close code {violation.close_code}"
    if violation.http_status is not None:
        earns += f", status {violation.http_status}"
    return earns


def _hex_lines(unit: Unit, pen: Pen) -> Iterator[str]:
    """The header's bytes on one line, the payload's below, as they crossed the wire."""
    header = len(unit.data) - len(unit.payload)
    yield f"        {pen.kind(unit.kind, unit.data[:header].hex(' '))}"
    shown = unit.data[header : header + LINE * LINES]
    for start in range(0, len(shown), LINE):
        part = shown[start : start + LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        yield f"        {part.hex(' '):<{LINE * 3}} {pen.faint(text)}"
    left = unit.length - header - len(shown)
    if left > 0:
        yield pen.faint(f"        … {left:,} more bytes of payload")


def _field_lines(unit: Unit, width: int, pen: Pen) -> Iterator[str]:
    """Where in the unit (byte, or byte.bit), name, value; and what it means, below if need be."""
    names = max((len(field.name) for field in unit.fields), default=0)
    for field in unit.fields:
        whole = not (field.bit % 8 or field.bits % 8)
        where = f"{field.bit // 8}" if whole else f"{field.bit // 8}.{field.bit % 8}"
        value = "" if field.value is None else printable(str(field.value)[: VALUE + 1])
        if len(value) > VALUE:
            value = value[: VALUE - 1] + "…"
        name = f"{field.name:<{names}}"
        line = f"{INDENT}{where:>6}  {pen.bold(name)}  {pen.kind(unit.kind, value)}"
        # With spaces that textwrap keeps together: a reference is not cut in two.
        rfc = field.rfc.replace(" ", "\xa0")
        says = textwrap.wrap(f"{printable(field.meaning)} ({rfc})", max(30, width - 22))
        says = [part.replace("\xa0", " ") for part in says]
        used = len(INDENT) + 6 + 2 + names + 2 + len(value)
        if len(says) == 1 and used + 2 + len(says[0]) <= width:
            yield f"{line}  {pen.faint(says[0])}"
        else:
            yield line.rstrip()
            yield from (f"{INDENT}{'':>6}    {pen.faint(part)}" for part in says)


def _ending(capture: Capture, pen: Pen) -> Iterator[str]:
    index = capture.index
    for connection in index.connections:
        for direction in ("client", "server"):
            left = index.incomplete(connection, direction)
            if left:
                what = (
                    f"{left:,} bytes from the {direction} are"
                    if left > 1
                    else (f"1 byte from the {direction} is")
                )
                yield pen.broken(f"connection {connection}: the last {what} no whole unit")
                for violation in index.incomplete_violations(connection, direction):
                    yield pen.broken(f"        ✗ {violation.rule}: {printable(violation.text)}")
    units, connections = len(index), len(index.connections)
    yield pen.faint(
        f"{units:,} unit{'s' * (units != 1)} in {connections:,} "
        f"connection{'s' * (connections != 1)}"
    )
