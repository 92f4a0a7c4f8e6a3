"""A gap, where bytes are missing in a recording: where reading goes on, and what its row says.

A capture can lose packets, cut them, or begin late. Where the length of a cut frame tells that it
ends behind the gap, the next frame begins there. Else it must be found: frames begin where several
in a row fit, mostly where a TCP segment does.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable

from ..fields import Direction, Field
from ..protocol import frames
from ..protocol.frames import FrameHeader, Opcode
from ..protocol.http import begins_head, find_end, parse_head
from .preview import PREVIEW, count_bytes, printable, quoted
from .row_table import Gap

FIT = 4
"""So many sound frames in a row prove that the first of them begins there."""
MOST_TRIED = 20_000
"""The most segments at whose beginning a frame is looked for."""
MOST_SEARCHED = 4000, 200_000
"""The most places elsewhere at which a frame is looked for: behind one gap, behind all of them."""
_TEXT = 1024
"""Bytes of a text that must be UTF-8, where a frame is looked for."""
_LEGIBLE = bytes({*b"\t\r\n\x1b", *range(0x20, 0x7F), *range(0x80, 0x100)})
_DATA = (Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY)
_CODES = range(1000, 5000)


def sound(
    data: bytes | bytearray, at: int, stop: int, masked: bool, rsv1: bool, says: bool = True
) -> FrameHeader | None:
    """The header at `at` if it can begin a frame.

    `rsv1` says whether a message may be compressed, `says` whether also a text and the code of a
    close frame must be right, as far as they are here.
    """
    header = frames.read_header(data, at, stop)
    if header is None or header.masked != masked:
        return None
    first, size, opcode = data[at], header.payload_length, data[at] & 0x0F
    if frames.KIND_OF_OPCODE[opcode] == "reserved":
        return None
    if first & (0x30 if rsv1 and opcode in (Opcode.TEXT, Opcode.BINARY) else 0x70):
        return None
    if opcode >= Opcode.CLOSE and (first < 0x80 or size > 125):
        return None
    if (header.extended and size <= (125 if header.extended == 2 else 0xFFFF)) or size >> 63:
        return None
    if says and (first == 0x81 or opcode == Opcode.CLOSE):
        here = header._replace(payload_length=min(size, _TEXT, max(0, stop - at - header.length)))
        said = frames.frame_payload(data, at, here)
        if opcode == Opcode.CLOSE:
            whole = here.payload_length == size
            if size == 1 or (whole and size and int.from_bytes(said[:2], "big") not in _CODES):
                return None
            said = said[2:]
        if masked and 4 * len(said.translate(None, _LEGIBLE)) > len(said):
            return None  # ASCII that is unmasked with other masked ASCII is UTF-8, too
        try:
            codecs.utf_8_decode(said, "strict", len(said) == size)
        except UnicodeDecodeError:
            return None
    return header


class Run:
    """Follows frames from one place on, as long as one fits behind the other."""

    def __init__(self, at: int, masked: bool, rsv1: bool) -> None:
        self.begin, self.at, self.masked, self.rsv1 = at, at, masked, rsv1
        self.count = 0
        self.in_message: bool | None = None
        """Whether a message in fragments goes on; None before the first data frame."""
        self.joins: bool | None = None
        """Whether the first data frame continues a message that began before; None so far."""

    def next(self, data: bytes | bytearray, stop: int) -> FrameHeader | None:
        """The header of the next frame if it fits behind those before; see `follow`."""
        header = sound(data, self.at, stop, self.masked, self.rsv1)
        if header is None:
            return None
        first = data[self.at]
        if first & 0x0F in _DATA:
            continues = not first & 0x0F
            if self.in_message is not None and continues != self.in_message:
                return None
            if not first & 0x8F and not header.payload_length:
                return None  # legal; but zeros would be a run without an end
        return header

    def follow(self, first: int, header: FrameHeader) -> None:
        """Go on behind a frame."""
        self.at += header.frame_length
        self.count += 1
        if first & 0x0F in _DATA:
            if self.joins is None:
                self.joins = not first & 0x0F
            self.in_message = first < 0x80

    def fits(self, data: bytes | bytearray, stop: int, most: int = FIT) -> bool | None:
        """Whether frames fit from here to `stop`, or `most` of them; None if one is not whole."""
        while self.at < stop and self.count < most:
            header = self.next(data, stop)
            if header is None:
                return None if stop - self.at < 14 and self._may(data, stop) else False
            if self.at + header.frame_length > stop:
                return None
            self.follow(data[self.at], header)
        return True

    def _may(self, data: bytes | bytearray, stop: int) -> bool:
        """Whether the last few bytes can be the beginning of a header."""
        return frames.read_header(data, self.at, stop) is None and bool(
            _FIRSTS.match(data, self.at, stop)
        )


_WHOLE = (0x81, 0x88, 0x89, 0x8A)
"""The first bytes of a frame whose payload can be judged, or has few bytes."""
_FIRSTS = re.compile(rb"[\x00-\x02\x41\x42\x80-\x82\x88-\x8a\xc1\xc2]")
_BEGINS = {
    True: re.compile(rb"(?=[\x01\x02\x41\x42\x80-\x82\x88-\x8a\xc1\xc2][\x80-\xff])"),
    False: re.compile(rb"(?=[\x01\x02\x41\x42\x80-\x82\x88-\x8a\xc1\xc2][\x00-\x7f])"),
}


Gaps = list[tuple[int, int]]
"""The offset and the length of each gap of a stream."""


def frames_from(
    data: bytes | bytearray,
    begin: int,
    gaps: Gaps,
    place: int,
    edges: Iterable[int],
    masked: bool,
    rsv1: bool,
) -> int | None:
    """The offset, before the gap at `place`, from which on frames fit; None if there is none.

    `edges` are the offsets behind `begin` at which TCP segments begin.
    """
    stop, found = gaps[place][0] if place < len(gaps) else len(data), None
    for at in itertools.islice(itertools.chain((begin,), edges), MOST_TRIED):
        if at >= stop:
            break
        run = Run(at, masked, rsv1)
        fits = run.fits(data, stop)
        if fits is None:
            fits = run.count > 1 or _goes_on(data, run, gaps, place)
        if fits and (run.count > 1 or data[at] & 0x0F):  # a continuation alone is little
            found = at
            break
    # Further frames may stand before it, in the segment that begins with the end of a cut one.
    end = stop if found is None else found
    most = max(64, min(MOST_SEARCHED[0], MOST_SEARCHED[1] // (len(gaps) + 1)))
    for first in itertools.islice(_BEGINS[masked].finditer(data, begin, end), most):
        run = Run(first.start(), masked, rsv1)
        alone = (found or place == len(gaps)) and data[run.begin] in _WHOLE
        if run.fits(data, end) and (run.count > 1 or alone):
            return run.begin
    return found


def cut_header(begun: bytes) -> FrameHeader | None:
    """The header that `begun` is the beginning of, if its length is there; the key need not be."""
    header = frames.read_header(begun + bytes(4), 0, len(begun) + 4)
    return header if header and header.length - 4 * header.masked <= len(begun) else None


def end_of_cut(data: bytes | bytearray, start: int, gaps: Gaps, place: int) -> tuple[int, int]:
    """Where the frame at `start` ends that the gap at `place` cuts, and the place of the next gap.

    The end is 0 where its length does not tell that, as its own end may be among missing bytes.
    """
    at, missing = gaps[place]
    place += 1
    header = cut_header(bytes(data[start : min(at, start + 14)]))
    if header is None or not missing or start + header.frame_length < at + missing:
        return 0, place
    end = start + header.frame_length - missing
    while place < len(gaps) and gaps[place][0] < end:
        there, more = gaps[place]
        place += 1
        if not more or there + more > end:
            return 0, place
        end -= more
    return min(end, len(data)), place


def _goes_on(data: bytes | bytearray, run: Run, gaps: Gaps, place: int) -> bool:
    """Whether the frame that follows a run is cut by the next gap, and another fits behind it."""
    if place == len(gaps):
        return run.count > 0 and data[run.begin] in _WHOLE
    end, place = end_of_cut(data, run.at, gaps, place)
    if not end or end == len(data):
        return False
    behind = Run(end, run.masked, run.rsv1)
    fits = behind.fits(data, gaps[place][0] if place < len(gaps) else len(data))
    return fits is not False and (behind.count > 0 or end == gaps[place - 1][0])


_HEAD_LINES = re.compile(rb"[\t\r\n -~\x80-\xff]*")


def head_from(data: bytes | bytearray, begin: int, stop: int) -> int | None:
    """The offset at which a head ends whose beginning is missing; None if no head ends here."""
    end = find_end(data, begin, 0, stop)
    return end if end is not None and _HEAD_LINES.fullmatch(data, begin, end) else None


def begun_head(data: bytes) -> str:
    """The first line of a head that `data` is the beginning of; empty if it is none."""
    return parse_head(data).first_line if begins_head(data) else ""


# --- What its row says ----------------------------------------------------------------------------


def gap_text(data: bytes, gap: Gap, start: int) -> str:
    """A gap at the offset `start` on one line; `data` are the first bytes that are here."""
    many = "some bytes" if gap.missing is None else count_bytes(gap.missing)
    begun = data[: gap.cut]
    if line := begun_head(begun):
        return printable(f"{many} missing in a head: {line}"[:PREVIEW])
    if header := cut_header(begun):
        kind = frames.KIND_OF_OPCODE[begun[0] & 0x0F]
        text = f"{many} missing in a {kind} frame of {header.payload_length:,}"
        payload = frames.frame_payload(begun, 0, header)
        if begun[0] & 0x4F == Opcode.TEXT and payload:
            said = quoted(payload.decode("utf-8", "replace")[: PREVIEW - len(text) - 4])
            return f"{text}: {said[:-1].removesuffix('…')}…"
        return text
    if not gap.length:
        return f"{many} missing"
    text = f"{many} missing, {count_bytes(gap.length)} here cannot be read"
    if gap.missing is None and not start:
        text = f"{count_bytes(gap.length)}, the end of a frame whose beginning is missing"
    rest = data.decode("latin-1")
    return f"{text}: {quoted(rest)}"[:PREVIEW] if rest.isascii() and rest.isprintable() else text


def gap_fields(data: bytes, gap: Gap, direction: Direction, stop: int) -> tuple[Field, ...]:
    """The fields of a gap: what is here of a cut unit, and what cannot be read behind the gap."""
    fields: list[Field] = []
    many = "an unknown number of bytes is" if gap.missing is None else count_bytes(gap.missing)
    many += {None: "", 1: " is"}.get(gap.missing, " are") + " missing"
    begun = data[: gap.cut]
    if line := begun_head(begun):
        says = f"the beginning of a head; behind it {many}"
        fields.append(Field("head", 0, 8 * gap.cut, line, says, _TCP))
    elif header := frames.read_header(begun, 0, len(begun)):
        payload = frames.frame_payload(begun, 0, header)
        size = f"{len(payload):,} of {header.payload_length:,} bytes"
        says = f"{size}; behind them {many}"
        if begun[0] & 0x4F == Opcode.TEXT:
            says += f': "{payload[:200].decode("utf-8", "replace")}…"'
        fields += frames.frame_fields(begun, header, direction, payload, says)
        if payload:
            fields[-1] = fields[-1]._replace(name="beginning of the payload")
    elif gap.cut:
        says = f"the beginning of a frame; behind it {many}"
        fields.append(Field("beginning", 0, 8 * gap.cut, begun.hex(" "), says, _TCP))
    else:
        fields.append(Field("gap", 0, 0, None, f"{many} in the recording", _TCP))
    if left := gap.length - gap.cut:
        shown = data[gap.cut : gap.cut + 64].hex(" ")
        says = f"{count_bytes(left)} behind the gap that cannot be read"
        if gap.proven:
            says = f"{count_bytes(left)} behind the gap, the end of this frame's payload"
        says += f"; reading goes on at byte {stop:,}"
        fields.append(Field("behind the gap", 8 * gap.cut, 8 * left, shown, says, _TCP))
    return tuple(fields)


_TCP = "RFC 9293 §3.4"
