"""One line a unit, for recordings of very many.

Most lines of a long list are short whole texts. Those of one length are made together, column by
column: unmasking byte 3 of five hundred of them is one step, and so is writing the third digit of
their numbers. That takes a quarter of the time that one line after the other takes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from ..fields import Direction
from ..protocol import frames
from ..recording.capture import Capture
from ..recording.index import Row
from ..recording.log import whose_stream
from ..recording.preview import PREVIEW

T = TypeVar("T")

BATCH = 1000
"""Units whose lines are made at a time: they differ in the last three digits of their numbers."""
REGION = 1 << 18
"""Bytes of a stream in which texts are looked at together."""
SHORT = PREVIEW - 3
"""Bytes of a text that is shown whole."""

_PRINTABLE = bytes(range(0x20, 0x7F))
_FIRST_NUMBERS = [b"%7d" % number for number in range(BATCH)]
_LAST_DIGITS = [b"%03d" % number for number in range(BATCH)]


def blocks(
    capture: Capture, line: Callable[[Row], str], where: Callable[[int, Direction], str]
) -> Iterator[str]:
    """All units, a thousand lines at a time.

    `line` writes the line of any unit: number, time, where, length, text. `where` gives what it
    writes for a text between the time and the length.
    """
    count = len(capture.index)
    for start in range(0, count, BATCH):
        yield _block(capture, start, min(start + BATCH, count), line, where)


def _block(
    capture: Capture,
    start: int,
    stop: int,
    line: Callable[[Row], str],
    where: Callable[[int, Direction], str],
) -> str:
    index = capture.index
    starts, chunks, marks = index.spans(start, stop)
    lines = [""] * (stop - start)
    for stream, rows in _whole_texts(capture, start, chunks, marks).items():
        between = where(*whose_stream(stream))
        for group in _equally_long(capture, stream, rows, starts):
            brought = _picked(chunks, group.rows)
            when = {chunk: b" %11.6f" % capture.log.time_of[chunk] for chunk in set(brought)}
            times = b"".join(map(when.__getitem__, brought))
            if len(times) != len(brought) * len(when[brought[0]]):
                continue  # it gets to ten thousand seconds right here
            text = _lines(group, start, times, between)
            if len(brought) == len(lines):
                return text
            width = len(text) // len(brought)
            for place, at in enumerate(group.rows):
                lines[at] = text[place * width : (place + 1) * width]
    for at, made in enumerate(lines):
        if not made:
            lines[at] = line(index.rows(start + at, start + at + 1)[0]) + "\n"
    return "".join(lines)


def _whole_texts(
    capture: Capture, start: int, chunks: array[int], marks: array[int]
) -> dict[int, Sequence[int]]:
    """By stream: which of the rows are texts in one frame that break no rule of one frame."""
    stream_of, marked = capture.log.stream_of, capture.index.marked
    plain = frames.FIN | frames.Opcode.TEXT
    all_plain = marks.count(plain) + marks.count(plain | frames.CHECKED) == len(marks)
    if all_plain and not marked and len({stream_of[chunk] for chunk in set(chunks)}) == 1:
        return {stream_of[chunks[0]]: range(len(marks))}
    done_to = {row - start for row in marked}
    texts: dict[int, list[int]] = {}
    for at, mark in enumerate(marks):
        if mark & ~frames.CHECKED == plain and at not in done_to:
            texts.setdefault(stream_of[chunks[at]], []).append(at)
    return dict(texts)


class _Group(NamedTuple):
    """Printable texts that are equally long."""

    rows: Sequence[int]
    length: int
    """Bytes of the frame."""
    content: bytes | bytearray
    """The texts, one behind the other."""


def _equally_long(
    capture: Capture, stream: int, rows: Sequence[int], starts: array[int]
) -> Iterator[_Group]:
    """The short texts of one stream, by length, as far as they are printable ASCII."""
    data = capture.log.streams[stream]
    base, last = starts[rows[0]], starts[rows[-1]]
    if last - base > REGION:
        return
    head = 6 if whose_stream(stream)[1] == "client" else 2
    region = bytes(data[base : last + head + SHORT])
    begins = starts if len(rows) == len(starts) else _picked(starts, rows)
    before = base - 1
    seconds = bytes([region[start - before] for start in begins])  # of each frame: MASK, length
    members: dict[int, Sequence[int]] = {seconds[0]: range(len(rows))}
    if seconds.count(seconds[0]) < len(rows):
        lists: dict[int, list[int]] = {}
        for which, second in enumerate(seconds):
            lists.setdefault(second, []).append(which)
        members = dict(lists)
    for second, group in members.items():
        size = second & 0x7F
        if size > SHORT:
            continue
        length = head + size
        first, last = begins[group[0]] - base, begins[group[-1]] - base
        if last - first == (len(group) - 1) * length:  # one right behind the other
            whole = region[first : last + length]
        else:
            there = [begins[which] - base for which in group]
            whole = b"".join([region[start : start + length] for start in there])
        content = _unmasked(whole, head, size)
        firsts = whole[::length]
        if firsts.count(0x81) < len(group) or content.translate(None, _PRINTABLE):
            texts = [content[at * size : (at + 1) * size] for at in range(len(group))]
            fine = [
                (which, text)
                for which, text, first_byte in zip(group, texts, firsts, strict=True)
                if first_byte == 0x81 and not text.translate(None, _PRINTABLE)
            ]
            group = [which for which, _ in fine]
            content = b"".join([text for _, text in fine])
        if group:
            same = rows if len(group) == len(rows) else _picked(rows, group)
            yield _Group(same, length, content)


def _picked(values: Sequence[T], places: Sequence[int]) -> list[T]:
    return list(map(values.__getitem__, places))


def _unmasked(whole: bytes, head: int, size: int) -> bytes | bytearray:
    """The payloads of equally long frames, one behind the other."""
    length = head + size
    content = bytearray(len(whole) // length * size)
    for at in range(size):
        content[at::size] = whole[head + at :: length]
    if head == 2:
        return content
    keys = bytearray(len(content))
    for at in range(size):
        keys[at::size] = whole[2 + at % 4 :: length]
    number = int.from_bytes(content, "little") ^ int.from_bytes(keys, "little")
    return number.to_bytes(len(content), "little")


def _lines(group: _Group, start: int, times: bytes, where: str) -> str:
    rows, length, content = group
    numbers = _LAST_DIGITS if start else _FIRST_NUMBERS
    columns = b"".join(_picked(numbers, rows)), times, content
    number, time, text = widths = [len(column) // len(rows) for column in columns]
    before = b"%4d" % (start // BATCH) if start else b""
    between = f'{where}{length:>7}  "'.encode()
    line = b"".join([before, bytes(number + time), between, bytes(text), b'"\n'])
    lines = bytearray(line * len(rows))
    places = len(before), len(before) + number, len(before) + number + time + len(between)
    for column, width, place in zip(columns, widths, places, strict=True):
        for at in range(width):
            lines[place + at :: len(line)] = column[at::width]
    return lines.decode()
