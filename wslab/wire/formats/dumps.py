"""Reads dumps, whose lines have an offset in front: hexdump, xxd, od, tcpdump -x, gdb, Wireshark.

The offsets tell how many bytes a line holds, and so in which base they and the bytes are written.
Words of several bytes may be in the order of memory, or be numbers with the lowest byte behind: the
column of text tells, or the program that writes so.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..recording.log import CaptureError
from .readings import NoWholeDump, Pasted, choose

MOST = 2**20
"""Bytes of the longest dump in which lines are left out: a few lines could stand for gigabytes."""

SEVERAL = "give one packet at a time, or make a file of packets: text2pcap FILE capture.pcap"

LONGEST = 1000
"""Characters of a line in which the column of text may begin."""
_LINE = re.compile(r"\s*(?:0x)?([0-9A-Fa-f]{4,16})(?: <[^>]*>)?(:?\s+|:)(?=[-0-9A-Fa-f])")
_END = re.compile(r"\s*(?:0x)?([0-9A-Fa-f]{4,16})\s*()")
_BYTES = re.compile(r"\s*(?!0?0\s+0?1\s+0?2\s)[0-9A-Fa-f]{2}(?:\s+[0-9A-Fa-f]{2})*\s*")
"""A line of bytes alone; not the numbers above the columns of a dump."""

_FORMS = (
    ("a dump with offsets", re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2})+)"), 16),
    ("a dump in binary digits", re.compile(r"([01]{8})"), 2),
    ("a dump in octal", re.compile(r"([0-3][0-7]{2})"), 8),
    ("a dump in decimal", re.compile(r"(-?(?:0|[1-9]\d{0,2}))"), 10),
)
"""The name of a form, a word of bytes in it, and the base of its numbers."""


class _Row(NamedTuple):
    """A line of a dump."""

    line: str
    begin: int
    """Where the bytes begin, behind the offset."""
    repeated: bool = False
    """Whether lines like it follow, which were left out."""

    @property
    def offset(self) -> str:
        start = _start(self.line)
        return start[1] if start else ""

    @property
    def rest(self) -> str:
        """The bytes, and the text that may stand beside them."""
        rest = self.line[self.begin :].rstrip()
        return rest.partition("  |")[0] if rest.endswith("|") else rest

    @property
    def text(self) -> str:
        """What stands between bars."""
        rest = self.line[self.begin :].rstrip()
        return rest.partition("  |")[2].removesuffix("|") if rest.endswith("|") else ""


def read_dump(text: str) -> Pasted | None:
    """The bytes of a dump, without offsets and text; None for what is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    at = [number for number, line in enumerate(lines) if _start(line)]
    if not at or any(map(_BYTES.fullmatch, [*lines[: at[0]], *lines[at[-1] + 1 :]])):
        return None
    rows: list[_Row] = []
    offsets = (int(start[1], 16) for number in at if (start := _start(lines[number])))
    if next(offsets) == 0 and next(offsets, 0) in (8, 16, 32) and 0 in offsets:
        raise NoWholeDump(f"expected one dump, got several: {SEVERAL}")
    for line in lines[at[0] : at[-1] + 1]:
        if start := _start(line):
            rows.append(_Row(line, start.end()))
        elif line.strip() == "*":
            rows[-1] = rows[-1]._replace(repeated=True)
        else:
            return None
    first = lines[at[0]].strip()
    has_colon, from_zero = ":" in first, not int(rows[0].offset, 16)
    if not rows[0].rest or (len(rows) == 1 and not (from_zero and re.search(r":|\||  ", text))):
        return None  # its first word may as well be bytes
    is_short = len(rows[0].offset) == 7  # as od and hexdump print it
    for radix in (16, 10, 8) if is_short else (16, 10) if has_colon else (16,):
        found = next(filter(None, (list(_read(rows, radix, form)) for form in _FORMS)), [])
        # Where there is no column of text, xxd's groups have a colon and are in order, and gdb's
        # words have 0x; what hexdump and od print can be told by the bytes alone.
        by_text = [pasted for pasted, beside, _ in found if beside]
        if found:
            usual = [pasted for pasted, _, swapped in found if not (has_colon and swapped)]
            numbers = [pasted for pasted, _, swapped in found if swapped]
            is_gdb = rows[0].rest.startswith("0x")
            return choose(by_text or (numbers if is_gdb and numbers else usual))
    if from_zero and is_short:
        raise NoWholeDump(
            "expected a dump whose lines hold the bytes that their offsets say; got other units, "
            "as od prints them without options: have hexdump -C or od -tx1 print it"
        )
    if from_zero:
        _check(rows)
    return None


def _start(line: str) -> re.Match[str] | None:
    """The offset in front of a line, or the length of all that stands alone behind it."""
    return _LINE.match(line) or _END.fullmatch(line)


def _read(
    rows: list[_Row], radix: int, form: tuple[str, re.Pattern[str], int]
) -> Iterator[tuple[Pasted, bool, bool]]:
    """Readings that agree with the offsets; whether the text agrees, whether words are swapped."""
    try:
        offsets = [int(row.offset, radix) - int(rows[0].offset, radix) for row in rows]
    except ValueError:
        return
    steps = [after - before for before, after in itertools.pairwise(offsets)]
    if any(step < 1 for step in steps):
        return
    single = [step for step, row in zip(steps, rows, strict=False) if not row.repeated]
    if len(single) < len(steps) and offsets[-1] > MOST:
        raise CaptureError(
            f"expected a dump of at most {MOST:,} bytes, got offset {offsets[-1]:#x}"
        )
    # The bytes, and the same with each word the other way round; whether the text is theirs.
    both, fits, has_text = (bytearray(), bytearray()), [True, True], False
    column, wide = 0, False
    for number, row in enumerate(rows):
        step = steps[number] if number < len(steps) else 0
        size = 0 if row.repeated else step
        whole = row.rest
        rest = whole if size or column else _before_text(whole)
        words, end = _words(rest, form, size or max(single, default=16), 0 if size else column)
        count = sum(map(len, words))
        if (not count and whole) or count < size or (row.repeated and step % max(1, count)):
            return
        if count > size > 0 and number < len(rows) - 2:
            return  # the last word alone may be filled up
        column = max(column, end) if size else column
        beside = row.text or re.sub(r"^>(.*)<$", r"\1", whole[end:].strip())
        wide |= any(len(word) > 1 for word in words)
        has_text |= bool(beside)
        for which, order in enumerate((1, -1)):
            line = b"".join(word[::order] for word in words)[: step or count]
            fits[which] &= is_text_of(line, beside)
            both[which].extend(line * ((step or count) // len(line)) if line else b"")
    if has_text and not column and not any(fits):
        return  # no other line tells that this is the column of text
    yield Pasted(bytes(both[0]), form[0]), fits[0] and has_text, False
    if wide:
        name = "a dump of words, each with its lowest byte behind"
        yield Pasted(bytes(both[1]), name), fits[1] and has_text, True


def _words(
    rest: str, form: tuple[str, re.Pattern[str], int], most: int, column: int
) -> tuple[list[bytes], int]:
    """The words of a line, at most `most` bytes and before `column`, and where they end."""
    found: list[bytes] = []
    size = end = 0
    _, pattern, base = form
    for word in re.finditer(r"\S+", rest):
        match = pattern.fullmatch(word[0])
        if match is None or size >= most or (column and word.start() >= column):
            break
        value = int(match[1], base) if base != 16 else 0
        if not -129 < value < 256:
            break
        found.append(bytes.fromhex(match[1]) if base == 16 else bytes((value & 0xFF,)))
        size, end = size + len(found[-1]), word.end()
    return found, end


def _before_text(rest: str) -> str:
    """A line without its column of text, where no other line tells where that begins."""
    for gap in re.finditer(r"\s{2,}", rest[:LONGEST]):
        digits = re.sub(r"\s", "", rest[: gap.start()])
        if len(digits) // 2 == len(rest[gap.end() :].rstrip()):
            return rest[: gap.start()]
    return rest


def is_text_of(data: bytes, text: str) -> bool:
    """Whether `text` can be the column that a dump puts beside these bytes."""
    shown = "".join(chr(byte) if 32 < byte < 127 else "." for byte in data)
    return shown.strip(".") == re.sub(r"[^!-~]", ".", text).strip(".")


def _check(rows: list[_Row]) -> None:
    """Raise for a dump in hex whose offsets do not agree with its bytes."""
    expected = 0
    for row in rows:
        if int(row.offset, 16) != expected:
            raise NoWholeDump(
                f"expected offset {expected:#x} in the dump, got {int(row.offset, 16):#x}: "
                + ("is a line missing?" if int(row.offset, 16) else SEVERAL)
            )
        words, _ = _words(_before_text(row.rest), _FORMS[0], 16, 0)
        expected += sum(map(len, words))
